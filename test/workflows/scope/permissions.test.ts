import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import { type KubernetesPermission, kubernetesPermissions } from '../../../worker/permissions.ts';
import { makeGateway } from '../../support/gateway.ts';
import { eventually, failureOf, type Truth, truth } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import { makeServiceAccount, type ServiceAccount } from '../../support/service-account.ts';
import { region, testWorld } from '../../support/world.ts';

/**
 * The published permissions suffice, and each that is missing is named. AWS denies the worker whatever the policy of
 * docs/operations/permissions.md does not allow; in Kubernetes it is a service account whose role lacks one verb at a time.
 */

const PAGE = fileURLToPath(new URL('../../../docs/operations/permissions.md', import.meta.url));

interface Policy {
  Statement: { Effect: 'Allow'; Action: string | string[] }[];
}

const [, policy = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync(PAGE, 'utf8')) ?? [];

/** What only rollouts use. */
const OF_ROLLOUTS = ['elasticloadbalancing:DescribeTargetHealth', 'elasticloadbalancing:DescribeTargetGroupAttributes'];

const published = (JSON.parse(policy) as Policy).Statement.flatMap(({ Action }) => Action).filter(
  (action) => !OF_ROLLOUTS.includes(action),
);

/** The worker's access key id in a test's world. */
const WORKER = 'sandbox';

const world = testWorld({ seed: region({ public: 75, private: 10 }), worker: false });
let account: ServiceAccount;

beforeAll(async () => {
  account = await makeServiceAccount();
  await account.grant(needed);
  await world.startWorker(account.token);
});
afterEach(() => {
  world.around = undefined;
  world.faults.clear();
  world.aws.permissions.clear();
});

const grantAll = () => world.aws.permissions.set(WORKER, new Set(published));
const without = (action: string) =>
  world.aws.permissions.set(WORKER, new Set(published.filter((one) => one !== action)));

/** A public scope on a balancer of its own, with a host that brings its certificate into question. */
const demanding = (): ScopeCreationInput => {
  const input = world.request({ networking: { platform: { albMaxCapacity: 3 } } });
  return { ...input, additionalDomains: [`${input.scopeId}.shop.example.org`] };
};
const easy = () => world.request({ visibility: 'private' });

test('with the published permissions alone a balancer is made, tagged and served, and the scope deleted', async () => {
  grantAll();
  const before = await truth(world);
  untag();
  const input = demanding();
  const { warnings, balancer } = await world.create(input);
  expect(balancer.created).toBe(true);
  expect(warnings).toEqual([]);
  await world.remove(input.scopeId);
  const { records, placements, held } = await truth(world);
  expect({ records, placements, held }).toEqual({ records: before.records, placements: before.placements, held: [] });
  await world.create(demanding()); // the idle balancer is full again
});

test('every published permission is used by that', () => {
  const used = Object.keys(world.aws.requestCounts(WORKER)).map((call) =>
    call.replace('elbv2:', 'elasticloadbalancing:'),
  );
  expect(used.filter((call) => !call.startsWith('sts:')).sort()).toEqual([...published].sort());
});

/** The controller's tags are gone when the worker looks, so that it has to write them. */
function untag(): void {
  world.around = (name, run) => {
    if (name === 'ensureBalancerTags')
      world.aws.state.mutateRegion('us-east-1', ({ loadBalancers }) => {
        for (const [arn, balancer] of loadBalancers)
          if (balancer.name.startsWith('groundwork-auto-')) loadBalancers.set(arn, { ...balancer, tags: {} });
      });
    return run();
  };
}

describe('without', () => {
  beforeEach(() => new Promise((resolve) => setTimeout(resolve, 700))); // older than observations may be: the next run reads

  const tagging = ['elasticloadbalancing:AddTags', 'elasticloadbalancing:DescribeTags'];
  const certificates = 'elasticloadbalancing:DescribeListenerCertificates';

  test.each(published.filter((action) => !tagging.includes(action)))(
    '%s the run ends as denied and names it',
    async (action) => {
      const before = await truth(world);
      without(action);
      const input = easy();
      const hosts = action === certificates ? { additionalDomains: [`${input.scopeId}.shop.example.org`] } : {};
      expect(await failureOf(world.create({ ...input, ...hosts }))).toMatchObject({
        type: 'AccessDenied',
        message: expect.stringContaining(action),
      });
      world.aws.permissions.clear();
      expect(await truth(world)).toEqual(before);
    },
  );

  test.each(tagging)('%s the creation goes on with a warning that names it', async (action) => {
    untag();
    without(action);
    const { warnings } = await world.create(demanding());
    expect(warnings).toContainEqual({ code: 'TagsNotWritten', message: expect.stringContaining(action) });
  });
});

/** What scopes need of Kubernetes: the role of this file's worker grants this and nothing else. */
const needed: readonly KubernetesPermission[] = [
  { group: '', resource: 'namespaces', verbs: ['get', 'create'] },
  { group: 'networking.k8s.io', resource: 'ingresses', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: '', resource: 'events', verbs: ['list'] },
  { group: '', resource: 'services', verbs: ['get', 'list'] },
  { group: 'apps', resource: 'deployments', verbs: ['list'] },
  { group: 'gateway.networking.k8s.io', resource: 'gateways', verbs: ['get'] },
  { group: 'gateway.networking.k8s.io', resource: 'httproutes', verbs: ['list'] },
  { group: 'externaldns.k8s.io', resource: 'dnsendpoints', verbs: ['get', 'create', 'patch', 'delete'] },
];

describe('in Kubernetes, without', () => {
  const ofNewBalancer = () => () => world.create(world.request({ networking: { platform: { albMaxCapacity: 2 } } }));
  const inNewNamespace = () => () =>
    world.create(world.request({ visibility: 'private', kubernetes: { namespace: uniqueName('fresh') } }));
  const givenUp = () => () =>
    world.create(world.request({ networking: { platform: { albMaxCapacity: 2, domainName: 'nocert.example.org' } } }));
  const external = async () => {
    const gateway = uniqueName('gateway');
    await makeGateway(world.kubernetes, gateway, { loadBalancer: { ingress: [{ hostname: 'front.example.org' }] } });
    return world.request({ dnsType: 'external_dns', networking: { scope: { gatewayPublicName: gateway } } });
  };
  const createExternal = async () => {
    const input = await external();
    return () => world.create(input);
  };
  const remove = async (input: ScopeCreationInput) => {
    await world.create(input);
    return () => world.remove(input.scopeId);
  };
  const removePlain = () => remove(easy());
  const removeExternal = async () => remove(await external());

  /** What fails by each verb, and what of it, when it does not end as `AccessDenied` with everything undone. */
  const cases: Record<string, [journey: () => Run | Promise<Run>, end?: 'CompensationIncomplete' | 'stays']> = {
    'get Namespace': [ofNewBalancer],
    'create Namespace': [inNewNamespace],
    'get Ingress': [ofNewBalancer, 'CompensationIncomplete'],
    'list Ingress': [removePlain, 'stays'],
    'create Ingress': [ofNewBalancer],
    'patch Ingress': [ofNewBalancer],
    'delete Ingress': [givenUp, 'CompensationIncomplete'],
    'list Event': [ofNewBalancer],
    'get Service': [createExternal],
    'list Service': [removePlain, 'stays'],
    'list Deployment': [removePlain, 'stays'],
    'list HTTPRoute': [removePlain, 'stays'],
    'get Gateway': [createExternal],
    'get DNSEndpoint': [createExternal],
    'create DNSEndpoint': [createExternal],
    'patch DNSEndpoint': [createExternal],
    'delete DNSEndpoint': [removeExternal, 'stays'],
  };
  type Run = () => Promise<unknown>;

  test('the role of these tests is part of what is published, and each of its verbs is taken away below', () => {
    for (const { group, resource, verbs } of needed) {
      const published = kubernetesPermissions.find((one) => one.group === group && one.resource === resource);
      expect(published?.verbs).toEqual(expect.arrayContaining([...verbs]));
    }
    const each = needed.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${KINDS[resource]}`));
    expect(Object.keys(cases).sort()).toEqual(each.sort());
  });

  test.each(Object.entries(cases))('%s the run names it', async (permission, [journey, end]) => {
    const run = await journey();
    const before = await truth(world);
    const [verb = '', kind = ''] = permission.split(' ');
    await account.grant(needed.map((one) => (KINDS[one.resource] === kind ? lacking(one, verb) : one)));
    const failure = await failureOf(run());
    await account.grant(needed);
    expect(failure).toMatchObject({
      type: end === 'CompensationIncomplete' ? end : 'AccessDenied',
      message: expect.stringMatching(new RegExp(`Kubernetes denies "${permission}\\b`)),
    });
    if (end === 'stays') expect((await truth(world)).held).toEqual([]);
    else await eventually(async () => expect(await withoutRetired(end)).toEqual(lasting(before)));
  });

  const lacking = (one: KubernetesPermission, verb: string) => ({
    ...one,
    verbs: one.verbs.filter((granted) => granted !== verb),
  });

  /** What is left over after a compensation that failed is retirement's to finish. */
  async function withoutRetired(end: string | undefined) {
    if (end === 'CompensationIncomplete')
      await world.client.workflow.execute('balancerRetirement', {
        taskQueue: world.taskQueue,
        workflowId: uniqueName('balancer-retirement'),
      });
    return lasting(await truth(world));
  }
});

const lasting = ({ rows, ...rest }: Truth) => ({ ...rest, rows: rows.filter((row) => !row.endsWith(' retired')) });

const KINDS: Readonly<Record<string, string>> = {
  namespaces: 'Namespace',
  ingresses: 'Ingress',
  events: 'Event',
  services: 'Service',
  deployments: 'Deployment',
  gateways: 'Gateway',
  httproutes: 'HTTPRoute',
  dnsendpoints: 'DNSEndpoint',
};
