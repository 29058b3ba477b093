import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import type {
  BalancerEntry,
  DriftReport,
  InventoryPage,
  RetirementResult,
} from '../../../contract/scope/retirement.ts';
import { autocreatedBalancerName } from '../../../domain/scope/names.ts';
import { eventually, truth } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import { terminatedCreation } from '../../support/terminated.ts';
import { region, testWorld } from '../../support/world.ts';

const own = { visibility: 'private', region: 'us-east-1', scheme: 'internal', scopeId: 'declared-by-worker' } as const;
const OWN_NAME = autocreatedBalancerName({ prefix: 'own-', ...own }, 0);

const world = testWorld({
  seed: region({ public: 75, private: 75 }),
  environment: { GROUNDWORK_ADDITIONAL_PRIVATE_BALANCERS: OWN_NAME },
});

afterEach(() => {
  world.around = undefined;
});

/** A scope on a balancer of its own. */
const alone = () => world.request({ networking: { platform: { autocreateNamePrefix: 'ret-', albMaxCapacity: 2 } } });

const retire = async (): Promise<RetirementResult> =>
  world.client.workflow.execute('balancerRetirement', {
    taskQueue: world.taskQueue,
    workflowId: uniqueName('balancer-retirement'),
  });

const ask = async <T>(input: object): Promise<T> =>
  world.client.workflow.execute('balancerInventory', {
    taskQueue: world.taskQueue,
    workflowId: uniqueName('balancer-inventory'),
    args: [input],
  });

/** Turns the ledger's clock back for everything: graces pass without waiting. */
const later = () =>
  world.database.query(
    `with b as (update balancer set idle_since = idle_since - interval '1 day', created_at = created_at - interval '1 day')
     update placement set updated_at = updated_at - interval '1 day'`,
  );

/** A balancer of ours that stands idle. */
async function idleBalancer(): Promise<string> {
  const input = alone();
  const { balancer } = await world.create(input);
  await world.remove(input.scopeId);
  return balancer.name;
}

/** Puts an Ingress of somebody else into the balancer's group. */
async function foreignIngress(balancer: string): Promise<() => Promise<unknown>> {
  const ref = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    name: uniqueName('foreign'),
    namespace: world.namespace,
  };
  const keeper = await world.kubernetes.read({ ...ref, name: `groundwork-autocreate-${balancer}` });
  const { annotations } = keeper?.metadata ?? {};
  const { 'alb.ingress.kubernetes.io/tags': _, ...shared } = annotations ?? {};
  const spec = structuredClone((keeper as unknown as { spec: { rules: { host: string }[] } }).spec);
  for (const rule of spec.rules) rule.host = `${ref.name}.apps.example.com`;
  await world.kubernetes.apply({
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    metadata: { name: ref.name, namespace: ref.namespace, annotations: shared },
    spec,
  } as never);
  await eventually(async () =>
    expect(JSON.stringify(world.aws.dump().regions)).toContain(`${ref.name}.apps.example.com`),
  );
  return () => world.kubernetes.remove(ref);
}

describe('an idle balancer of ours', () => {
  test('N16: stays until its grace has passed, then its keeper and the balancer go and the row is retired', async () => {
    const name = await idleBalancer();
    expect((await retire()).retired).not.toContain(name);
    expect((await truth(world)).balancers).toContain(name);
    await later();
    expect((await retire()).retired).toContain(name);
    const { balancers, keepers, rows } = await truth(world);
    expect(balancers).not.toContain(name);
    expect(keepers).not.toContain(`groundwork-autocreate-${name}`);
    expect(rows).toContain(`${name} retired`);
  });

  test('N16: with a rule of somebody else stays and is told; without it, it goes', async () => {
    const name = await idleBalancer();
    const remove = await foreignIngress(name);
    await later();
    expect((await retire()).kept).toContainEqual({ balancer: name, reason: expect.stringContaining('not its keeper') });
    expect((await truth(world)).rows).toContain(`${name} active`);
    await remove();
    await eventually(async () => expect((await retire()).retired).toContain(name));
  });

  test('on which a rule appears after nobody can be placed any more goes back into the pool', async () => {
    const name = await idleBalancer();
    await later();
    let remove: (() => Promise<unknown>) | undefined;
    world.around = async (activity, run) => {
      const answer = await run();
      if (activity === 'retireIdle' && answer === true) remove = await foreignIngress(name);
      return answer;
    };
    expect((await retire()).kept).toContainEqual({ balancer: name, reason: expect.stringContaining('not its keeper') });
    const { rows, keepers } = await truth(world);
    expect(rows).toContain(`${name} active`);
    expect(keepers).toContain(`groundwork-autocreate-${name}`);
    await remove?.();
    world.around = undefined;
    await eventually(async () => expect((await retire()).retired).toContain(name));
  });

  test('N17: on which a scope is placed between the two looks is not retired', async () => {
    const name = await idleBalancer();
    await later();
    const input = alone();
    let asked = false;
    world.around = async (activity, run) => {
      if (activity === 'retireIdle' && !asked) {
        asked = true;
        expect((await world.create(input)).balancer.name).toBe(name);
      }
      return run();
    };
    const { kept, retired } = await retire();
    expect(retired).not.toContain(name);
    expect(kept).toContainEqual({ balancer: name, reason: expect.stringContaining('placed') });
    expect((await truth(world)).placements).toContain(`${input.scopeId} bound ${name}`);
    await world.remove(input.scopeId);
  });
});

describe('what runs left that ended without undoing', () => {
  test('a terminated creation: its reservation, its balancer and its records go', async () => {
    const input = alone();
    const before = await truth(world);
    await terminatedCreation(world, input);
    expect((await truth(world)).placements.join()).toContain(`${input.scopeId} reserved`);
    expect((await retire()).released.join()).not.toContain(input.scopeId);

    await eventually(async () => {
      await later();
      expect((await retire()).released).toEqual(
        expect.arrayContaining([
          expect.stringMatching(new RegExp(`^record .* of scope ${input.scopeId}$`)),
          expect.stringContaining(`reservation of scope ${input.scopeId}`),
        ]),
      );
    });
    await later();
    await retire();
    const { rows, ...now } = await truth(world);
    const { rows: _, ...then } = before;
    expect(now).toEqual({ ...then, balancers: now.balancers, keepers: now.keepers });
    expect(now.balancers.filter((name) => name.startsWith('ret-'))).toEqual([]);
    expect(rows.filter((row) => row.startsWith('ret-') && !row.endsWith(' retired'))).toEqual([]);
  });

  test('a compensation that could not be finished goes on', async () => {
    const denied = world.faults.add({
      match: { service: 'kubernetes', method: 'DELETE', path: '/ingresses/' },
      effect: { kind: 'error', code: 'Forbidden', status: 403 },
    });
    const refused = world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    await expect(world.create(alone())).rejects.toMatchObject({ cause: { type: 'CompensationIncomplete' } });
    world.faults.remove(denied);
    world.faults.remove(refused);
    expect((await truth(world)).rows.filter((row) => row.endsWith(' retiring'))).toHaveLength(1);
    const { retired } = await retire();
    expect(retired).toHaveLength(1);
    expect((await truth(world)).balancers).not.toContain(retired[0]);
  });
});

describe('drift', () => {
  const report = async (): Promise<DriftReport> => {
    await retire();
    return ask<DriftReport>({ what: 'drift' });
  };

  test('is kept in the ledger until it is gone, and nothing repairs it', async () => {
    const input = alone();
    const { balancer, domain } = await world.create(input);
    expect((await report()).drift).toEqual([]);

    const state = world.aws.dump();
    const [here] = Object.values(state.regions ?? {});
    here?.loadBalancers?.push({
      name: 'ret-public-lost00',
      scheme: 'internet-facing',
      tags: { 'groundwork:managed-by': 'autocreate' },
    });
    for (const zone of state.hostedZones ?? [])
      zone.records = (zone.records ?? []).filter(({ name }) => zone.id !== 'ZPUBLIC' || !name.startsWith(domain));
    world.aws.seed(state);
    // A list of the region that is young enough is used again, so the balancer may show only in the next report.
    const { checked } = await eventually(async () => {
      const seen = await report();
      expect(seen.drift.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
        `record-missing ${domain} in ZPUBLIC`,
        'untracked-balancer ret-public-lost00',
      ]);
      return seen;
    });
    expect(checked.map(({ source }) => source)).toEqual([
      expect.stringMatching(/^region:\d{12}\/us-east-1$/),
      'zone:ZPRIVATE',
      'zone:ZPUBLIC',
    ]);
    expect((await truth(world)).records.join()).not.toContain(`ZPUBLIC ${domain}`);
    expect((await world.create(input)).balancer.name).toBe(balancer.name);
    expect((await report()).drift.map(({ kind }) => kind)).toEqual(['untracked-balancer']);
  });

  test('a region that cannot be read keeps its part of the report and is told', async () => {
    const rule = world.faults.add({
      match: { service: 'elbv2', action: 'DescribeTags' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    try {
      const { troubles, drift } = await retire();
      expect(troubles).toMatchObject([{ message: expect.stringContaining('elasticloadbalancing:DescribeTags') }]);
      expect(drift).toBe(1);
    } finally {
      world.faults.remove(rule);
    }
  });
});

test('the inventory tells every balancer with its load, placements and records', async () => {
  const input = world.request({ visibility: 'private', networking: { platform: { autocreateNamePrefix: 'inv-' } } });
  const { balancer, domain } = await world.create(input);
  const found: BalancerEntry[] = [];
  for (let page: string | undefined = '0'; page !== undefined; ) {
    const answer: InventoryPage = await ask<InventoryPage>({ what: 'balancers', page });
    found.push(...answer.balancers);
    page = answer.next;
  }
  expect(found.find(({ name }) => name === balancer.name)).toMatchObject({
    origin: 'autocreated',
    state: 'active',
    scheme: 'internal',
    arn: balancer.arn,
    createdForScope: input.scopeId,
    load: { rules: 2, maxRules: 75, maxTargetGroups: 98, maxListeners: 48 },
    placements: [{ scopeId: input.scopeId, state: 'bound', hosts: [domain] }],
    records: [{ zoneId: 'ZPRIVATE' }, { zoneId: 'ZPUBLIC' }],
  });
  await expect(ask({ what: 'everything' })).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
});

test('its status and checklist are there after the run', async () => {
  const handle = await world.client.workflow.start('balancerRetirement', {
    taskQueue: world.taskQueue,
    workflowId: `${workflowIds.balancerRetirement()}-${uniqueName('run')}`,
  });
  const result = await handle.result();
  expect(await handle.query('getStatus')).toEqual({ ...result, phase: 'Done' });
  await expect(handle.executeUpdate('retryNow', { args: [{}] })).rejects.toThrow();
});

describe('a balancer of ours that is declared', () => {
  const originOf = async (name: string) =>
    (
      await world.database.query<{ line: string }>(
        `select origin || ' ' || state as line from balancer where name = $1`,
        [name],
      )
    ).rows[0]?.line;

  test('by the worker is not retired, and the next creation makes it a declared one', async () => {
    const { scopeId, visibility } = own;
    const networking = { platform: { autocreateNamePrefix: 'own-', albMaxCapacity: 2 } };
    expect((await world.create(world.request({ scopeId, visibility, networking }))).balancer.name).toBe(OWN_NAME);
    await world.remove(scopeId);
    await later();
    expect((await retire()).retired).not.toContain(OWN_NAME);
    expect(await originOf(OWN_NAME)).toBe('autocreated active');
    const dryRun = world.request({ visibility, dryRun: true });
    await (await world.start(dryRun)).result();
    expect(await originOf(OWN_NAME)).toBe('autocreated active');
    expect((await world.create(world.request({ visibility }))).balancer).toMatchObject({
      name: OWN_NAME,
      origin: 'declared',
    });
  });

  test('by a request becomes a declared one that is never retired; so does a retired one that somebody makes anew', async () => {
    const name = await idleBalancer();
    const declaring = () => world.request({ networking: { scope: { balancerPublicName: name } } });
    const taken = declaring();
    expect((await world.create(taken)).balancer).toMatchObject({ name, origin: 'declared' });
    await world.remove(taken.scopeId);
    await later();
    expect((await retire()).retired).not.toContain(name);
    expect(await originOf(name)).toBe('declared active');
    expect((await truth(world)).balancers).toContain(name);

    await world.database.query(`update balancer set origin = 'autocreated', state = 'retired' where name = $1`, [name]);
    expect((await world.create(declaring())).balancer).toMatchObject({ name, origin: 'declared' });
  });
});
