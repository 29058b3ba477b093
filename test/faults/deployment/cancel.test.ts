import { afterEach, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import {
  createScope,
  deploymentOf,
  drive,
  objectsOf,
  rollOut,
  rolloutWorld,
  startRollout,
  weightsOf,
} from '../../support/rollouts.ts';

/**
 * Cancellation after the k-th completed activity, for every k: after each, one version serves, cluster and balancer are as
 * before (or the new version has taken over, when the old one was being removed already), and no request has failed.
 */

const world = rolloutWorld();

afterEach(() => {
  world.around = undefined;
});

test('a rollout cancelled after any of its activities leaves the old version as it was', {
  timeout: 240_000,
}, async () => {
  const scope = await createScope(world);
  await rollOut(world, deploymentOf(scope, '41'));
  const before = { objects: await objectsOf(world, scope, 'uid'), weights: weightsOf(world, scope) };
  const driver = drive(world, scope);
  const steps = [
    { percent: 50, holdSeconds: 0.2 },
    { percent: 100, holdSeconds: 0 },
  ];
  const input = deploymentOf(scope, '42', {
    currentDeploymentId: '41',
    trafficPlan: { mode: 'steps', steps, autoFinalize: true },
  });
  const story: string[] = [];
  for (let k = 1; ; k++) {
    let completed = 0;
    world.around = async (name, run) => {
      const answer = await run();
      completed += 1;
      if (completed === k) {
        story.push(name);
        await world.client.workflow.getHandle(workflowIds.deployment(scope.input.scopeId)).cancel();
      }
      return answer;
    };
    const handle = await startRollout(world, input);
    const ended = await handle.result().then(
      () => 'finalized',
      (error: { cause?: Error }) => error.cause?.name ?? String(error),
    );
    world.around = undefined;
    if (ended === 'finalized') break;
    expect({ k, ended }).toEqual({ k, ended: 'CancelledFailure' });
    const after = { objects: await objectsOf(world, scope, 'uid'), weights: weightsOf(world, scope) };
    expect({ k, last: story.at(-1), ...after }).toEqual({ k, last: story.at(-1), ...before });
  }
  expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  expect(driver.stop().failed).toEqual({});
  expect(story).toEqual(
    expect.arrayContaining(['acceptDeployment', 'beginRollout', 'applySide', 'waitInstances', 'routeTraffic']),
  );
});
