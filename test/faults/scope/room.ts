import { expect } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import type { InventoryPage, RetirementResult } from '../../../contract/scope/retirement.ts';
import type { ScopeCreationResult } from '../../../contract/scope/status.ts';
import { DNS_ENDPOINT } from '../../../domain/scope/dns-endpoint.ts';
import { autocreatedBalancerName } from '../../../domain/scope/names.ts';
import { activitiesOfRooms } from '../../support/faults/activities.ts';
import type { RoomUnderFaults } from '../../support/faults/journey.ts';
import { makeGateway } from '../../support/gateway.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import { makeService, servicesOf } from '../../support/services.ts';
import type { World } from '../../support/world.ts';

/** Journeys of scopes. The public base balancer must be full, so that the first scope of each journey needs a new one. */

/** For worlds under faults: patience for retries and timeouts, and a worker of deployments, whom a forced deletion asks. */
export const patient = {
  GROUNDWORK_QUEUES: 'scopes,deployments',
  ...Object.fromEntries(
    ['READ_PATIENCE', 'BUSY_PATIENCE', 'AUTOCREATE_TIMEOUT_SECONDS', 'DNS_SYNC_TIMEOUT', 'COMPENSATION_TIMEOUT'].map(
      (name) => [`GROUNDWORK_${name}`, '150'],
    ),
  ),
};

/** Each journey leaves a balancer behind. */
export const manyBalancers = { 'application-load-balancers': 500 };

const full = { networking: { platform: { albMaxCapacity: 2 } } };

/** Whether a creation that was struck made everything, and once. */
export async function createdOnce(world: World, scopeId: string, ended: unknown): Promise<void> {
  const { balancer, domain } = ended as ScopeCreationResult;
  const { balancers, placements, records, held } = await truth(world);
  expect(balancer.created).toBe(true);
  expect(balancers.filter((name) => name === balancer.name)).toHaveLength(1);
  expect(placements).toContain(`${scopeId} bound ${balancer.name}`);
  expect(records.filter((line) => line.includes(domain))).toHaveLength(2);
  expect(held).toEqual([]);
}

/** Creates a scope on a balancer of its own, then deletes it, and checks the truth after each. */
async function createAndDelete(world: World): Promise<void> {
  const input = world.request(full);
  const before = await truth(world);
  const result = await world.create(input);
  const { name, dnsName, created } = result.balancer;
  expect(created).toBe(true);
  const after = await truth(world);
  expect(after).toEqual({
    balancers: [...before.balancers, name].sort(),
    records: [
      ...before.records,
      `ZPRIVATE ${result.domain} -> ${dnsName}`,
      `ZPUBLIC ${result.domain} -> ${dnsName}`,
    ].sort(),
    keepers: [...before.keepers, `groundwork-autocreate-${name}`].sort(),
    placements: [...before.placements, `${input.scopeId} bound ${name}`].sort(),
    rows: [...before.rows, `${name} active`].sort(),
    recordRows: [...before.recordRows, `ZPRIVATE ${result.domain}`, `ZPUBLIC ${result.domain}`].sort(),
    held: [],
  });
  await world.remove(input.scopeId);
  expect(await truth(world)).toEqual({
    ...after,
    records: before.records,
    placements: before.placements,
    recordRows: before.recordRows,
  });
  // The balancer stays, idle: the next journey needs it full again.
  world.around = undefined;
  expect((await world.create(world.request(full))).balancer.name).toBe(name);
}

/** A creation whose DNS is denied at the very end: everything that it made goes away again. */
async function failAndUndo(world: World): Promise<void> {
  const input = world.request(full);
  const before = await truth(world);
  const rule = world.faults.add({
    match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
    effect: { kind: 'error', code: 'AccessDenied', status: 403 },
  });
  const failure = await failureOf(world.create(input));
  world.faults.remove(rule);
  expect(failure.type).toBe('AccessDenied');
  await onlyOneRetiredRowMore(world, before);
}

/** A creation whose balancer can never come to life. */
async function failWithoutBalancer(world: World): Promise<void> {
  const before = await truth(world);
  const failure = await failureOf(
    world.create(world.request({ networking: { platform: { albMaxCapacity: 2, domainName: 'nocert.example.org' } } })),
  );
  expect(failure.type).toBe('CertificateMissing');
  await onlyOneRetiredRowMore(world, before);
}

/** Somebody deletes the keeper, so the controller takes the balancer away; a repeat of the creation brings both back. */
async function loseKeeperAndRepair(world: World): Promise<void> {
  const input = world.request(full);
  const { balancer } = await world.create(input);
  const before = await truth(world);
  const name = `groundwork-autocreate-${balancer.name}`;
  await world.kubernetes.remove({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    namespace: world.namespace,
    name,
  });
  await eventually(async () => expect((await truth(world)).balancers).not.toContain(balancer.name));
  const again = await world.create(input);
  expect(again.repaired).toContain(`balancer ${balancer.name} rebuilt`);
  const moved = (line: string) => line.replace(balancer.dnsName ?? '', again.balancer.dnsName ?? '');
  expect(await truth(world)).toEqual({ ...before, records: before.records.map(moved) });
}

/** A balancer of somebody else has the name that the scope's would get: it is left alone. */
async function findNameTaken(world: World): Promise<void> {
  const input = world.request(full);
  const { region, prefix, scheme } = {
    region: 'us-east-1',
    prefix: 'groundwork-auto-',
    scheme: 'internet-facing' as const,
  };
  const parts = { prefix, visibility: 'public' as const, region, scheme, scopeId: input.scopeId };
  const taken = autocreatedBalancerName(parts, 0);
  const state = world.aws.dump();
  state.regions?.[region]?.loadBalancers?.push({ name: taken, scheme, state: 'active' });
  world.aws.seed(state);
  await new Promise((resolve) => setTimeout(resolve, 700)); // older than an observation without it may be
  const before = await truth(world);
  const { balancer } = await world.create(input);
  expect(balancer).toMatchObject({ name: autocreatedBalancerName(parts, 1), created: true });
  const { balancers, held, placements } = await truth(world);
  expect(balancers).toEqual([...before.balancers, balancer.name].sort());
  expect(placements).toEqual([...before.placements, `${input.scopeId} bound ${balancer.name}`].sort());
  expect(held).toEqual([]);
}

/** The deletion is asked for while the creation still works: it waits its turn, then removes everything. */
async function createWhileDeletionWaits(world: World): Promise<void> {
  const { knobs } = world.controllers.loadBalancer;
  const input = world.request(full);
  const before = await truth(world);
  knobs.neverReconcile = true;
  try {
    const creation = await world.start(input);
    await eventually(async () => expect((await world.status(creation.workflowId)).phase).toBe('Provisioning'), 60);
    const deleted = world.remove(input.scopeId);
    deleted.catch(() => {}); // told below
    const waiting = async () => (await world.status(workflowIds.scopeDeletion(input.scopeId))).waitingFor?.what;
    await eventually(async () => expect(await waiting()).toContain('to let go of scope'), 60);
    knobs.neverReconcile = false;
    const { balancer } = (await creation.result()) as Awaited<ReturnType<World['create']>>;
    await deleted;
    const { records, placements, recordRows, held } = await truth(world);
    expect({ records, placements, recordRows, held }).toEqual({
      records: before.records,
      placements: before.placements,
      recordRows: before.recordRows,
      held: [],
    });
    world.around = undefined;
    expect((await world.create(world.request(full))).balancer.name).toBe(balancer.name);
  } finally {
    knobs.neverReconcile = false;
  }
}

/** Lets the graces of retirement pass in the ledger, without waiting. */
const later = (world: World) =>
  world.database.query(
    `with b as (update balancer set idle_since = idle_since - interval '1 day', created_at = created_at - interval '1 day')
     update placement set updated_at = updated_at - interval '1 day'`,
  );

const retire = (world: World): Promise<RetirementResult> =>
  world.client.workflow.execute('balancerRetirement', {
    taskQueue: world.taskQueue,
    workflowId: uniqueName('balancer-retirement'),
  });

/** The balancer of a deleted scope, idle for longer than its grace, goes; the inventory knows it as retired. */
async function retireIdleBalancer(world: World): Promise<void> {
  const input = world.request(full);
  const before = await truth(world);
  const { balancer } = await world.create(input);
  await world.remove(input.scopeId);
  await later(world);
  expect((await retire(world)).retired).toEqual([balancer.name]);
  const { rows, ...rest } = await truth(world);
  const { rows: rowsBefore, ...restBefore } = before;
  expect(rest).toEqual(restBefore);
  expect(rows).toEqual([...rowsBefore, `${balancer.name} retired`].sort());
  const page: InventoryPage = await world.client.workflow.execute('balancerInventory', {
    taskQueue: world.taskQueue,
    workflowId: uniqueName('balancer-inventory'),
    args: [{ what: 'balancers', page: '0' }],
  });
  expect(page.balancers.length).toBeGreaterThan(0);
}

/** A creation that was terminated leaves a reservation and a keeper: retirement undoes both. */
async function cleanUpAfterTermination(world: World): Promise<void> {
  const { knobs } = world.controllers.loadBalancer;
  const before = await truth(world);
  knobs.neverReconcile = true;
  try {
    const { workflowId } = await world.start(world.request(full));
    await eventually(async () => expect((await world.status(workflowId)).waitingFor?.lastSeen).toBeDefined(), 60);
    await world.client.workflow.getHandle(workflowId).terminate();
  } finally {
    knobs.neverReconcile = false;
  }
  await eventually(async () => {
    await later(world);
    await retire(world);
    const { rows, ...rest } = await truth(world);
    const { rows: rowsBefore, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
    expect(rows.filter((row) => !rowsBefore.includes(row))).toEqual([expect.stringMatching(/ retired$/)]);
  }, 60);
}

/** A rule of somebody else is found on a balancer that is on its way out: it goes back into the pool. */
async function keepForStranger(world: World): Promise<void> {
  const input = world.request(full);
  const { balancer } = await world.create(input);
  await world.remove(input.scopeId);
  const arn = balancer.arn ?? '';
  world.aws.state.mutateRegion('us-east-1', ({ rules }) => {
    const keepers = [...rules.values()].find((rule) => rule.loadBalancerArn === arn && rule.priority === 1);
    if (!keepers) throw new Error('the keeper has no rule');
    const conditions = [{ field: 'host-header' as const, values: ['stranger.example.org'] }];
    rules.set(`${keepers.arn}1`, { ...keepers, arn: `${keepers.arn}1`, priority: 4_000, conditions });
  });
  await world.database.query(`update balancer set state = 'retiring', retiring_by = null where name = $1`, [
    balancer.name,
  ]);
  expect((await retire(world)).kept).toContainEqual(expect.objectContaining({ balancer: balancer.name }));
  const { rows, keepers } = await truth(world);
  expect(rows).toContain(`${balancer.name} active`);
  expect(keepers).toContain(`groundwork-autocreate-${balancer.name}`);
  // The stranger goes; the next journey needs the balancer full again.
  world.around = undefined;
  world.aws.state.mutateRegion('us-east-1', ({ rules }) => {
    for (const { arn: rule, priority } of [...rules.values()]) if (priority === 4_000) rules.delete(rule);
  });
  await new Promise((resolve) => setTimeout(resolve, 700)); // older than an observation with it may be
  expect((await world.create(world.request(full))).balancer.name).toBe(balancer.name);
}

/** A scope whose record external-dns writes: its object comes, moves and goes with it, and AWS is never asked. */
async function goByExternalDns(world: World): Promise<void> {
  const gateway = uniqueName('gateway');
  await makeGateway(world.kubernetes, gateway, { loadBalancer: { ingress: [{ hostname: 'front.example.org' }] } });
  const endpoints = async (namespace = world.namespace) =>
    (await world.kubernetes.list(DNS_ENDPOINT, { namespace })).map(({ metadata }) => metadata?.name);
  const before = [await truth(world), await endpoints()];
  const input = world.request({ dnsType: 'external_dns', networking: { scope: { gatewayPublicName: gateway } } });
  const { dns } = await world.create(input);
  expect(dns).toMatchObject([{ type: 'CNAME', target: 'front.example.org', state: 'in-sync' }]);
  expect((await truth(world)).placements.join()).toContain(`${input.scopeId} bound`);
  expect(await endpoints()).toContainEqual(expect.stringContaining(input.scopeId));
  const namespace = `${world.namespace}-moved`;
  await world.create({ ...input, kubernetes: { namespace } });
  expect(await endpoints()).toEqual(before[1]);
  expect(await endpoints(namespace)).toContainEqual(expect.stringContaining(input.scopeId));
  await world.remove(input.scopeId);
  expect([await truth(world), await endpoints()]).toEqual(before);
  expect(await endpoints(namespace)).not.toContainEqual(expect.stringContaining(input.scopeId));
}

const removeByForce = (world: World, scopeId: string) =>
  world.client.workflow.start('scopeDeletion', {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    args: [{ scopeId, force: true }],
  });

/** A forced deletion cancels the rollout and waits for its end, before it removes anything. */
async function deleteDuringRollout(world: World): Promise<void> {
  const input = world.request({ visibility: 'private' });
  const before = await truth(world);
  await world.create(input);
  const rollout = await world.client.workflow.start('deployment', {
    taskQueue: uniqueName('served-by-nobody'),
    workflowId: workflowIds.deployment(input.scopeId),
  });
  const deletion = await removeByForce(world, input.scopeId);
  const waiting = async () => (await world.status(deletion.workflowId)).waitingFor?.what;
  await eventually(async () => expect(`${await waiting()}`).toContain('to end'), 60);
  expect((await truth(world)).placements.join()).toContain(`${input.scopeId} bound`);
  await rollout.terminate(); // nothing else ends it
  await deletion.result();
  expect(await truth(world)).toEqual(before);
}

/**
 * A forced deletion lets the deployment room remove the scope's objects, between its records and its placement, and also in
 * the namespace that a repeat of the creation named.
 */
async function deleteWithObjects(world: World): Promise<void> {
  const input = world.request({ visibility: 'private' });
  const before = await truth(world);
  await world.create(input);
  await makeService(world, input.scopeId);
  const namespace = `${world.namespace}-moved`;
  await world.create({ ...input, kubernetes: { namespace } });
  await makeService(world, input.scopeId, namespace);
  await (await removeByForce(world, input.scopeId)).result();
  expect(await servicesOf(world, input.scopeId)).toEqual([]);
  expect(await truth(world)).toEqual(before);
}

async function onlyOneRetiredRowMore(world: World, before: Awaited<ReturnType<typeof truth>>): Promise<void> {
  const { rows, ...rest } = await truth(world);
  const { rows: rowsBefore, ...restBefore } = before;
  expect(rest).toEqual(restBefore);
  expect(rows.filter((row) => !rowsBefore.includes(row))).toEqual([expect.stringMatching(/ retired$/)]);
}

const everywhere = [
  'acceptScopeCreation',
  'applyKeeper',
  'ensureNamespace',
  'findExistingAlias',
  'leaveBalancer',
  'observePool',
  'placeScope',
  'releaseHold',
  'takePlacement',
  'watchBalancer',
];
const created = [
  ...everywhere.filter((name) => name !== 'leaveBalancer'),
  'activateBalancer',
  'bindPlacement',
  'ensureBalancerTags',
  'ensureDnsRecord',
  'watchDnsSync',
];
const makes = ['activateBalancer', 'applyKeeper', 'ensureBalancerTags'];
const onDeclared = created.filter((name) => !makes.includes(name));
const removal = ['deleteKeeper', 'retiredBalancer', 'watchBalancerGone'];
const records = ['activateBalancer', 'ensureBalancerTags', 'ensureDnsRecord', 'removeDnsRecord'];

const reporting = [
  'acceptRetirement',
  'compareWithLedger',
  'countDrift',
  'driftSources',
  'findAbandoned',
  'findRetirementWork',
];
const deleted = ['acceptScopeDeletion', 'findOpenDeployment', 'findScopeObjects', 'leaveBalancer', 'removeDnsRecord'];

export const scopeRoom: RoomUnderFaults<World> = {
  room: 'scope',
  subject: 'a scope that is',
  activities: activitiesOfRooms.scope,
  journeys: [
    {
      name: 'created and deleted',
      go: createAndDelete,
      activities: [
        ...everywhere,
        ...records,
        'acceptScopeDeletion',
        'bindPlacement',
        'findOpenDeployment',
        'findScopeObjects',
        'watchDnsSync',
      ],
    },
    { name: 'undone after a denial', go: failAndUndo, activities: [...everywhere, ...records, ...removal] },
    {
      name: 'given up without a certificate',
      go: failWithoutBalancer,
      activities: [...everywhere, ...removal, 'failBalancer'],
    },
    {
      name: 'repaired after its keeper was deleted',
      go: loseKeeperAndRepair,
      activities: [...created, 'repairKeeper'],
    },
    {
      name: 'given the next name, because a stranger has its own',
      go: findNameTaken,
      activities: [...created, 'inspectOwner'],
    },
    {
      name: 'created while its deletion waits',
      go: createWhileDeletionWaits,
      activities: [...created, ...deleted, 'waitForPlacement'],
    },
    {
      name: 'deleted, and whose balancer is retired',
      go: retireIdleBalancer,
      activities: [
        ...created,
        ...deleted,
        ...reporting,
        ...removal,
        'countForeignRules',
        'retireIdle',
        'readInventory',
      ],
    },
    {
      name: 'terminated and cleaned up after',
      go: cleanUpAfterTermination,
      activities: [...everywhere, ...reporting, ...removal, 'countForeignRules', 'leftoversOf'],
    },
    {
      name: 'deleted, and whose balancer a stranger uses',
      go: keepForStranger,
      activities: [...created, ...deleted, ...reporting, 'countForeignRules', 'reviveBalancer'],
    },
    {
      name: 'served by external-dns',
      go: goByExternalDns,
      activities: [
        'acceptScopeCreation',
        'acceptScopeDeletion',
        'applyDnsEndpoint',
        'bindPlacement',
        'ensureNamespace',
        'findGatewayAddress',
        'findOpenDeployment',
        'findScopeObjects',
        'leaveBalancer',
        'placeScope',
        'releaseHold',
        'removeDnsEndpoint',
        'takePlacement',
        'watchDnsEndpoint',
      ],
    },
    {
      name: 'deleted by force during a rollout',
      go: deleteDuringRollout,
      activities: [...onDeclared, ...deleted, 'watchRolloutEnd'],
    },
    {
      name: 'deleted by force with its objects',
      go: deleteWithObjects,
      activities: [...onDeclared, ...deleted, 'requireWorker'],
    },
  ],
};
