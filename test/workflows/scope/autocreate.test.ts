import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import type { ScopePlan } from '../../../contract/scope/status.ts';
import { autocreatedBalancerName } from '../../../domain/scope/names.ts';
import { eventually, failureOf, tagsOf, truth } from '../../support/inspect.ts';
import { testServers } from '../../support/servers.ts';
import { region, testWorld } from '../../support/world.ts';

const world = testWorld({ seed: region({ public: 75, private: 75 }) });

const nameFor = (scopeId: string, salt = 0) =>
  autocreatedBalancerName(
    { prefix: 'groundwork-auto-', visibility: 'public', region: 'us-east-1', scheme: 'internet-facing', scopeId },
    salt,
  );

describe('creating scopes when every balancer is full', () => {
  test('N13: a dry run names the balancer that would be made and changes nothing', async () => {
    const before = await truth(world);
    const input = world.request({ dryRun: true });
    const plan = (await (await world.start(input)).result()) as ScopePlan;
    expect(plan).toMatchObject({
      dryRun: true,
      balancer: { name: nameFor(input.scopeId), wouldBeCreated: true },
      candidates: [{ name: 'k8s-groundwork-public', rules: 75, hasRoom: false }],
    });
    expect(plan.kubernetesObjects).toContain(
      `Ingress ${world.namespace}/groundwork-autocreate-${nameFor(input.scopeId)}`,
    );
    expect(await truth(world)).toEqual(before);
  });

  test('S19, S41, N2: five at once share one balancer: one created it, four joined, its tags survive the controller, every record leads to it', async () => {
    const modified = (team: string) => ({ scope: { objectModifiers: { ingress: { labels: { team } } } } });
    const inputs = Array.from({ length: 5 }, (_, index) => world.request({ networking: modified(`team-${index}`) }));
    const results = await Promise.all(inputs.map((input) => world.create(input)));
    expect(results.filter(({ balancer }) => balancer.created)).toHaveLength(1);
    const [name] = new Set(results.map(({ balancer }) => balancer.name));
    expect(results.every(({ balancer }) => balancer.name === name)).toBe(true);

    const { balancers, rows, keepers, records, placements } = await truth(world);
    expect(balancers).toEqual([name, 'k8s-groundwork-private', 'k8s-groundwork-public']);
    expect(rows).toEqual([`${name} active`]);
    expect(keepers).toEqual([`groundwork-autocreate-${name}`]);
    for (const { domain, balancer, scopeId } of results) {
      expect(records).toContain(`ZPRIVATE ${domain} -> ${balancer.dnsName}`);
      expect(placements).toContain(`${scopeId} bound ${name}`);
    }
    const creator = results.find(({ balancer }) => balancer.created);
    const keeper = await world.kubernetes.read({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      namespace: world.namespace,
      name: `groundwork-autocreate-${name}`,
    });
    const index = results.findIndex(({ balancer }) => balancer.created);
    expect(keeper?.metadata?.labels).toMatchObject({ alb_name: name, team: `team-${index}` });
    await world.controllers.loadBalancer.restart();
    expect(await tagsOf(world, creator?.balancer.arn ?? '')).toMatchObject({
      'groundwork:managed-by': 'autocreate',
      'groundwork:visibility': 'internet-facing',
      'groundwork:created-by-scope-id': creator?.scopeId,
    });
  });

  test('the next scope finds room on it and nothing more is made', async () => {
    const before = await truth(world);
    const result = await world.create(world.request());
    expect(result.balancer).toMatchObject({ origin: 'autocreated', created: false });
    expect((await truth(world)).balancers).toEqual(before.balancers);
  });

  test('N5: the name taken by a foreign balancer is passed over with a salt, and the foreign one is left alone', async () => {
    const input = world.request({ visibility: 'private' });
    const name = (salt: number) =>
      autocreatedBalancerName(
        {
          prefix: 'groundwork-auto-',
          visibility: 'private',
          region: 'us-east-1',
          scheme: 'internal',
          scopeId: input.scopeId,
        },
        salt,
      );
    const state = world.aws.dump();
    state.regions?.['us-east-1']?.loadBalancers?.push({ name: name(0), scheme: 'internal', state: 'active' });
    world.aws.seed(state);
    const result = await world.create(input);
    expect(result.balancer).toMatchObject({ name: name(1), created: true });
    expect((await truth(world)).balancers).toContain(name(0));
  });

  test('a name whose balancer is gone, although a list still has it, is asked about once and taken', async () => {
    const input = world.request({ networking: { platform: { albMaxCapacity: 1 } } }); // every other one is full
    const name = nameFor(input.scopeId);
    const state = world.aws.dump();
    state.regions?.['us-east-1']?.loadBalancers?.push({ name, scheme: 'internet-facing', state: 'active' });
    world.aws.seed(state);
    await world.database.query(`update region_observation set observed_at = observed_at - interval '1 minute'`);
    let asked = 0;
    world.around = async (activity, run) => {
      if (activity === 'inspectOwner') {
        asked++;
        world.aws.state.mutateRegion('us-east-1', ({ loadBalancers }) => {
          for (const [arn, balancer] of loadBalancers) if (balancer.name === name) loadBalancers.delete(arn);
        });
      }
      return run();
    };
    try {
      expect((await world.create(input)).balancer).toMatchObject({ name, created: true });
    } finally {
      world.around = undefined;
    }
    expect(asked).toBe(1);
  });
});

describe('a repeat of a creation on a balancer of ours', () => {
  test('rebuilds a balancer that somebody deleted, under its name, and the records follow', async () => {
    const input = world.request();
    const first = await world.create(input);
    const { name, dnsName } = first.balancer;
    const state = world.aws.dump();
    const region = state.regions?.['us-east-1'];
    if (region) region.loadBalancers = (region.loadBalancers ?? []).filter((balancer) => balancer.name !== name);
    world.aws.seed(state);
    const second = await world.create(input);
    expect(second.balancer.name).toBe(name);
    expect(second.balancer.dnsName).not.toBe(dnsName);
    expect(second.repaired).toEqual(
      expect.arrayContaining([`balancer ${name} rebuilt`, `record ${first.domain} in zone ZPUBLIC restored`]),
    );
    expect((await truth(world)).records).toContain(`ZPUBLIC ${first.domain} -> ${second.balancer.dnsName}`);
  });

  test('tries it again after a rebuild that failed: the scope stays bound there, and its records follow', async () => {
    const input = world.request();
    const first = await world.create(input);
    const { name } = first.balancer;
    const state = world.aws.dump();
    const region = state.regions?.['us-east-1'];
    if (region) region.loadBalancers = (region.loadBalancers ?? []).filter((balancer) => balancer.name !== name);
    world.aws.seed(state);
    const failure = JSON.stringify({ type: 'BalancerQuotaExceeded', message: 'planted', details: {} });
    await world.database.query(`update balancer set state = 'failed', failure = $2 where name = $1`, [name, failure]);

    const second = await world.create(input);
    expect(second.balancer).toMatchObject({ name, created: false });
    expect(second.repaired).toEqual(
      expect.arrayContaining([`balancer ${name} rebuilt`, `record ${first.domain} in zone ZPUBLIC restored`]),
    );
    const { records, rows } = await truth(world);
    expect(records).toContain(`ZPUBLIC ${first.domain} -> ${second.balancer.dnsName}`);
    expect(rows).toContain(`${name} active`);
  });

  test('knows its record by the old target while the change is refused: a deletion leaves none behind', async () => {
    const input = world.request();
    const first = await world.create(input);
    const state = world.aws.dump();
    const region = state.regions?.['us-east-1'];
    const isOther = ({ name }: { name: string }) => name !== first.balancer.name;
    if (region) region.loadBalancers = (region.loadBalancers ?? []).filter(isOther);
    world.aws.seed(state);
    const denied = world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    expect(await failureOf(world.create(input))).toMatchObject({ type: 'AccessDenied' });
    world.faults.remove(denied);
    expect((await truth(world)).records).toContain(`ZPUBLIC ${first.domain} -> ${first.balancer.dnsName}`);

    await world.remove(input.scopeId);
    expect((await truth(world)).records.filter((record) => record.includes(first.domain))).toEqual([]);
  });

  test('applies a keeper again that somebody deleted', async () => {
    const input = world.request();
    const { balancer } = await world.create(input);
    const keeper = `groundwork-autocreate-${balancer.name}`;
    await world.kubernetes.remove({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      namespace: world.namespace,
      name: keeper,
    });
    await eventually(async () => expect((await truth(world)).keepers).not.toContain(keeper));
    const again = await world.create(input);
    expect(again.repaired).toContain(`balancer ${balancer.name} rebuilt`);
    const { keepers, balancers, rows } = await truth(world);
    expect([
      keepers.includes(keeper),
      balancers.includes(balancer.name),
      rows.includes(`${balancer.name} active`),
    ]).toEqual([true, true, true]);
  });
});

/** What `kubectl delete namespace` comes to; nobody else empties and finalizes namespaces on these servers. */
async function removeNamespace(name: string): Promise<void> {
  const admin = new KubeConfig();
  admin.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const api = admin.makeApiClient(CoreV1Api);
  const body = await api.deleteNamespace({ name });
  expect(body.status).toBeDefined();
  await api.replaceNamespaceFinalize({ name, body: { metadata: { name }, spec: { finalizers: [] } } });
  expect(await world.kubernetes.read({ apiVersion: 'v1', kind: 'Namespace', name })).toBeUndefined();
}

describe("a balancer whose keeper's namespace somebody deleted", () => {
  test('is rebuilt there by a repeat of another scope on it; one that may make no namespace says so and moves nothing', async () => {
    const platform = { autocreateNamePrefix: 'gone-', albMaxCapacity: 3 };
    const inNamespace = (namespace: string) => world.request({ kubernetes: { namespace }, networking: { platform } });
    const cause = inNamespace(`${world.namespace}-cause`);
    const { name } = (await world.create(cause)).balancer;
    const other = inNamespace(`${world.namespace}-other`);
    expect((await world.create(other)).balancer).toMatchObject({ name, created: false });

    const namespace = cause.kubernetes?.namespace ?? '';
    const keeper = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      name: `groundwork-autocreate-${name}`,
      namespace,
    };
    await world.kubernetes.remove(keeper);
    await eventually(async () => expect(await world.kubernetes.read(keeper)).toBeUndefined());
    await removeNamespace(namespace);

    const strict = { ...other, kubernetes: { ...other.kubernetes, createIfMissing: false } };
    expect(await failureOf(world.create(strict))).toMatchObject({ type: 'NamespaceMissing', details: { namespace } });
    expect((await truth(world)).rows).toContain(`${name} active`);

    expect((await world.create(other)).repaired).toContain(`balancer ${name} rebuilt`);
    expect(await world.kubernetes.read(keeper)).toBeDefined();
    expect((await truth(world)).rows).toContain(`${name} active`);
  });
});

describe('a run that waits for a new balancer', () => {
  test('which another run gives up just before it is marked ready decides again', async () => {
    const input = world.request({ networking: { platform: { autocreateNamePrefix: 'lost-', albMaxCapacity: 2 } } });
    let lost: string | undefined;
    world.around = async (activity, run) => {
      if (activity === 'activateBalancer' && !lost) {
        const { rows } = await world.database.query<{ name: string }>(
          `update balancer set state = 'failed' where name like 'lost-%' returning name`,
        );
        lost = rows[0]?.name;
      }
      return run();
    };
    try {
      const { balancer, warnings } = await world.create(input);
      expect(warnings).toMatchObject([{ code: 'BalancerReplaced', message: expect.stringContaining(lost ?? 'none') }]);
      expect((await truth(world)).rows).toContain(`${balancer.name} active`);
    } finally {
      world.around = undefined;
    }
  });

  test('S39: tells what it waits for, and goes back without a trace when it is cancelled', async () => {
    const input = world.request({ networking: { platform: { autocreateNamePrefix: 'cancel-', albMaxCapacity: 2 } } });
    const before = await truth(world);
    const handle = await world.start(input);
    const waiting = await eventually(async () => {
      const status = await world.status(handle.workflowId);
      expect(status.waitingFor?.lastSeen).toContain('provisioning');
      return status;
    });
    expect(waiting).toMatchObject({
      phase: 'Provisioning',
      balancer: { created: true },
      waitingFor: { what: expect.stringContaining('to become active') },
    });
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow('cancelled');
    expect(await truth(world)).toEqual({
      ...before,
      rows: [...before.rows, `${waiting.balancer?.name} retired`].sort(),
    });
    expect((await world.status(handle.workflowId)).phase).toBe('Cancelled');
  });

  test('N18: looks again at once when asked, and refuses the question when nothing is being waited for', async () => {
    const input = world.request({ networking: { platform: { autocreateNamePrefix: 'retry-', albMaxCapacity: 2 } } });
    const handle = await world.start(input);
    const running = world.client.workflow.getHandle(handle.workflowId);
    await eventually(async () => expect((await world.status(handle.workflowId)).waitingFor?.lastSeen).toBeDefined());
    expect(await running.executeUpdate('retryNow', { args: [{ by: 'ana' }] })).toEqual({
      waitingFor: expect.stringContaining('to become active'),
    });
    await running.result();

    const second = await world.start(world.request());
    await second.result();
    await expect(
      world.client.workflow.getHandle(second.workflowId).executeUpdate('retryNow', { args: [{}] }),
    ).rejects.toThrow();
  });
});

describe('a deletion', () => {
  const ask = (scopeId: string, fields: object) =>
    world.client.workflow.execute('scopeDeletion', {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.scopeDeletion(scopeId),
      args: [{ scopeId, ...fields }],
    });
  const zones = { hostedZones: { public: 'ZPUBLIC', private: 'ZPRIVATE' } };

  test('S65: removes records and placement; a repeat and an unknown scope are answers, not failures', async () => {
    const input = world.request();
    const { domain } = await world.create(input);
    const result = await world.remove(input.scopeId);
    expect(result.removed).toEqual([
      `record ${domain} in zone ZPUBLIC`,
      `record ${domain} in zone ZPRIVATE`,
      expect.stringContaining('placement on balancer'),
    ]);
    const { records, placements, recordRows } = await truth(world);
    expect([...records, ...recordRows].filter((line) => line.includes(domain))).toEqual([]);
    expect(placements.filter((line) => line.startsWith(input.scopeId))).toEqual([]);
    expect(await world.remove(input.scopeId)).toMatchObject({ removed: [], absent: [`scope ${input.scopeId}`] });
    expect(await world.remove('never-seen')).toMatchObject({ removed: [], absent: ['scope never-seen'] });
  });

  test('of a scope that the ledger lost removes its records only when it is told to adopt them', async () => {
    const input = world.request();
    const { domain } = await world.create(input);
    for (const table of ['placement_host', 'placement', 'dns_record'])
      await world.database.query(`delete from ${table} where scope_id = $1`, [input.scopeId]);
    const { scopeId } = input;
    expect(await ask(scopeId, {})).toMatchObject({ removed: [], absent: [`scope ${input.scopeId}`] });
    expect(await ask(scopeId, { adopt: true, region: 'eu-west-1', domain, ...zones })).toMatchObject({
      removed: [],
      warnings: [{ code: 'DnsRecordForeign' }, { code: 'DnsRecordForeign' }],
    });
    expect(await ask(scopeId, { adopt: true, region: 'us-east-1', domain: 'To be defined', ...zones })).toMatchObject({
      removed: [],
      warnings: [{ code: 'DnsNoDomain' }],
    });
    expect(
      await ask(scopeId, { adopt: true, region: 'us-east-1', domain: `${domain.toUpperCase()}.`, ...zones }),
    ).toMatchObject({
      removed: [`record ${domain} in zone ZPUBLIC`, `record ${domain} in zone ZPRIVATE`],
      warnings: [],
    });
    expect((await truth(world)).records.join()).not.toContain(domain);
  });

  test('that adopts under a wrong id is refused the record of a live scope, and keeps what the ledger knows as of another one', async () => {
    const input = world.request();
    const { domain } = await world.create(input);
    const before = await truth(world);
    const adopt = { adopt: true, region: 'us-east-1', domain, ...zones };
    expect(await failureOf(ask('mistyped', adopt))).toMatchObject({
      type: 'HostConflict',
      message: expect.stringContaining(`belongs to scope ${input.scopeId}`),
    });
    expect(await truth(world)).toEqual(before);

    // Its placement is gone, its records are not: retirement will undo them, nobody adopts them.
    await world.database.query('delete from placement_host where scope_id = $1', [input.scopeId]);
    expect(await ask('mistyped', adopt)).toMatchObject({
      removed: [],
      warnings: [{ code: 'DnsRecordForeign' }, { code: 'DnsRecordForeign' }],
    });
    const { records, recordRows } = await truth(world);
    expect([records, recordRows]).toEqual([before.records, before.recordRows]);
  });

  test('N14: while a creation runs it waits, then tells who holds the scope', async () => {
    const input = world.request({ networking: { platform: { autocreateNamePrefix: 'busy-', albMaxCapacity: 2 } } });
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    try {
      const handle = await world.start(input);
      await eventually(async () => expect((await world.status(handle.workflowId)).phase).toBe('Provisioning'));
      await expect(world.remove(input.scopeId)).rejects.toMatchObject({
        cause: { type: 'ScopeBusy', message: expect.stringContaining(workflowIds.scopeCreation(input.scopeId)) },
      });
      world.controllers.loadBalancer.knobs.neverReconcile = false;
      await handle.result();
    } finally {
      world.controllers.loadBalancer.knobs.neverReconcile = false;
    }
  });
});
