import { KubeConfig } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import type { StepAnswer } from '../../../activities/deployment/course.ts';
import type { DeploymentDependencies } from '../../../activities/deployment/dependencies.ts';
import { routeTraffic } from '../../../activities/deployment/routing.ts';
import { KubernetesGateway } from '../../../activities/kubernetes/gateway.ts';
import { decide } from '../../../domain/deployment/rollout/decide.ts';
import { learn } from '../../../domain/deployment/rollout/learn.ts';
import { accept } from '../../../domain/deployment/rollout/messages.ts';
import { initialState } from '../../../domain/deployment/rollout/state.ts';
import type { Decision, RolloutPlan, TargetNeed } from '../../../domain/deployment/rollout/types.ts';
import { routeShape } from '../../../domain/deployment/shape.ts';
import { manualPlan } from '../../../domain/deployment/traffic-plan.ts';
import { request } from '../../domain/deployment/build.ts';
import { mockActivity } from '../../support/activity.ts';
import { testNamespace, testServers } from '../../support/servers.ts';

/** A first version with an additional port, whose first routing a message ends: on the real API server. */

const plan: RolloutPlan = {
  strategy: 'initial',
  green: '42',
  replicas: 2,
  traffic: manualPlan,
  portsOnlyBlue: [],
  orphans: [],
};

type Apply = KubernetesGateway['apply'];

/** `strike` runs around each apply. Answers what was applied, what the activity said of it, and what is decided after that. */
async function interrupted(
  { dnsType, attempt = 1, before = [] }: { dnsType?: 'external_dns'; attempt?: number; before?: TargetNeed[] },
  strike: (apply: () => ReturnType<Apply>, cancel: () => void, applied: readonly string[]) => ReturnType<Apply>,
) {
  const config = new KubeConfig();
  config.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const environment = mockActivity(attempt);
  const applied: string[] = [];
  const kubernetes = new KubernetesGateway(config);
  const apply: Apply = kubernetes.apply.bind(kubernetes);
  kubernetes.apply = (object) =>
    strike(
      async () => {
        const live = await apply(object);
        applied.push(object.metadata?.name ?? '');
        return live;
      },
      () => environment.cancel(),
      applied,
    );

  const namespace = await testNamespace();
  const ports = dnsType ? [] : [{ port: 9000, type: 'HTTP' as const }];
  const given = request({ currentDeploymentId: '', workload: { image: 'api:42', additionalPorts: ports } });
  const scope = { ...given.scope, namespace, ...(dnsType ? { dnsType } : {}) };
  const complete = { ...given, scope };
  const course = {
    request: complete,
    run: 'deployment/7@1',
    ...(dnsType ? {} : { balancer: { name: 'alb', arn: 'arn' } }),
    shape: routeShape(complete, []),
  };
  const next = decide(plan, { ...initialState(plan), greenApplied: 'yes', greenReady: true });
  const { routing } = next.decision as Extract<Decision, { kind: 'route' }>;
  const input = { course, routing, before, after: [], since: new Date().toISOString() };
  // What must hold before is looked for until the message comes.
  if (before.length > 0) environment.cancel();
  const go = () => routeTraffic({ kubernetes } as DeploymentDependencies, input);
  const answer = (await environment.run(go)) as StepAnswer;

  const turned = accept(plan, next.state, { name: 'rollback', reason: 'enough' });
  if (!turned.accepted || answer.kind !== 'interrupted') throw new Error(JSON.stringify([turned, answer]));
  const state = learn(plan, turned.state, next.decision, {
    kind: 'interrupted',
    ...(answer.applied === undefined ? {} : { applied: answer.applied }),
  });
  return { applied: applied.length, says: answer.applied, after: decide(plan, state).decision };
}

const aborted = () => Object.assign(new Error('This operation was aborted'), { name: 'AbortError' });

const back = { kind: 'route', routing: { form: 'before' } };

test('between two Ingresses it has been applied: the first is taken away before the Services that it names (section 19)', async () => {
  const between = await interrupted({}, async (apply, cancel, applied) => {
    if (applied.length === 0) return apply();
    cancel();
    throw aborted();
  });
  expect(between).toMatchObject({ applied: 1, says: undefined, after: back });
});

test.each([
  [1, false],
  [2, undefined],
])(
  'before anything is applied, attempt %i says of that %s: of an earlier attempt nothing is known',
  async (attempt, says) => {
    const early = await interrupted(
      { dnsType: 'external_dns', attempt, before: [{ side: 'green', healthy: 'planned' }] },
      (apply) => apply(),
    );
    expect(early).toMatchObject({ applied: 0, says });
  },
);

test.each([
  ['an Ingress', {}],
  ['an HTTPRoute', { dnsType: 'external_dns' as const }],
])('while %s is applied it may have been, although no answer came', async (_, fields) => {
  const unanswered = await interrupted(fields, async (apply, cancel) => {
    await apply();
    cancel();
    throw aborted();
  });
  expect(unanswered).toMatchObject({ applied: 1, says: undefined, after: back });
});
