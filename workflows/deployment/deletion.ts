import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { DeploymentDeletionInput } from '../../contract/deployment/input.ts';
import { getDeletionStatus } from '../../contract/deployment/messages.ts';
import type { DeploymentDeletionResult, DeploymentDeletionStatus } from '../../contract/deployment/status.ts';
import { type RetryNow, retryNowSignal, retryNowUpdate } from '../../contract/scope/messages.ts';
import { phaseKey, scopeIdKey } from '../../contract/search-attributes.ts';
import { asRunFailure, describeFailure, withinPatience } from '../failures.ts';
import { words } from '../unchecked.ts';
import { calls, local, loops } from './activities.ts';
import { iso } from './steps.ts';

/**
 * Removes every deployment of a scope: first what leads traffic to them, and when no rule has its hosts, the objects. The
 * placement and DNS stay. Nothing is compensated: a repeat goes on where it stopped, and what is absent is done.
 */
export async function deploymentDeletion(input: DeploymentDeletionInput): Promise<DeploymentDeletionResult> {
  const run = new DeletionRun(words(input?.scopeId));
  try {
    run.enter('Deleting');
    const target = await local.acceptTarget({ kind: 'deletion', input });
    const { timings } = target;
    const { removalTimeout, readPatience } = timings;
    const what = `what scope ${target.scopeId} has in the cluster`;
    const survey = await withinPatience('BalancerUnreadable', `${what} could not be read`, () =>
      calls(what, timings, readPatience).surveyScope({ target }),
    );
    run.status.warnings.push(...survey.warnings);
    const routes = survey.routeKind === 'HTTPRoute' ? 'HTTPRoutes' : 'Ingresses';
    for (const step of ['removeRoutes', 'removeSides'] as const) {
      const words = step === 'removeRoutes' ? `${routes} and their rules to be gone` : 'the objects to be gone';
      const { removed } = await run.waiting(words, removalTimeout, (until) =>
        withinPatience('RemovalTimeout', `${words} took longer than ${removalTimeout} s`, () =>
          loops(words, timings, removalTimeout)[step]({ target, survey, until }),
        ),
      );
      run.status.removed.push(...removed);
    }
    run.enter('Deleted');
    await condition(allHandlersFinished);
    const absent = [
      ...(survey.routes.length === 0 ? [`${routes} of scope ${target.scopeId}`] : []),
      ...(survey.deploymentIds.length === 0 ? [`deployments of scope ${target.scopeId}`] : []),
    ];
    return { scopeId: target.scopeId, removed: run.status.removed, absent, warnings: run.status.warnings };
  } catch (error) {
    const failure = describeFailure(error);
    run.status.failure = failure;
    run.enter(isCancellation(error) ? 'Cancelled' : 'Failed');
    throw asRunFailure(error);
  }
}

/** State of one deletion as people see it, and the wait that `retryNow` begins anew. */
class DeletionRun {
  readonly status: DeploymentDeletionStatus;
  #lookAgain: (() => void) | undefined;

  constructor(scopeId: string) {
    this.status = { scopeId, kind: 'deletion', phase: 'Deleting', removed: [], warnings: [] };
    setHandler(getDeletionStatus, () => this.status, { description: 'What is removed, and what is waited for' });
    setHandler(retryNowSignal, () => void this.#lookAgain?.(), { description: 'Look again at once' });
    setHandler(
      retryNowUpdate,
      () => {
        const waitingFor = this.status.waitingFor?.what ?? '';
        this.#lookAgain?.();
        return { waitingFor };
      },
      {
        description: 'Make the present wait look again at once',
        validator: (_request: RetryNow) => {
          if (this.#lookAgain) return;
          throw ApplicationFailure.create({
            type: 'MessageRefused',
            message: 'nothing is being waited for',
            nonRetryable: true,
          });
        },
      },
    );
  }

  enter(phase: DeploymentDeletionStatus['phase']): void {
    const first = phase === 'Deleting';
    this.status.phase = phase;
    upsertSearchAttributes([
      { key: phaseKey, value: phase },
      ...(first ? [{ key: scopeIdKey, value: this.status.scopeId }] : []),
    ]);
    this.#publish();
  }

  /** Runs a loop with a deadline that begins anew when somebody asks to look again. */
  async waiting<T>(what: string, seconds: number, step: (until: string) => Promise<T>): Promise<T> {
    for (;;) {
      const until = iso(Date.now() + seconds * 1000);
      this.status.waitingFor = { what, since: iso(Date.now()), until };
      this.#publish();
      const scope = new CancellationScope();
      let again = false;
      this.#lookAgain = () => {
        again = true;
        scope.cancel();
      };
      try {
        return await scope.run(() => step(until));
      } catch (error) {
        if (!again || CancellationScope.current().consideredCancelled) throw error;
      } finally {
        this.#lookAgain = undefined;
        delete this.status.waitingFor;
      }
    }
  }

  #publish(): void {
    const { phase, removed, waitingFor, failure } = this.status;
    const lines = [
      `**${phase}**`,
      ...removed.map((what) => `- [x] ${what}`),
      ...(waitingFor ? [`- [ ] waiting for ${waitingFor.what}, until ${waitingFor.until}`] : []),
      ...(failure ? [`${failure.type}: ${failure.message}`] : []),
    ];
    setCurrentDetails(lines.join('\n'));
  }
}
