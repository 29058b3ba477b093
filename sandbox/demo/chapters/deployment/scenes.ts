import { InstancesNotReady } from '../../../../starter/client.ts';
import type { Scene, Stage } from '../../chapter.ts';
import { unlessEqual } from '../../checks.ts';
import { SHOP } from '../setting.ts';
import { rollOut, type Story, scope, users, version } from './story.ts';

export const firstVersion = (story: Story): Scene => ({
  title: 'The first version',
  about:
    'A scope is created, and its first version is deployed: objects, ready instances, Ingress, proof on the balancer.',
  play: async (stage) => {
    const { groundwork, checks } = stage;
    const { domain, balancer } = await groundwork.scopes.create(scope);
    stage.milestone('scope of the deployments created');
    story.domain = domain;
    await rollOut(stage, story, version('v1', domain));
    stage.milestone('first version live');
    story.users = users(stage);
    const wish = { balancer: balancer.name, host: domain, port: 443 };
    const answers = Array.from({ length: 100 }, () => story.users?.send(wish));
    await checks.claim(`The rule of ${domain} on ${SHOP} forwards to v1 alone`, () =>
      sharesOf(stage, story, { v1: 100 }),
    );
    await checks.claim('100 of 100 requests were served by v1', () =>
      unlessEqual(100, answers.filter((answer) => answer?.served && answer.deployment === 'v1').length),
    );
    story.users.start([wish]);
  },
});

export const inSteps = (story: Story): Scene => ({
  title: 'The second version, in steps',
  about:
    'v2 gets 10, then 50, then 100 % of the traffic and holds each share for a moment; then v1 is drained and removed. ' +
    'Every share is confirmed on the real rules before the next begins.',
  play: async (stage) => {
    const { checks } = stage;
    const plan = {
      mode: 'steps' as const,
      steps: [10, 50, 100].map((percent) => ({ percent, holdSeconds: 1.5 })),
      autoFinalize: true,
    };
    const request = version('v2', story.domain ?? '', { currentDeploymentId: 'v1', trafficPlan: plan });
    const { result, sent, failed } = await rollOut(stage, story, request);
    await checks.claim('It ended finalized, with v2 alone on the balancer', () =>
      result?.outcome === 'finalized' ? sharesOf(stage, story, { v2: 100 }) : (result?.outcome ?? 'it failed'),
    );
    await checks.claim('No object of v1 is left in the cluster', async () => left(stage, 'v1'));
    await checks.claim(`Of ${sent} requests meanwhile none failed`, () => unlessEqual(0, failed));
    await checks.claim('Both versions served some of them', () =>
      ['v1', 'v2'].find((id) => (story.users?.counts.served[id] ?? 0) === 0),
    );
  },
});

export const crashing = (story: Story): Scene => ({
  title: 'A version that crashes',
  about:
    'v3 ends with exit code 137 again and again. It never gets traffic: the rollout gives up, says why in words, and puts ' +
    'everything back as it was.',
  play: async (stage) => {
    const { checks } = stage;
    const request = version('v3', story.domain ?? '', {
      currentDeploymentId: 'v2',
      workload: { image: 'registry.example.com/storefront:crash-loop-137', replicas: 3 },
      networking: { scope: { deploymentMaxWaitSeconds: 4 } },
    });
    const { error, sent, failed } = await rollOut(stage, story, request);
    await checks.claim('It failed with InstancesNotReady, and says that the container crashes again and again', () =>
      error instanceof InstancesNotReady && error.message.includes('crashes again and again')
        ? undefined
        : (error?.message ?? 'it succeeded'),
    );
    await checks.claim('It was rolled back by itself: v2 serves alone', () =>
      error instanceof InstancesNotReady && error.details.rolledBack === true
        ? sharesOf(stage, story, { v2: 100 })
        : 'it was not rolled back',
    );
    await checks.claim('No object of v3 is left in the cluster', async () => left(stage, 'v3'));
    await checks.claim(`Of ${sent} requests meanwhile none failed`, () => unlessEqual(0, failed));
    story.users?.stop();
  },
});

/** Shares of the scope's rule on the balancer by version, when they are not the expected ones. */
async function sharesOf({ reality }: Stage, { domain }: Story, expected: Record<string, number>) {
  return unlessEqual(expected, await reality.shares(SHOP, domain ?? '', scope.scopeId));
}

async function left({ reality }: Stage, id: string): Promise<string | undefined> {
  const objects = await reality.objectsOf(scope.scopeId, id);
  return objects.length === 0 ? undefined : objects.join(', ');
}
