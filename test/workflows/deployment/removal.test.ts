import { ApplicationFailure } from '@temporalio/activity';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeploymentDeletionResult } from '../../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../../contract/names.ts';
import { retryNowUpdate } from '../../../contract/scope/messages.ts';
import { eventually } from '../../support/inspect.ts';
import {
  byPlan,
  deploymentOf,
  inPhase,
  next,
  objectsOf,
  reaches,
  rollOut,
  rolloutWorld,
  served,
  startRollout,
  type TestScope,
  targetOf,
} from '../../support/rollouts.ts';

/** What a run says that it removed: all of it, whichever attempt took it away. */

const world = rolloutWorld();

afterEach(() => {
  world.around = undefined;
});

const ports = [{ port: 9000, type: 'HTTP' as const }];

/** The first answer of an activity for each of its steps is lost after its effect. */
function loseAnswers(activity: string, answers: number): void {
  let calls = 0;
  world.around = async (name, run) => {
    const answer = await run();
    if (name === activity && ++calls % 2 === 1 && calls < 2 * answers)
      throw ApplicationFailure.create({ type: 'AnswerLost', message: 'a test', nextRetryDelay: 1 });
    return answer;
  };
}

const namesOf = (objects: readonly string[]) =>
  objects.map((object) => object.replace(`${world.namespace}/`, '')).sort();

describe('a rollout', () => {
  test('whose answers of removals are lost tells ports, old version and orphans', async () => {
    const scope = await served(world, { workload: { additionalPorts: ports } });
    const { scopeId, slugs } = scope.input;
    const orphan = await startRollout(world, deploymentOf(scope, '40', { currentDeploymentId: '41' }));
    await reaches(world, scope, inPhase('Running'));
    await orphan.terminate('a test');
    await world.database.query('update rollout set ended_at = now() where scope_id = $1', [scopeId]);
    const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: world.namespace };
    const main = { ...kind, name: `k-8-s-${slugs.scope}-${scopeId}-internet-facing` };
    const blue = { name: `d-${scopeId}-41`, port: { number: 8080 } };
    const paths = [{ path: '/', pathType: 'Prefix', backend: { service: blue } }];
    await world.kubernetes.merge(main, { spec: { rules: [{ host: scope.domain, http: { paths } }] } });

    loseAnswers('removeObjects', 3);
    const result = await rollOut(world, next(scope, { trafficPlan: byPlan([100]) }));
    const orphans = [`Deployment d-${scopeId}-40`, `Service d-${scopeId}-40`];
    expect(namesOf(result.orphans)).toEqual(orphans);
    expect(namesOf(result.removed)).toEqual(
      [
        ...orphans,
        `Deployment d-${scopeId}-41`,
        `Ingress k-8-s-${slugs.scope}-${scopeId}-http-9000-internet-facing`,
        `Service d-${scopeId}-41`,
        `Service d-${scopeId}-41-http-9000`,
      ].sort(),
    );
  });
});

describe('a deletion', () => {
  const start = (scope: TestScope) =>
    world.client.workflow.start(workflowTypes.deploymentDeletion, {
      taskQueue: taskQueueName(world.values.taskQueuePrefix, 'deployments'),
      workflowId: workflowIds.deployment(scope.input.scopeId),
      args: [targetOf(scope)],
    });

  test('whose answer is lost tells all that it removed', async () => {
    const scope = await served(world);
    const before = await objectsOf(world, scope);
    loseAnswers('removeSides', 1);
    const { removed } = (await (await start(scope)).result()) as DeploymentDeletionResult;
    expect(namesOf(removed)).toEqual(before);
  });

  test('that is asked to look again while an object does not go tells also what was gone by then', async () => {
    const scope = await served(world);
    const before = await objectsOf(world, scope);
    const name = `d-${scope.input.scopeId}-41`;
    const old = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name };
    const hold = (finalizers: string[] | null) => world.kubernetes.merge(old, { metadata: { finalizers } });
    await hold(['example.com/held']);
    const run = await start(scope);
    await eventually(async () => expect(await objectsOf(world, scope)).toEqual([`Deployment ${name}`]), 10);
    expect(await run.executeUpdate(retryNowUpdate, { args: [{}] })).toEqual({ waitingFor: 'the objects to be gone' });
    await hold(null);
    const { removed } = (await run.result()) as DeploymentDeletionResult;
    expect(namesOf(removed)).toEqual(before);
  });
});
