import { setTimeout as delay } from 'node:timers/promises';
import type {
  DeploymentRequest,
  DeploymentResult,
  DeploymentStatus,
  ScopeRequest,
} from '../../../../starter/client.ts';
import { RequestDriver, throughBalancers } from '../../../traffic/driver.ts';
import type { Stage } from '../../chapter.ts';
import { REGION, SHOP } from '../setting.ts';

/** What the scenes of this chapter share: the scope, the users, and following a rollout. */

export interface Rollout {
  version: string;
  runId: string;
  seconds: number;
  result?: DeploymentResult;
  error?: Error;
  /** Requests that were sent and that failed while it ran. */
  sent: number;
  failed: number;
}

export interface Story {
  rollouts: Rollout[];
  domain?: string;
  users?: RequestDriver;
}

export const scope: ScopeRequest = {
  scopeId: 'storefront-production',
  slugs: { account: 'acme', namespace: 'shop', application: 'storefront', scope: 'production' },
  environment: 'production',
  visibility: 'public',
  networking: { platform: { balancerPublicName: SHOP } },
};

/** A request as a platform API would send it. */
export function version(id: string, domain: string, fields: Partial<DeploymentRequest> = {}): DeploymentRequest {
  const { scopeId, slugs, environment } = scope;
  return {
    scopeId,
    deploymentId: id,
    scope: { slugs, environment, visibility: 'public' },
    hosts: { domain },
    workload: { image: `registry.example.com/storefront:${id}`, replicas: 3 },
    ...fields,
  };
}

/** Users that send requests to the scope from now on. */
export function users({ sandbox }: Stage): RequestDriver {
  const { controllers, aws } = sandbox;
  if (!controllers) throw new Error('the sandbox runs without controllers');
  return new RequestDriver({ destination: throughBalancers(aws.state, REGION), podAt: controllers.podAt });
}

const LOOK_MS = 150;
/** A rollout that does not end is a failure of the demo, not an endless one. */
const PATIENCE_MS = 120_000;

/** Starts a rollout and tells what it does until it ends; one that fails is an answer here, not an error. */
export async function rollOut(stage: Stage, story: Story, request: DeploymentRequest): Promise<Rollout> {
  const { groundwork, narrator } = stage;
  const began = Date.now();
  const before = { sent: story.users?.counts.sent ?? 0, failed: story.users?.failures ?? 0 };
  const handle = await groundwork.deployments.start(request);
  const tell = (text: string) => narrator.event((Date.now() - began) / 1000, request.deploymentId, text);
  const ending = handle.result({ deadline: PATIENCE_MS }).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) }),
  );
  let open = true;
  void ending.then(() => {
    open = false;
  });
  let last: DeploymentStatus | undefined;
  while (open) {
    const { status } = await groundwork.deployments.status(request.scopeId);
    if (status && status.kind !== 'deletion') {
      for (const text of news(last, status)) tell(text);
      last = structuredClone(status);
    }
    await Promise.race([delay(LOOK_MS), ending]);
  }
  const end = await ending;
  if ('error' in end) tell(narrator.colors.yellow(`failed: ${end.error.name}: ${end.error.message}`));
  else tell(narrator.colors.green('done'));
  narrator.lines(['']);
  const rollout: Rollout = {
    version: request.deploymentId,
    runId: handle.runId,
    seconds: (Date.now() - began) / 1000,
    ...end,
    sent: (story.users?.counts.sent ?? 0) - before.sent,
    failed: (story.users?.failures ?? 0) - before.failed,
  };
  story.rollouts.push(rollout);
  return rollout;
}

/** What is in `now` and was not in `before`, in words. */
function news(before: DeploymentStatus | undefined, now: DeploymentStatus): string[] {
  const words: string[] = [];
  const ready = now.instances.green;
  const readyBefore = before?.instances.green;
  if (ready && ready.ready !== readyBefore?.ready) words.push(`${ready.ready} of ${ready.desired} instances ready`);
  if (now.percent.confirmed !== (before?.percent.confirmed ?? 0))
    words.push(`${now.percent.confirmed} % of the traffic, confirmed on the balancer`);
  if (now.plan?.holdUntil && now.plan.holdUntil !== before?.plan?.holdUntil)
    words.push(`holds until ${now.plan.holdUntil.slice(11, 19)}, watched`);
  if (now.phase !== before?.phase && now.phase === 'Finalizing') words.push('drains and removes the old version');
  if (now.phase !== before?.phase && now.phase === 'RollingBack') words.push('rolls back');
  return words;
}
