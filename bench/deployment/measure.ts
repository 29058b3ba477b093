import type { Groundwork } from '../../starter/client.ts';
import { connectGroundwork } from '../../starter/client.ts';
import type { Bed } from '../scope/bed.ts';
import { type RunHistory, readHistory } from '../scope/history.ts';
import { sum } from '../statistics.ts';

/** Rollouts one after the other: a second version in five steps without holds, then finalized. */

export const PERCENTS = [10, 25, 50, 75, 100];

/** One rollout of five steps. */
export interface RolloutFigures {
  readonly history: RunHistory;
  /** Calls to AWS by `service:Action`, of the worker only. */
  readonly aws: Readonly<Record<string, number>>;
  /** Requests to the Kubernetes API by method, of the worker only. */
  readonly kubernetes: Readonly<Record<string, number>>;
}

const scopeId = 'bench';
const slugs = { account: 'acme', namespace: 'shop', application: 'bench', scope: 'production' };

export async function measureRollouts(bed: Bed, count: number): Promise<RolloutFigures[]> {
  const { temporalNamespace: namespace } = bed.sandbox.addresses;
  const groundwork = await connectGroundwork({ connection: bed.temporal.connection, namespace });
  const { domain } = await groundwork.scopes.create({ scopeId, slugs, visibility: 'public' });
  await deploy(groundwork, domain, 'v0');
  const figures: RolloutFigures[] = [];
  for (let number = 1; number <= count; number++) {
    bed.report(`rollout ${number} of ${count}`);
    bed.sandbox.aws.resetRequests();
    const before = { ...bed.sandbox.proxies.kubernetes?.requests };
    const events = await deploy(groundwork, domain, `v${number}`, `v${number - 1}`);
    figures.push({
      history: readHistory(events),
      aws: bed.sandbox.aws.requestCounts('sandbox'),
      kubernetes: difference(before, bed.sandbox.proxies.kubernetes?.requests ?? {}),
    });
  }
  return figures;
}

/** Deploys and answers the events of the run; throws when it did not end finalized. */
async function deploy(groundwork: Groundwork, domain: string, id: string, blue?: string) {
  const steps = PERCENTS.map((percent) => ({ percent, holdSeconds: 0 }));
  const handle = await groundwork.deployments.start({
    scopeId,
    deploymentId: id,
    ...(blue === undefined
      ? {}
      : { currentDeploymentId: blue, trafficPlan: { mode: 'steps' as const, steps, autoFinalize: true } }),
    scope: { slugs, visibility: 'public' },
    hosts: { domain },
    workload: { image: `registry.example.com/bench:${id}`, replicas: 2 },
  });
  const { outcome } = await handle.result();
  if (outcome !== 'finalized') throw new Error(`${id} ended ${outcome}`);
  const { events } = await groundwork.temporal.workflow.getHandle(handle.workflowId, handle.runId).fetchHistory();
  return events ?? [];
}

function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([method, value]) => [method, value - (before[method] ?? 0)]));
}

export const total = (counts: Readonly<Record<string, number>>) => sum(Object.values(counts));
