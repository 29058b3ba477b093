import { expect } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import type { RequestDriver } from '../../../sandbox/traffic/driver.ts';
import { type Cancellable, survivesCancellation } from '../../support/faults/cancel.ts';
import { everything } from '../../support/faults/outcomes.ts';
import {
  createScope,
  createScopeByGateway,
  deploymentOf,
  drive,
  objectsOf,
  rollOut,
  rolloutWorld,
  runOfRoom,
  startRollout,
  type TestScope,
  targetOf,
  weightsOf,
} from '../../support/rollouts.ts';
import type { World } from '../../support/world.ts';
import { onlyServes } from './room.ts';

const world = rolloutWorld({ environment: { GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '0.05' } });

const initial = ['acceptDeployment', 'beginRollout', 'applySide', 'waitInstances', 'routeTraffic', 'keepRollout'];

const startOf = async (...input: Parameters<typeof startRollout>) => (await startRollout(...input)).workflowId;

const first: Cancellable<World> = {
  name: 'a first version',
  prepare: async () => {
    const scope = await createScope(world);
    return {
      begin: () => startOf(world, deploymentOf(scope, '41')),
      settle: async (ending) => {
        if (ending === 'completed') return onlyServes(world, scope, '41');
        expect({ objects: await objectsOf(world, scope), weights: weightsOf(world, scope) }).toEqual({
          objects: [],
          weights: {},
        });
      },
    };
  },
  activities: initial,
};

/** One scope after another version: as it was, or the new one has taken over; and no request has failed. */
function replacement(
  name: string,
  fields: Parameters<typeof deploymentOf>[2],
  { activities, telling }: Pick<Cancellable<World>, 'activities' | 'telling'>,
  create: typeof createScope = createScope,
): Cancellable<World> {
  let serving: { scope: TestScope; version: number } | undefined;
  const begun = async () => {
    const scope = await create(world);
    await rollOut(world, deploymentOf(scope, '1'));
    return { scope, version: 1 };
  };
  return {
    name,
    prepare: async () => {
      serving ??= await begun();
      const { scope, version } = serving;
      const before = await objectsOf(world, scope, 'uid');
      const input = deploymentOf(scope, `${version + 1}`, { currentDeploymentId: `${version}`, ...fields });
      const driver: RequestDriver = drive(world, scope);
      return {
        begin: () => startOf(world, input),
        settle: async (ending) => {
          expect(driver.stop().failed).toEqual({});
          if (ending === 'completed') serving = { scope, version: version + 1 };
          else expect(await objectsOf(world, scope, 'uid')).toEqual(before);
          await onlyServes(world, scope, `${serving?.version}`);
        },
      };
    },
    activities,
    ...(telling ? { telling } : {}),
  };
}

const steps = [
  { percent: 50, holdSeconds: 0.1 },
  { percent: 100, holdSeconds: 0 },
];
const byPlan = replacement(
  'a rollout by plan',
  { trafficPlan: { mode: 'steps', steps, autoFinalize: true } },
  {
    activities: [...initial, 'removeObjects'],
    telling: ['applySide', 'routeTraffic #2', 'routeTraffic #4', 'removeObjects'],
  },
);

const byGateway = replacement(
  'a rollout by plan at a gateway',
  { trafficPlan: { mode: 'steps', steps, autoFinalize: true } },
  { activities: [...initial, 'removeObjects'] },
  createScopeByGateway,
);

/** Its instances never get ready: the cancellation also strikes while it goes back by itself. */
const failing = replacement(
  'a rollout that fails and goes back',
  {
    workload: { image: 'registry.example.com/api:crash-loop-137' },
    networking: { scope: { deploymentMaxWaitSeconds: 0.5 } },
  },
  { activities: ['acceptDeployment', 'beginRollout', 'applySide', 'waitInstances', 'removeObjects', 'keepRollout'] },
);

const deletion: Cancellable<World> = {
  name: 'a deletion of all versions',
  prepare: async () => {
    const scope = await createScope(world);
    await rollOut(world, deploymentOf(scope, '41'));
    const id = workflowIds.deployment(scope.input.scopeId);
    const begin = async () => {
      const handle = await world.client.workflow.start(workflowTypes.deploymentDeletion, {
        taskQueue: `${world.values.taskQueuePrefix}deployments`,
        workflowId: id,
        args: [targetOf(scope)],
      });
      return handle.workflowId;
    };
    return {
      begin,
      settle: async () => {
        await runOfRoom(world, workflowTypes.deploymentDeletion, id, targetOf(scope)); // goes on where it was stopped
        expect({ objects: await objectsOf(world, scope), weights: weightsOf(world, scope) }).toEqual({
          objects: [],
          weights: {},
        });
      },
    };
  },
  activities: ['acceptTarget', 'surveyScope', 'removeRoutes', 'removeSides'],
};

survivesCancellation('deployment', world, everything ? [first, byPlan, byGateway, failing, deletion] : [byPlan]);
