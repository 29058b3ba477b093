import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowIds } from '../../contract/names.ts';
import { eventually } from '../support/inspect.ts';
import { createScope, deploymentOf, rollOut, rolloutStatus, rolloutWorld, weightsOf } from '../support/rollouts.ts';
import { environmentOf, groundworkHere } from './cli.ts';

const world = rolloutWorld();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function deployment(...argv: readonly string[]) {
  return groundworkHere(['deployment', ...argv], { env: environmentOf(world.values.taskQueuePrefix) });
}

test('a rollout is started from a file, steered and finalized; what does not fit is said in one line', {
  timeout: 180_000,
}, async () => {
  const scope = await createScope(world);
  const { scopeId, slugs } = scope.input;
  await rollOut(world, deploymentOf(scope, '41'));
  const file = join(folder, 'deployment.json');
  await writeFile(file, JSON.stringify(deploymentOf(scope, '42', { currentDeploymentId: '41' })));
  expect(await deployment('start', '--file', file, '--set', 'workload.replicas=0')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('workload.replicas'),
  });
  expect(await deployment('start', '--file', file, '--no-wait')).toMatchObject({
    code: 0,
    stdout: `Started deployment/${scopeId}.\n`,
  });
  const second = await deployment('start', '--file', file, '--set', 'deploymentId="43"');
  expect(second).toMatchObject({
    code: 8,
    stderr: expect.stringMatching(/RolloutInProgress: .*deployment 42, phase /),
  });

  await eventually(async () => expect((await rolloutStatus(world, scopeId)).phase).toBe('Running'), 30);
  expect(await deployment('finalize', scopeId)).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('0 % of the traffic'),
  });
  expect(await deployment('switch', scopeId, '100')).toMatchObject({ code: 0 });
  const shown = await deployment('status', scopeId);
  expect(shown.stdout).toMatch(/VERSION +TRAFFIC +HEALTHY TARGETS/);
  expect(shown.stdout).toMatch(/42 \(new\) +100 %/);
  expect(await deployment('finalize', scopeId)).toMatchObject({ code: 0 });
  await world.client.workflow.getHandle(workflowIds.deployment(scopeId)).result(); // the phase is told a moment before
  expect((await rolloutStatus(world, scopeId)).phase).toBe('Finalized');
  expect((await deployment('status', scopeId)).stdout).toContain('completed');
  expect(weightsOf(world, scope)).toEqual({ '42': 100 });

  const target = join(folder, 'target.json');
  await writeFile(target, JSON.stringify({ scopeId, scope: { slugs, visibility: 'public' } }));
  const diagnosis = await deployment('diagnose', '--file', target, '--json');
  expect(JSON.parse(diagnosis.stdout).summary).toMatchObject({ failed: 0 });
  expect((await deployment('delete', '--file', target)).stdout).toContain(
    `The deployments of scope ${scopeId} are removed.`,
  );
});
