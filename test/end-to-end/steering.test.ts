import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pauseSignal, resumeSignal } from '../../contract/deployment/messages.ts';
import { workflowIds } from '../../contract/names.ts';
import { connectGroundwork } from '../../starter/client.ts';
import { RolloutInProgress } from '../../starter/errors.ts';
import { eventually } from '../support/inspect.ts';
import {
  inPhase,
  next,
  objectsOf,
  reaches,
  rolloutWorld,
  served,
  startRollout,
  type TestScope,
  targetOf,
  weightsOf,
} from '../support/rollouts.ts';
import { environmentOf, groundworkHere } from './cli.ts';

/** Whom the client and the command speak to: the run that is meant, and no other that has its id. */

const world = rolloutWorld({ environment: { GROUNDWORK_DEPLOYMENT_HISTORY_LIMIT: '100' } });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-steering-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  world.around = undefined;
});

const deployment = (...argv: readonly string[]) =>
  groundworkHere(['deployment', ...argv], { env: environmentOf(world.values.taskQueuePrefix) });

/** A client at whose look at a run something happens, once. */
async function clientThatMisses(meanwhile: () => Promise<unknown>) {
  let missed = false;
  const interceptor: WorkflowClientInterceptor = {
    async describe(input, describe) {
      const seen = await describe(input);
      if (!missed) {
        missed = true;
        await meanwhile();
      }
      return seen;
    },
  };
  const { taskQueuePrefix } = world.values;
  const { connection } = world.client;
  return (await connectGroundwork({ connection, taskQueuePrefix, interceptors: { workflow: [interceptor] } }))
    .deployments;
}

const runIdOf = async ({ input }: TestScope) =>
  (await world.client.workflow.getHandle(workflowIds.deployment(input.scopeId)).describe()).runId;

/** The rollout goes on in a new history, while traffic holds. */
async function continueAsNew(scope: TestScope): Promise<void> {
  const before = await runIdOf(scope);
  const handle = world.client.workflow.getHandle(workflowIds.deployment(scope.input.scopeId));
  await eventually(async () => {
    await handle.signal(pauseSignal, {});
    await reaches(world, scope, ({ paused }) => expect(paused).toBe(true));
    await handle.signal(resumeSignal, {});
    await reaches(world, scope, ({ paused }) => expect(paused).toBe(false));
    expect(await runIdOf(scope)).not.toBe(before);
  }, 60);
}

describe('while a deletion holds the scope', () => {
  test('messages to a rollout are refused with its name, it is not cancelled, and it can be told to look again', async () => {
    const scope = await served(world);
    const { scopeId } = scope.input;
    const name = `d-${scopeId}-41`;
    const old = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name };
    const hold = (finalizers: string[] | null) => world.kubernetes.merge(old, { metadata: { finalizers } });
    await hold(['example.com/held']);
    const { deployments } = await connectGroundwork({
      connection: world.client.connection,
      taskQueuePrefix: world.values.taskQueuePrefix,
    });
    const run = await deployments.startDelete(targetOf(scope));
    await eventually(async () => expect(await objectsOf(world, scope)).toEqual([`Deployment ${name}`]), 10);
    const asked = [
      () => deployments.switchTraffic(scopeId, 50),
      () => deployments.finalize(scopeId),
      () => deployments.rollback(scopeId, 'it is slow'),
      () => deployments.pause(scopeId),
      () => deployments.resume(scopeId),
      () => deployments.cancel(scopeId),
    ];
    for (const ask of asked) {
      const error = await ask().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RolloutInProgress);
      expect((error as Error).message).toMatch(/^scope \S+ is held by a deletion, phase Deleting/);
    }
    expect(await deployment('cancel', scopeId)).toMatchObject({
      code: 8,
      stderr: expect.stringContaining('RolloutInProgress: '),
    });
    expect(await deployments.retryNow(scopeId)).toEqual({ waitingFor: 'the objects to be gone' });
    await hold(null);
    expect(await run.result()).toMatchObject({ scopeId });
    expect(await objectsOf(world, scope)).toEqual([]);
  });
});

describe('a rollout that goes on in a new history', () => {
  test('just when it is spoken to hears it all the same', async () => {
    const scope = await served(world);
    const { scopeId } = scope.input;
    const rollout = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    const first = await clientThatMisses(() => continueAsNew(scope));
    expect(await first.switchTraffic(scopeId, 25)).toEqual({ percent: 25 });
    expect(weightsOf(world, scope)).toEqual({ '41': 75, '42': 25 });
    const second = await clientThatMisses(() => continueAsNew(scope));
    await second.cancel(scopeId);
    await expect(rollout.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });

  test('is not taken for one that was started since', async () => {
    const scope = await served(world);
    const { scopeId } = scope.input;
    const rollout = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    const deployments = await clientThatMisses(async () => {
      await rollout.terminate('a test');
      await startRollout(world, next(scope));
      await reaches(world, scope, inPhase('Running'));
    });
    await expect(deployments.cancel(scopeId)).rejects.toMatchObject({ type: 'NotFound' });
    expect(weightsOf(world, scope)).toEqual({ '41': 100, '42': 0 });
    await deployments.cancel(scopeId);
  });

  test('is followed to its end', async () => {
    const scope = await served(world);
    const { scopeId } = scope.input;
    const file = join(folder, 'deployment.json');
    await writeFile(file, JSON.stringify(next(scope)));
    const followed = deployment('start', '--file', file, '--follow');
    await reaches(world, scope, inPhase('Running'));
    await continueAsNew(scope);
    const { deployments } = await connectGroundwork({
      connection: world.client.connection,
      taskQueuePrefix: world.values.taskQueuePrefix,
    });
    await deployments.rollback(scopeId, 'it is slow');
    const { code, stdout } = await followed;
    expect({ code, lines: stdout.split('\n') }).toMatchObject({
      code: 0,
      lines: expect.arrayContaining(['Rolled back']),
    });
  });
});
