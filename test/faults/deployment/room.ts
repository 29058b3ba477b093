import { expect } from 'vitest';
import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import { rollbackUpdate } from '../../../contract/deployment/messages.ts';
import type { DeploymentDeletionResult } from '../../../contract/deployment/status.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { activitiesOfRooms } from '../../support/faults/activities.ts';
import type { Journey, RoomUnderFaults } from '../../support/faults/journey.ts';
import { eventually } from '../../support/inspect.ts';
import {
  createScope,
  createScopeByGateway,
  deploymentOf,
  drive,
  editRoute,
  editWeights,
  objectsOf,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  runOfRoom,
  startRollout,
  type TestScope,
  targetOf,
  weightsOf,
} from '../../support/rollouts.ts';
import type { World, WorldOptions } from '../../support/world.ts';

/**
 * Journeys of versions. While something serves, a driver sends requests: none may fail, however the worker fares. At every end
 * the balancer gives all traffic to one version, whose objects are there, and the other's are gone.
 */

/** Patience for retries and back-off, and short times until Temporal notices that a worker is gone. */
export const patient = {
  ...Object.fromEntries(
    [
      'RECONCILE_TIMEOUT',
      'TARGET_HEALTH_TIMEOUT',
      'REMOVAL_TIMEOUT',
      'COMPENSATION_TIMEOUT',
      'READ_PATIENCE',
      'MAX_WAIT_SECONDS',
    ].map((name) => [`GROUNDWORK_DEPLOYMENT_${name}`, '100']),
  ),
  GROUNDWORK_DEPLOYMENT_CALL_TIMEOUT: '6',
  GROUNDWORK_AWS_REQUEST_TIMEOUT_SECONDS: '2',
  GROUNDWORK_KUBERNETES_REQUEST_TIMEOUT_SECONDS: '2',
  // The target groups' own delay decides how long an old version drains.
  GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '',
};

type Options = Pick<WorldOptions, 'worker' | 'workflowTaskTimeout'>;

export const patientWorld = (options: Options = {}): World =>
  rolloutWorld({ ...options, environment: patient, lifecycle: { deregistrationDelaySeconds: 1 } });

/** Without target groups nobody says how long a version drains but the settings. */
export const gatewayWorld = (options: Options = {}): World =>
  rolloutWorld({ ...options, environment: { ...patient, GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '0.05' } });

const LONG = 100;

/** All traffic goes to that version, and only its objects are there. */
export async function onlyServes(world: World, scope: TestScope, deploymentId: string): Promise<void> {
  const { scopeId, slugs } = scope.input;
  expect(weightsOf(world, scope)).toEqual({ [deploymentId]: 100 });
  expect(await objectsOf(world, scope)).toEqual([
    `Deployment d-${scopeId}-${deploymentId}`,
    `${scope.input.dnsType === 'external_dns' ? 'HTTPRoute' : 'Ingress'} k-8-s-${slugs.scope}-${scopeId}-internet-facing`,
    `Service d-${scopeId}-${deploymentId}`,
  ]);
}

/** A scope whose version 41 serves while `steps` go on; no request of its users fails. */
async function whileServing(
  world: World,
  steps: (scope: TestScope) => Promise<void>,
  create: typeof createScope = createScope,
): Promise<void> {
  const scope = await create(world);
  await rollOut(world, deploymentOf(scope, '41'));
  const driver = drive(world, scope);
  try {
    await steps(scope);
  } finally {
    driver.stop();
  }
  expect(driver.counts.failed).toEqual({});
}

const next = (scope: TestScope, fields: Partial<DeploymentInput> = {}) =>
  deploymentOf(scope, '42', { currentDeploymentId: '41', strategy: 'rolling', ...fields });

/** The first version is planned, goes live, is looked at, has an instance restarted, and is removed. */
async function lifeOfFirst(world: World): Promise<void> {
  const scope = await createScope(world);
  const { scopeId } = scope.input;
  const input = deploymentOf(scope, '41');
  expect(await rollOut(world, { ...input, dryRun: true })).toMatchObject({ dryRun: true });
  expect(await objectsOf(world, scope)).toEqual([]);
  await rollOut(world, input);
  await onlyServes(world, scope, '41');

  const target = targetOf(scope);
  const look = workflowIds.diagnosis(scopeId, 'journey');
  expect(await runOfRoom(world, workflowTypes.diagnosis, look, target)).toMatchObject({ summary: { failed: 0 } });
  const pods = await podsOf(world, scope);
  const instanceId = pods[0] ?? '';
  const restart = workflowIds.instanceRestart(scopeId, instanceId);
  await runOfRoom(world, workflowTypes.instanceRestart, restart, { ...target, deploymentId: '41', instanceId });
  expect(await podsOf(world, scope)).not.toContain(instanceId);
  await onlyServes(world, scope, '41');

  const there = await objectsOf(world, scope);
  const id = workflowIds.deployment(scopeId);
  const { removed } = (await runOfRoom(
    world,
    workflowTypes.deploymentDeletion,
    id,
    target,
  )) as DeploymentDeletionResult;
  expect(removed.map((object) => object.replace(`${world.namespace}/`, '')).sort()).toEqual(there);
  expect({ objects: await objectsOf(world, scope), weights: weightsOf(world, scope) }).toEqual({
    objects: [],
    weights: {},
  });
}

async function podsOf(world: World, { input }: TestScope): Promise<string[]> {
  const labelSelector = `scope_id=${input.scopeId}`;
  const pods = await world.kubernetes.list(
    { apiVersion: 'v1', kind: 'Pod' },
    { namespace: world.namespace, labelSelector },
  );
  return pods.map(({ metadata }) => metadata?.name ?? '');
}

/** A second version takes over in steps, with counts that follow the weights. */
const takeOver = (world: World) =>
  whileServing(world, async (scope) => {
    const steps = [50, 100].map((percent) => ({ percent, holdSeconds: 0 }));
    const result = await rollOut(world, next(scope, { trafficPlan: { mode: 'steps', steps, autoFinalize: true } }));
    expect(result).toMatchObject({ outcome: 'finalized', percent: 100 });
    await onlyServes(world, scope, '42');
  });

/** Somebody edits the weights in a hold, which is put right; then a person goes back. */
const editAndGoBack = (world: World) =>
  whileServing(world, async (scope) => {
    const before = await objectsOf(world, scope, 'uid');
    const steps = [{ percent: 50, holdSeconds: 10 * LONG }];
    const handle = await startRollout(
      world,
      next(scope, { strategy: 'blue_green', trafficPlan: { mode: 'steps', steps } }),
    );
    const status = () => rolloutStatus(world, scope.input.scopeId);
    await eventually(async () => expect((await status()).plan?.holdUntil).toBeDefined(), LONG);
    await editWeights(world, scope, 90);
    await eventually(async () => {
      const { warnings, plan } = await status();
      expect({
        codes: warnings.map(({ code }) => code).filter((code) => code !== 'InstanceEvent'),
        holds: plan?.holdUntil !== undefined,
      }).toEqual({
        codes: ['RulesChanged'],
        holds: true,
      });
    }, LONG);
    expect(weightsOf(world, scope)).toEqual({ '41': 50, '42': 50 });
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back', reason: 'it is slow' });
    expect(await objectsOf(world, scope, 'uid')).toEqual(before);
    await onlyServes(world, scope, '41');
  });

/** With external DNS: a version takes over in steps, the next one is given up after others edited the route, and all is removed. */
const byGateway = async (world: World) => {
  let served: TestScope | undefined;
  await whileServing(
    world,
    async (scope) => {
      served = scope;
      const steps = [50, 100].map((percent) => ({ percent, holdSeconds: 0 }));
      const plan = { mode: 'steps' as const, steps, autoFinalize: true };
      await rollOut(world, next(scope, { strategy: 'blue_green', trafficPlan: plan }));
      await onlyServes(world, scope, '42');
      const handle = await startRollout(world, deploymentOf(scope, '43', { currentDeploymentId: '42' }));
      const status = () => rolloutStatus(world, scope.input.scopeId);
      await eventually(async () => expect((await status()).phase).toBe('Running'), LONG);
      await editRoute(world, scope, 5);
      await eventually(async () => {
        expect((await status()).warnings.map(({ code }) => code)).toContain('RulesChanged');
        expect(weightsOf(world, scope)).toEqual({ '42': 100, '43': 0 });
      }, LONG);
      await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
      expect(await handle.result()).toMatchObject({ outcome: 'rolled_back' });
      await onlyServes(world, scope, '42');
    },
    createScopeByGateway,
  );
  if (!served) throw new Error('nothing served');
  const id = workflowIds.deployment(served.input.scopeId);
  await runOfRoom(world, workflowTypes.deploymentDeletion, id, targetOf(served));
  await eventually(async () => expect(served && weightsOf(world, served)).toEqual({}));
  expect(await objectsOf(world, served)).toEqual([]);
};

const initial = ['acceptDeployment', 'beginRollout', 'applySide', 'waitInstances', 'routeTraffic', 'keepRollout'];
const deletion = ['acceptTarget', 'surveyScope', 'removeRoutes', 'removeSides'];

export const replacement: Journey<World> = {
  name: 'replaced by the next one, step by step',
  go: takeOver,
  activities: [...initial, 'scaleSide', 'drainTime', 'removeObjects'],
  // The first calls are those of the first version.
  calls: {
    beginRollout: [2],
    applySide: [2],
    waitInstances: [2, 3],
    routeTraffic: [2, 3, 4, 5],
    scaleSide: [1, 2, 3],
    keepRollout: [2],
  },
};

const led: Journey<World> = {
  name: 'led by a gateway, replaced, kept, and removed',
  go: byGateway,
  activities: [...initial, ...deletion, 'watchTraffic', 'removeObjects'],
  // The first version; the second at 0, 50 and 100 and alone; the third at 0, put back, and the route as it was.
  calls: { routeTraffic: [1, 2, 3, 5, 6, 7, 8], removeObjects: [1, 2] },
};

/** The same room with a gateway in the place of the balancer: its own world, for `npm run reliability`. */
export const gatewayRoom: RoomUnderFaults<World> = {
  room: 'deployment',
  subject: 'a version that is',
  activities: led.activities,
  journeys: [led],
};

export const deploymentRoom: RoomUnderFaults<World> = {
  room: 'deployment',
  subject: 'a version that is',
  activities: activitiesOfRooms.deployment,
  journeys: [
    replacement,
    {
      name: 'kept, because a person goes back after another edited the weights',
      go: editAndGoBack,
      activities: [...initial, 'watchTraffic', 'drainTime', 'removeObjects'],
      // Put back, back to the old version, and as it was before.
      calls: { routeTraffic: [4, 5, 6], removeObjects: [1] },
    },
    {
      name: 'the first of its scope, restarted and removed',
      go: lifeOfFirst,
      activities: [...initial, ...deletion, 'planDeployment', 'diagnoseScope', 'inspectInstance', 'stopInstance'],
      calls: { routeTraffic: [1] },
    },
  ],
};
