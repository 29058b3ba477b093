import { expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import {
  createScope,
  deploymentOf,
  drive,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  startRollout,
  weightsOf,
} from '../../support/rollouts.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';

/** kill -9 of the worker process while instances are awaited and while traffic holds; a new process goes on. */

const world = rolloutWorld({
  worker: false,
  // The target groups' own delay decides how long the old version drains.
  environment: { GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '' },
  lifecycle: { deregistrationDelaySeconds: 1 },
});

const startWorker = async () =>
  runWorker({
    ...world.environment,
    GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
    GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
  });

test('a worker that is killed twice in a rollout: the next one goes on, no request fails', {
  timeout: 240_000,
}, async () => {
  let worker = await startWorker();
  const scope = await createScope(world);
  await rollOut(world, deploymentOf(scope, '41'));
  const driver = drive(world, scope);
  const handle = await startRollout(
    world,
    deploymentOf(scope, '42', {
      currentDeploymentId: '41',
      trafficPlan: {
        mode: 'steps',
        steps: [
          { percent: 50, holdSeconds: 8 },
          { percent: 100, holdSeconds: 0 },
        ],
        autoFinalize: true,
      },
    }),
  );
  for (const reached of ['WaitingForInstances', 'held at 50']) {
    await eventually(async () => {
      const { phase, plan } = await rolloutStatus(world, scope.input.scopeId);
      expect([phase, plan?.holdUntil === undefined ? '' : 'held at 50']).toContain(reached);
    }, 60);
    worker.child.kill('SIGKILL');
    await worker.ended;
    worker = await startWorker();
  }
  expect(await handle.result()).toMatchObject({ outcome: 'finalized', percent: 100 });
  expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  expect(driver.stop().failed).toEqual({});
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toBe(0);
});
