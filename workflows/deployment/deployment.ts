import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import type { DeploymentInput } from '../../contract/deployment/input.ts';
import type { DeploymentPlan, DeploymentResult } from '../../contract/deployment/status.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import { decide } from '../../domain/deployment/rollout/decide.ts';
import { learn } from '../../domain/deployment/rollout/learn.ts';
import { initialState } from '../../domain/deployment/rollout/state.ts';
import type { RolloutEnd, RolloutPlan } from '../../domain/deployment/rollout/types.ts';
import { defaultDeploymentTimings } from '../../domain/deployment/settings.ts';
import { asRunFailure, describeFailure, runFailure, withinPatience } from '../failures.ts';
import { words } from '../unchecked.ts';
import { calls, local } from './activities.ts';
import { type Continuation, RolloutRun } from './run.ts';
import { perform } from './steps.ts';

/**
 * Brings a version behind the scope's balancer and moves traffic to it, watched and verified on the balancer, by plan or by
 * message; what goes wrong is rolled back. With `dryRun` it only decides and answers the plan. A cancelled run goes back to
 * the old version, unless that one is already being removed. A run that is `continued` takes the request as it was accepted: what is
 * valid may have changed meanwhile, and traffic is between two versions.
 */
export async function deployment(
  input: DeploymentInput,
  continued?: Continuation,
): Promise<DeploymentResult | DeploymentPlan> {
  const kind = input?.dryRun ? 'plan' : 'deployment';
  const run = new RolloutRun(words(input?.scopeId), words(input?.deploymentId), kind, continued);
  CancellationScope.current().cancelRequested.catch(() => run.cancel());
  return CancellationScope.nonCancellable(async () => {
    if (!continued) {
      try {
        const { request } = await local.acceptDeployment({ input });
        if (request.dryRun) return await planned(request);
        run.accepted(request, provisionalPlan(request), initialState(provisionalPlan(request)));
        await begin(run, request);
      } catch (error) {
        throw await endEarly(run, error);
      }
    }
    const end = await drive(run, input);
    return close(run, end);
  });
}

/** The plan as far as the request alone tells it: enough to judge messages while the start is looked at. */
function provisionalPlan(request: DeploymentRequest): RolloutPlan {
  const { strategy, blue, deploymentId, workload, traffic } = request;
  return {
    strategy,
    ...(blue === undefined ? {} : { blue }),
    green: deploymentId,
    replicas: workload.replicas,
    traffic,
    portsOnlyBlue: [],
    orphans: [],
  };
}

function planned(request: DeploymentRequest): Promise<DeploymentPlan> {
  const { scopeId, timings } = request;
  return withinPatience('BalancerUnreadable', `what scope ${scopeId} has could not be read`, () =>
    calls('what would be done', timings, timings.readPatience).planDeployment({ request }),
  );
}

/** Everything is looked at before anything is changed. */
async function begin(run: RolloutRun, request: DeploymentRequest): Promise<void> {
  const what = `scope ${request.scopeId}: balancer, Ingresses, version that serves`;
  const beginning = await withinPatience('BalancerUnreadable', `${what} could not be read`, () =>
    calls(what, request.timings, request.timings.readPatience).beginRollout({ request, run: run.key }),
  );
  run.warn(...beginning.warnings);
  run.begun(beginning);
}

async function drive(run: RolloutRun, input: DeploymentInput): Promise<RolloutEnd> {
  for (let steps = 0; ; steps++) {
    const { decision, state } = decide(run.plan, run.state);
    run.state = state;
    if (decision.kind === 'end') return decision.end;
    if (decision.kind === 'hold' && steps > 0) await continueIfAsked(run, input);
    const outcome = await perform(run, decision);
    run.state = learn(run.plan, run.state, decision, outcome);
  }
}

/** Traffic holds and nobody waits for an answer: the quiet point at which a long history is exchanged for a new one. */
async function continueIfAsked(run: RolloutRun, input: DeploymentInput): Promise<void> {
  const { course, plan, state, removed, orphans, status } = run;
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  const { historyLimit = defaultDeploymentTimings.historyLimit } = course.request.timings;
  if (!(continueAsNewSuggested || historyLength > historyLimit) || !allHandlersFinished()) return;
  const { actual, healthyTargets, instances } = status;
  await continueAsNew<typeof deployment>(input, {
    course,
    plan,
    state,
    removed,
    orphans,
    warnings: status.warnings,
    seen: { actual, healthyTargets, instances },
  });
}

/** Nothing was changed yet: the run ends as it was told, and the ledger is not touched. */
async function endEarly(run: RolloutRun, error: unknown): Promise<Error> {
  run.failed(describeFailure(error));
  await condition(allHandlersFinished);
  return asRunFailure(error);
}

async function close(run: RolloutRun, end: RolloutEnd): Promise<DeploymentResult> {
  run.state = { ...run.state, phase: end.phase, end };
  const { scopeId, deploymentId } = run.status;
  await local.keepRollout({
    scopeId,
    deploymentId,
    run: run.key,
    status: run.status,
    // A way back or a removal that stopped half-way is for a repeat, which needs to know how it was before.
    settled: end.failure === undefined || end.failure.details?.rolledBack === true,
  });
  await condition(allHandlersFinished);
  if (end.failure) throw runFailure(end.failure);
  if (end.phase === 'Cancelled') throw new CancelledFailure(end.reason ?? 'the rollout was cancelled');
  const active = end.active === undefined ? undefined : end.active === 'green' ? run.plan.green : run.plan.blue;
  return {
    scopeId,
    deploymentId,
    outcome: end.phase === 'Finalized' ? 'finalized' : 'rolled_back',
    ...(end.reason === undefined ? {} : { reason: end.reason }),
    percent: end.percent,
    hosts: run.course.shape.hosts.map((host) => ({ host, ...(active === undefined ? {} : { active }) })),
    removed: run.removed,
    orphans: run.orphans,
    warnings: run.status.warnings,
  };
}
