import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import type { ScopePlan } from '../../../contract/scope/status.ts';
import type { AwsSeed } from '../../../sandbox/aws/seed-schema.ts';
import { eventually, failureOf, tagsOf, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/** Rows of the acceptance table that need AWS, cluster or ledger and stand in no other file. Private scopes find every balancer full. */

function seed(): AwsSeed {
  const all = region({ public: 10, private: 75 });
  all.regions?.['us-east-1']?.loadBalancers?.push({
    name: 'two-listeners',
    scheme: 'internet-facing',
    state: 'active',
    listeners: [
      { port: 80, protocol: 'HTTP', rules: 30 },
      { port: 443, protocol: 'HTTPS', rules: 30 },
    ],
  });
  return all;
}

const world = testWorld({ seed: seed(), networks: true, environment: { GROUNDWORK_READ_PATIENCE: '4' } });

afterEach(() => {
  world.faults.clear();
  world.networks.postgres.heal();
  world.controllers.loadBalancer.knobs.neverReconcile = false;
});

/** A private scope on a balancer of its own. */
const alone = (platform: object = {}) =>
  world.request({ visibility: 'private', networking: { platform: { albMaxCapacity: 2, ...platform } } });

/** Everything but the rows of retired balancers, which a failure leaves behind. */
async function footprint() {
  const { rows, ...rest } = await truth(world);
  return { ...rest, rows: rows.filter((row) => !row.endsWith(' retired')) };
}

const outlast = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
/** Older than observations may be, so that the next run reads. */
const forget = () => outlast(0.7);
const phaseOf = (workflowId: string) => world.status(workflowId).then(({ phase }) => phase);
const provisioning = (workflowId: string) =>
  eventually(async () => expect(await phaseOf(workflowId)).toBe('Provisioning'));

describe('a new balancer', () => {
  test('N4: of a creator that is gone is brought to life by the scope that was placed there meanwhile', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const platform = { albMaxCapacity: 3, autocreateNamePrefix: 'n4-' }; // keeper, creator and one more
    const creator = await world.start(alone(platform));
    await provisioning(creator.workflowId);
    await eventually(async () => expect((await truth(world)).keepers.join()).toContain('groundwork-autocreate-n4-'));
    const waiter = await world.start(alone(platform));
    await provisioning(waiter.workflowId);
    await world.client.workflow.getHandle(creator.workflowId).terminate('its cluster is gone');
    world.controllers.loadBalancer.knobs.neverReconcile = false;
    const { balancer } = (await waiter.result()) as Awaited<ReturnType<typeof world.create>>;
    expect(balancer).toMatchObject({ name: expect.stringMatching(/^n4-/), created: false });
    expect((await truth(world)).rows).toContain(`${balancer.name} active`);
  });

  test('N10: whose creator is cancelled stays for the other scope that is placed there', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const platform = { albMaxCapacity: 3, autocreateNamePrefix: 'n10-' };
    const creator = await world.start(alone(platform));
    await provisioning(creator.workflowId);
    const other = await world.start(alone(platform));
    await provisioning(other.workflowId);
    await world.client.workflow.getHandle(creator.workflowId).cancel();
    await expect(creator.result()).rejects.toThrow('cancelled');
    const cancelled = creator.workflowId.split('/')[1] ?? '';
    expect((await truth(world)).placements.filter((line) => line.startsWith(cancelled))).toEqual([]);
    world.controllers.loadBalancer.knobs.neverReconcile = false;
    const { balancer } = (await other.result()) as Awaited<ReturnType<typeof world.create>>;
    expect((await truth(world)).rows).toContain(`${balancer.name} active`);
  });

  test('S36: that is active already is not waited for', async () => {
    const platform = { albMaxCapacity: 3, autocreateNamePrefix: 's36-' };
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const result = await world.create(alone(platform));
    expect(result.balancer).toMatchObject({ created: false, name: expect.stringMatching(/^n10-/) });
  });

  test('S26, S27: of a private scope with a prefix of its own: name, keeper and ledger say so', async () => {
    const { balancer } = await world.create(alone({ autocreateNamePrefix: 'team-a-' }));
    expect(balancer.name).toMatch(/^team-a-private-[a-f0-9]{6}$/);
    const { rows } = await world.database.query('select name, scheme, state from balancer where name = $1', [
      balancer.name,
    ]);
    expect(rows).toEqual([{ name: balancer.name, scheme: 'internal', state: 'active' }]);
    expect((await truth(world)).keepers).toContain(`groundwork-autocreate-${balancer.name}`);
  });

  test('S37: its deadline is the configured one after the wait began; S39: waiting makes no history', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const { workflowId } = await world.start(alone({ autocreateTimeoutSeconds: 120 }));
    const handle = world.client.workflow.getHandle(workflowId);
    const wait = await eventually(async () => {
      const { waitingFor } = await world.status(workflowId);
      expect(waitingFor?.lastSeen).toBeDefined();
      return waitingFor;
    });
    expect(Date.parse(wait?.until ?? '') - Date.parse(wait?.since ?? '')).toBe(120_000);
    const events = async () => (await handle.describe()).historyLength;
    const before = await events();
    await outlast(0.5); // six looks at the test's interval
    expect(await events()).toBe(before);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
  });

  test.each([
    [403, 'Forbidden', 'AccessDenied', /patch Ingress\.networking\.k8s\.io/],
    [422, 'Invalid', 'KubernetesRefused', /planted words/],
  ])(
    'S33: whose keeper Kubernetes answers with %i ends as a typed failure, and its row is retired',
    async (status, code, type, words) => {
      const before = await truth(world);
      world.faults.add({
        match: {
          service: 'kubernetes',
          method: 'PATCH',
          path: '/apis/networking.k8s.io/v1/namespaces/[^/]+/ingresses/',
        },
        effect: { kind: 'error', status, code, message: 'planted words' },
      });
      const failure = await failureOf(world.create(alone()));
      expect(failure).toMatchObject({ type, message: expect.stringMatching(words) });
      const { rows, ...rest } = await truth(world);
      expect({ ...rest, rows: [] }).toEqual({ ...before, rows: [] });
      expect(rows.filter((row) => !before.rows.includes(row))).toEqual([expect.stringMatching(/ retired$/)]);
    },
  );
});

describe('the ledger', () => {
  test('S31: that cannot be reached is tried again, and nothing is applied meanwhile', async () => {
    const before = await footprint();
    const input = alone();
    world.around = async (name, run) => {
      if (name !== 'placeScope') return run();
      world.around = undefined;
      world.networks.postgres.set({ refuse: true });
      world.networks.postgres.cut();
      return run();
    };
    const { workflowId } = await world.start(input);
    await eventually(async () => expect(world.networks.postgres.faults().refuse).toBe(true));
    await outlast(1);
    expect(await phaseOf(workflowId)).toBe('Placing');
    const { balancers, keepers, records } = await footprint();
    expect({ balancers, keepers, records }).toEqual({
      balancers: before.balancers,
      keepers: before.keepers,
      records: before.records,
    });
    world.networks.postgres.heal();
    await world.client.workflow.getHandle(workflowId).result();
    expect((await truth(world)).placements.join()).toContain(`${input.scopeId} bound`);
  });
});

describe('a declared balancer', () => {
  test('S42: is not tagged', async () => {
    world.aws.resetRequests();
    const { balancer } = await world.create(world.request());
    expect(world.aws.requestCounts('sandbox')).not.toHaveProperty('elbv2:AddTags');
    expect(await tagsOf(world, balancer.arn ?? '')).toEqual({});
  });

  test('S46: with two listeners of 30 rules has a load of 60, and room', async () => {
    const input = world.request({ networking: { scope: { balancerPublicName: 'two-listeners' } } });
    const plan = (await (await world.start({ ...input, dryRun: true })).result()) as ScopePlan;
    expect(plan.candidates).toMatchObject([{ name: 'two-listeners', rules: 60, hasRoom: true }]);
    expect((await world.create(input)).balancer.name).toBe('two-listeners');
  });

  test('S53: whose listeners cannot be read for a moment is read again', async () => {
    await forget();
    world.faults.add({
      match: { service: 'elbv2', action: 'DescribeListeners', caller: 'sandbox' },
      times: 2,
      effect: { kind: 'error', code: 'InternalFailure', status: 500 },
    });
    expect((await world.create(world.request())).balancer.name).toBe('k8s-groundwork-public');
  });

  test.each(['DescribeRules', 'DescribeListeners'])(
    'a listener of which vanishes while it is read is not taken for absent (%s)',
    async (action) => {
      await forget();
      world.faults.add({
        match: { service: 'elbv2', action, caller: 'sandbox' },
        times: 1,
        effect: { kind: 'error', code: 'ListenerNotFound', status: 400 },
      });
      const { balancer, warnings } = await world.create(world.request());
      expect([balancer.name, warnings]).toEqual(['k8s-groundwork-public', []]);
    },
  );

  test('S52: in a list that cannot be read is neither absent nor empty: the run ends as unreadable', async () => {
    await forget();
    const before = await footprint();
    world.faults.add({
      match: { service: 'elbv2', action: 'DescribeLoadBalancers', caller: 'sandbox' },
      effect: { kind: 'error', code: 'InternalFailure', status: 500 },
    });
    // The last error follows: mostly of the call, but Temporal's own when the first attempt is not back by then.
    expect(await failureOf(world.create(alone()))).toMatchObject({
      type: 'BalancerUnreadable',
      message: expect.stringMatching(/^the balancers of us-east-1 could not be read within 4 s\. Last error: \S/),
    });
    world.faults.clear();
    expect(await footprint()).toEqual(before);
  });

  test('S60: that vanished is told to a repeat; one without a DNS name is waited for', async () => {
    const input = world.request({ networking: { scope: { balancerPublicName: 'two-listeners' } } });
    await world.create(input);
    const change = (of: (dnsName: string) => string) =>
      world.aws.state.mutateRegion('us-east-1', ({ loadBalancers }) => {
        for (const [arn, balancer] of loadBalancers)
          if (balancer.name === 'two-listeners') loadBalancers.set(arn, { ...balancer, dnsName: of(balancer.dnsName) });
      });
    let dnsName = '';
    change((now) => {
      dnsName = now;
      return '';
    });
    await forget();
    const { workflowId } = await world.start(
      world.request({ networking: { scope: { balancerPublicName: 'two-listeners' } } }),
    );
    await eventually(async () =>
      expect((await world.status(workflowId)).waitingFor?.lastSeen).toContain('without a DNS name'),
    );
    change(() => dnsName);
    await world.client.workflow.getHandle(workflowId).result();

    const state = world.aws.dump();
    const regionState = state.regions?.['us-east-1'];
    if (regionState)
      regionState.loadBalancers = regionState.loadBalancers?.filter(({ name }) => name !== 'two-listeners') ?? [];
    world.aws.seed(state);
    await forget();
    const failure = await failureOf(world.create(input));
    expect(failure).toMatchObject({ type: 'BalancerMissing', message: expect.stringContaining('two-listeners') });
    expect((await truth(world)).placements).toContain(`${input.scopeId} bound two-listeners`);

    // S63: the deletion needs no balancer.
    const { removed } = await world.remove(input.scopeId);
    expect(removed.filter((what) => what.startsWith('record '))).toHaveLength(2);
  });

  test('S63: need not exist for a deletion: records go with the values read', async () => {
    const input = alone();
    const { domain, balancer } = await world.create(input);
    const state = world.aws.dump();
    const regionState = state.regions?.['us-east-1'];
    if (regionState)
      regionState.loadBalancers = regionState.loadBalancers?.filter(({ name }) => name !== balancer.name) ?? [];
    world.aws.seed(state);
    const { removed } = await world.remove(input.scopeId);
    expect(removed.slice(0, 2)).toEqual([`record ${domain} in zone ZPUBLIC`, `record ${domain} in zone ZPRIVATE`]);
    expect((await truth(world)).records.join()).not.toContain(domain);
  });
});

test('S81: a missing namespace is created with its label when the scope says so', async () => {
  const namespace = `${world.namespace}-made`;
  await world.create(world.request({ kubernetes: { namespace, createIfMissing: true } }));
  const found = await world.kubernetes.read({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
  expect(found?.metadata?.labels).toMatchObject({ groundwork: 'true' });
});

describe('records', () => {
  test('N7: one whose answer was lost is known as ours: a run that fails later removes it', async () => {
    const before = await footprint();
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPRIVATE' },
      when: 'after',
      times: 1,
      effect: { kind: 'reset' },
    });
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    expect((await failureOf(world.create(world.request()))).type).toBe('AccessDenied');
    world.faults.clear();
    expect(await footprint()).toEqual(before);
  });

  test('N14: a creation while a deletion works waits, then tells who holds the scope; the deletion goes on', async () => {
    const input = world.request();
    await world.create(input);
    world.faults.add({ match: { service: 'route53', caller: 'sandbox' }, effect: { kind: 'throttle' } });
    const deleted = world.remove(input.scopeId);
    deleted.catch(() => {}); // told below
    await eventually(async () => expect(await phaseOf(workflowIds.scopeDeletion(input.scopeId))).toBe('Dns'));
    expect(await failureOf(world.create(input))).toMatchObject({
      type: 'ScopeBusy',
      message: expect.stringContaining(workflowIds.scopeDeletion(input.scopeId)),
    });
    world.faults.clear();
    await deleted;
    expect((await truth(world)).placements.join()).not.toContain(input.scopeId);
  });
});
