import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import type { ScopePlan } from '../../../contract/scope/status.ts';
import { makeGateway } from '../../support/gateway.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import { terminatedCreation } from '../../support/terminated.ts';
import { testWorld } from '../../support/world.ts';

const world = testWorld({ environment: { GROUNDWORK_DNS_ENDPOINT_TIMEOUT: '2' } });

async function gateway(address?: { kind: 'Gateway' | 'Service'; status: object }): Promise<string> {
  const name = `gateway-${uniqueName('g')}`;
  if (address) await makeGateway(world.kubernetes, name, address.status, address.kind);
  return name;
}

const ip = { kind: 'Gateway', status: { addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] } } as const;

const request = (gatewayPublicName: string) =>
  world.request({ dnsType: 'external_dns', networking: { scope: { gatewayPublicName } } });

const endpoints = () =>
  world.kubernetes.list(
    { apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint' },
    { namespace: world.namespace },
  );
const endpointOf = async (scopeId: string) =>
  (await endpoints()).find(({ metadata }) => metadata?.name?.includes(`-${scopeId}-`));

describe('a scope with external-dns', () => {
  test('S17, S43, S56, S71, S75, S74: takes the base name whatever the lists say, without looking at AWS; external-dns observes its record; deletion removes it', async () => {
    world.aws.resetRequests();
    const input = request(await gateway(ip));
    const scope = {
      ...input.networking?.scope,
      additionalPublicBalancers: ['emptier'],
      objectModifiers: { global: { labels: { team: 'web' } } },
    };
    input.networking = { scope };
    const result = await world.create(input);
    const { reason, candidates } = await world.status(workflowIds.scopeCreation(input.scopeId));
    expect(reason).toContain('DNS type external_dns: the configured name k8s-groundwork-public is taken');
    expect(candidates).toEqual([]);
    expect(result).toMatchObject({
      balancer: { name: 'k8s-groundwork-public', origin: 'declared', created: false },
      dns: [{ name: result.domain, type: 'A', target: '10.1.2.3', state: 'in-sync' }],
      warnings: [],
    });
    expect(world.aws.requestCounts()).toEqual({});
    expect(await endpointOf(input.scopeId)).toMatchObject({
      metadata: { labels: { 'dns/zone-type': 'public', team: 'web' } },
      spec: { endpoints: [{ dnsName: result.domain, recordTTL: 60, recordType: 'A', targets: ['10.1.2.3'] }] },
    });
    const again = await world.create(input);
    expect(again).toMatchObject({ repaired: [], dns: result.dns });

    const { removed } = await world.remove(input.scopeId);
    expect(removed).toEqual([expect.stringMatching(/^DNSEndpoint /)]);
    expect(await endpointOf(input.scopeId)).toBeUndefined();
    expect((await truth(world)).placements.join()).not.toContain(input.scopeId);
    expect(await world.remove(input.scopeId)).toMatchObject({ removed: [] });
  });

  test('S71, S74: the address of a Service with a host name becomes a CNAME; a deletion that finds the object gone is done', async () => {
    const status = { loadBalancer: { ingress: [{ hostname: 'front.elb.example' }] } };
    const input = request(await gateway({ kind: 'Service', status }));
    const result = await world.create(input);
    expect(result.dns).toMatchObject([{ type: 'CNAME', target: 'front.elb.example', state: 'in-sync' }]);
    const name = (await endpointOf(input.scopeId))?.metadata?.name ?? '';
    const kind = { apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint' };
    await world.kubernetes.remove({ ...kind, name, namespace: world.namespace });
    expect(await world.remove(input.scopeId)).toMatchObject({
      removed: [],
      absent: [`DNSEndpoint ${world.namespace}/${name}`],
    });
  });

  test('S72: without an address it succeeds deferred, and a repeat finishes it', async () => {
    const name = await gateway();
    const input = request(name);
    const first = await world.create(input);
    expect(first).toMatchObject({ dns: [{ state: 'deferred' }], warnings: [{ code: 'DnsDeferred' }] });
    expect(await endpointOf(input.scopeId)).toBeUndefined();
    await makeGateway(world.kubernetes, name, ip.status, 'Gateway');
    const second = await world.create(input);
    expect(second).toMatchObject({ dns: [{ state: 'in-sync' }], repaired: [expect.stringContaining('DNSEndpoint')] });
  });

  test('S76: that external-dns never observes fails in time, and its object is removed again', async () => {
    const name = await gateway(ip);
    world.externalDns.knobs.ignores = () => true;
    try {
      const input = request(name);
      await expect(world.create(input)).rejects.toMatchObject({
        cause: { type: 'DnsTimeout', message: expect.stringContaining('observedGeneration is not set') },
      });
      expect(await endpointOf(input.scopeId)).toBeUndefined();
      expect((await truth(world)).placements.join()).not.toContain(input.scopeId);
    } finally {
      world.externalDns.knobs.ignores = () => false;
    }
  });

  test('cancelled while it waits leaves nothing', async () => {
    const name = await gateway(ip);
    world.externalDns.knobs.ignores = () => true;
    try {
      const input = request(name);
      const handle = await world.start(input);
      await eventually(async () =>
        expect((await world.status(handle.workflowId)).waitingFor?.what ?? '').toContain('observe'),
      );
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');
      expect(await endpointOf(input.scopeId)).toBeUndefined();
    } finally {
      world.externalDns.knobs.ignores = () => false;
    }
  });

  test('that moves to another namespace keeps its record there until the new one is ready, and leaves nothing behind', async () => {
    const input = request(await gateway(ip));
    const first = (await world.create(input)).dns[0]?.zoneId;
    const moved = { ...input, kubernetes: { namespace: `${world.namespace}-moved` } };
    const there = async (name = '') => {
      const [namespace = '', object = ''] = name.split('/');
      const kind = { apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint' };
      return (await world.kubernetes.read({ ...kind, namespace, name: object })) !== undefined;
    };
    const second = `${world.namespace}-moved/${first?.split('/')[1]}`;

    world.externalDns.knobs.ignores = () => true;
    try {
      await expect(world.create(moved)).rejects.toMatchObject({ cause: { type: 'DnsTimeout' } });
    } finally {
      world.externalDns.knobs.ignores = () => false;
    }
    expect([await there(first), await there(second)]).toEqual([true, false]);

    expect((await world.create(moved)).dns).toMatchObject([{ zoneId: second, state: 'in-sync' }]);
    expect([await there(first), await there(second)]).toEqual([false, true]);
    expect((await world.remove(input.scopeId)).removed).toEqual([`DNSEndpoint ${second}`]);
    expect([await there(first), await there(second)]).toEqual([false, false]);
  });

  test('whose move is terminated half-way is deleted with both of its objects', async () => {
    const input = request(await gateway(ip));
    await world.create(input);
    const moved = { ...input, kubernetes: { namespace: `${world.namespace}-moved` } };
    world.externalDns.knobs.ignores = () => true;
    try {
      const handle = await world.start(moved);
      await eventually(async () =>
        expect((await world.status(handle.workflowId)).waitingFor?.what ?? '').toContain('observe'),
      );
      await handle.terminate();
    } finally {
      world.externalDns.knobs.ignores = () => false;
    }
    await world.remove(input.scopeId);
    const all = await world.kubernetes.list({ apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint' });
    expect(JSON.stringify(all)).not.toContain(`-${input.scopeId}-`);
  });

  test.each([false, true])(
    'that was terminated is created with Route 53 instead: its DNSEndpoint goes (undone: %s)',
    async (fails) => {
      const input = request(await gateway(ip));
      await terminatedCreation(world, input, 'applyDnsEndpoint');
      expect(await endpointOf(input.scopeId)).toBeDefined();
      if (fails)
        world.faults.add({
          match: { service: 'route53', action: 'ChangeResourceRecordSets' },
          effect: { kind: 'error', code: 'AccessDenied', status: 403 },
        });
      const repeat = world.create({ ...input, dnsType: 'route53' });
      if (fails) expect((await failureOf(repeat)).type).toBe('AccessDenied');
      else expect(await repeat).toMatchObject({ warnings: [] });
      world.faults.clear();
      expect(await endpointOf(input.scopeId)).toBeUndefined();
      expect((await truth(world)).placements.join().includes(`${input.scopeId} bound`)).toBe(!fails);
    },
  );

  test('does not change its way of DNS under way', async () => {
    const input = request(await gateway(ip));
    await world.create(input);
    await expect(world.create({ ...input, dnsType: 'route53' })).rejects.toMatchObject({
      cause: { type: 'ScopeMismatch', message: expect.stringContaining('external_dns') },
    });
  });

  test('is planned without a trace', async () => {
    const input = { ...request(await gateway(ip)), dryRun: true };
    const plan = (await (await world.start(input)).result()) as ScopePlan;
    expect(plan).toMatchObject({
      dnsType: 'external_dns',
      candidates: [],
      dns: [{ state: 'planned', target: '10.1.2.3' }],
      kubernetesObjects: expect.arrayContaining([expect.stringContaining('DNSEndpoint')]),
    });
    expect(await endpointOf(input.scopeId)).toBeUndefined();
  });
});
