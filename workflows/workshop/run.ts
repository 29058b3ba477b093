import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { phaseKey, workshopNameKey, workshopNamespaceKey } from '../../contract/search-attributes.ts';
import type { ProvisionAutoscalerInput, ProvisionAutoscalerRun } from '../../contract/workshop/input.ts';
import * as messages from '../../contract/workshop/messages.ts';
import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { AutoscalerPhase, AutoscalerStatus, Decision } from '../../contract/workshop/status.ts';
import { checklist } from '../../domain/workshop/checklist.ts';
import { type ConfigReading, readConfig } from '../../domain/workshop/config.ts';
import { decide, explain } from '../../domain/workshop/decide.ts';
import * as asked from '../../domain/workshop/messages.ts';
import type { Observation, ProvisionFacts } from '../../domain/workshop/observation.ts';
import { cut } from '../../domain/workshop/readable.ts';
import { defaultWorkshopTimings, type WorkshopTimings } from '../../domain/workshop/settings.ts';
import { newState, remember } from '../../domain/workshop/state.ts';
import { autoscalerStatus, phaseOf } from '../../domain/workshop/status.ts';
import { measureLook } from './metrics.ts';

/** An `evaluateNow` that waits for its decision. */
export interface Evaluation {
  dryRun: boolean;
  answer?: Decision;
  failure?: Error;
}

/** What a run that is over says to whoever still asks. */
type Ending = { answer: Decision } | { failure: Error };

/** A look that was made: what was seen and what follows from it. */
export interface Look {
  observation: Observation;
  config: ConfigReading;
  decision: Decision;
}

/** Callers wait so long for the first look; what they asked for holds all the same. */
const FIRST_LOOK_MS = 5_000;

/** A look at a provision that exists. */
export type LiveLook = Look & { observation: { provision: ProvisionFacts } };

export function isLive(look: Look): look is LiveLook {
  return look.observation.provision !== null;
}

/**
 * State of one autoscaler, its messages, and how people see it. Handlers set state and wake the main loop, which alone works;
 * so nothing here keeps a copy of `state` across an await.
 */
export class AutoscalerRun {
  readonly address: ProvisionAutoscalerInput;
  readonly workflowId = workflowInfo().workflowId;
  readonly startedAt = workflowInfo().runStartTime.getTime();
  timings: WorkshopTimings = defaultWorkshopTimings;
  state: AutoscalerState;
  look: Look | undefined;
  /** Looks at the present operation since something last moved. */
  looks = 0;
  /** Numbers have changed that are written with the next status, or after a while. */
  statusLater = false;
  /** Since when growth has been asked for without a count write. */
  askedSince: number | undefined;
  /** Whether it is there to scale its provision; until anybody asks for that it only answers the dry runs that started it. */
  isAtWork: boolean;
  #nextEvaluation: number | undefined;
  #phase: AutoscalerPhase | undefined;
  #urgent = false;
  #evaluations: Evaluation[] = [];
  /** The state when the present object was seen last. */
  #before: AutoscalerState;
  #evaluatedAt = 0;
  #ending: Ending | undefined;

  /**
   * Registers all message handlers: construct it before the first await. What is given comes from anywhere and is read later;
   * only a run that continues another carries a state.
   */
  constructor(given: ProvisionAutoscalerRun | null | undefined) {
    const { state, ...address } = given ?? ({} as ProvisionAutoscalerRun);
    const continued = Boolean(workflowInfo().continuedFromExecutionRunId);
    this.address = address;
    // Whoever starts a run says what for: by its first message, of which a dry run is none that changes anything.
    this.state = (continued ? state : undefined) ?? { ...newState(), dirty: continued };
    this.isAtWork = continued;
    this.#before = this.state;
    this.#answerQueries();
    this.#takeSignals();
    this.#takeUpdates();
  }

  /** Decides upon what was seen, with the state as it is at this moment. */
  decide(observation: Observation, state: AutoscalerState = this.state): Look {
    const config = readConfig(observation.workshop?.autoScaling);
    return { observation, config, decision: decide(observation, config, state, Date.now(), this.timings) };
  }

  /** From now on this is what was seen last. */
  see<L extends Look>(look: L): L {
    const { target, inputs } = look.decision;
    if (target === undefined || target <= inputs.count) this.askedSince = undefined;
    else this.askedSince ??= Date.now();
    this.look = look;
    return look;
  }

  /** Remembers a decision that counts: not that of a dry run. */
  note(look: Look): void {
    this.state = remember(this.state, look.observation, look.decision, Date.now(), uuid4().slice(0, 8));
    measureLook(this, look);
  }

  /** Takes what is to be done in this round: what arrives from now on is for the next one. */
  begin(): { evaluations: Evaluation[]; onlyDryRuns: boolean } {
    const evaluations = this.#evaluations.splice(0);
    const onlyDryRuns = !this.state.dirty && evaluations.length > 0 && evaluations.every(({ dryRun }) => dryRun);
    this.state = { ...this.state, dirty: false };
    this.#urgent = false;
    this.#evaluatedAt = Date.now();
    return { evaluations, onlyDryRuns };
  }

  /** The object that this run scales is there. */
  recognise(uid: string): void {
    this.state = { ...this.state, uid };
    this.#before = this.state;
  }

  /** Another object stands under the name: what people asked since the old one was seen is asked of it, all else is forgotten. */
  startAnew(uid: string): void {
    const { pause, override } = this.state;
    this.state = {
      ...newState(uid),
      ...(pause && pause !== this.#before.pause ? { pause } : {}),
      ...(override && override !== this.#before.override ? { override } : {}),
    };
  }

  /** Shows phase and checklist; the search attribute follows where `resting`, because each change of it is an event. */
  show(resting: boolean): void {
    const phase = this.phase();
    setCurrentDetails(checklist(this.status()));
    if (!resting || phase === this.#phase) return;
    const first = this.#phase === undefined;
    this.#phase = phase;
    const workshop = this.look?.observation.workshop?.name;
    upsertSearchAttributes([
      { key: phaseKey, value: phase },
      ...(first ? [{ key: workshopNamespaceKey, value: this.address.namespace }] : []),
      ...(first && workshop ? [{ key: workshopNameKey, value: workshop }] : []),
    ]);
  }

  phase(): AutoscalerPhase {
    return phaseOf(this.state, this.look?.decision, Date.now());
  }

  status(): AutoscalerStatus {
    return autoscalerStatus(this.address, this.state, this.look, this.#nextEvaluation, Date.now());
  }

  /**
   * Waits until `at`, or until something changed. Changes are gathered: evaluations they cause are at least the debounce
   * apart. While `deaf` (after a denial or an outage) only people are heard.
   */
  async rest(at: number, deaf: boolean): Promise<void> {
    this.#nextEvaluation = at;
    this.show(true);
    const changed = () => this.#urgent || (!deaf && this.state.dirty);
    await condition(changed, Math.max(1, at - Date.now()), { summary: this.#why() });
    const gap = this.#evaluatedAt + this.timings.debounce * 1000 - Date.now();
    if (!this.#urgent && gap > 0) await condition(() => this.#urgent, gap, { summary: 'gather changes' });
    this.#nextEvaluation = undefined;
  }

  /** What the timeline in the UI says of a wait. */
  #why(): string {
    const decision = this.look?.decision;
    return decision ? cut(`${decision.reason}: ${decision.message}`, 200) : 'next look at the provision';
  }

  /**
   * Whether every answer is delivered and nobody asks for anything. Messages are taken before anything else in a task: what
   * arrives after this was true, without an await since, is for the next run.
   */
  async settled(): Promise<boolean> {
    await condition(() => allHandlersFinished() || this.#urgent);
    return this.#unasked;
  }

  /** The main loop is over: whoever asked meanwhile gets the last decision, or the failure, and every answer is delivered. */
  async close(failure?: Error): Promise<void> {
    const answer = this.look?.decision;
    this.#ending =
      failure || !answer ? { failure: failure ?? refused('NotFound', 'nothing was observed') } : { answer };
    for (const evaluation of this.#evaluations.splice(0)) Object.assign(evaluation, this.#ending);
    await condition(allHandlersFinished);
  }

  get #unasked(): boolean {
    return !this.#urgent && this.#evaluations.length === 0;
  }

  get idle(): boolean {
    return this.#unasked && !this.state.dirty;
  }

  #answerQueries(): void {
    setHandler(messages.getAutoscalerStatus, () => this.status(), {
      description: 'Phase, last decision with all its inputs, operation, pause, next evaluation',
    });
    setHandler(messages.getAutoscalerHistory, () => ({ decisions: this.state.decisions }), {
      description: 'The last 20 decisions; equal ones in a row are one entry',
    });
    setHandler(
      messages.getExplanation,
      () => {
        if (!this.look) throw refused('InvalidMessage', 'nothing was observed yet: ask again in a moment');
        return explain(this.look.observation, this.look.config, this.state, Date.now(), this.timings);
      },
      { description: 'Every check of the decision in words, with the values of the last look' },
    );
  }

  #takeSignals(): void {
    setHandler(messages.changedSignal, () => this.#wake(false), { description: 'Something changed: look again' });
    const signal =
      <R>(problem: (request: R) => string | undefined, take: (request: R) => unknown) =>
      (request: R) => {
        const words = problem(request);
        if (words === undefined) take(request);
        else log.warn('a signal was refused', { why: words });
      };
    setHandler(messages.pauseSignal, signal(this.#pauseProblem, this.#pause));
    setHandler(messages.resumeSignal, (request) => void this.#resume(request));
    setHandler(messages.evaluateNowSignal, () => this.#wake(true));
    setHandler(messages.cancelOperationSignal, signal(this.#cancelProblem, this.#cancel));
    setHandler(messages.approveSignal, signal(this.#approvalProblem, this.#approve));
    setHandler(messages.setOverrideSignal, signal(this.#overrideProblem, this.#override));
  }

  #takeUpdates(): void {
    setHandler(messages.pauseUpdate, (request) => this.#known(this.#pause(request)), {
      description: 'Start no new operation until resumed, or until a time; a running one finishes',
      validator: (request) => refuseFor('InvalidMessage', this.#pauseProblem(request)),
    });
    setHandler(messages.resumeUpdate, (request) => this.#known(this.#resume(request)), {
      description: 'End a pause by message and evaluate at once',
    });
    setHandler(messages.evaluateNowUpdate, (request) => this.#evaluate(request), {
      description: 'Look at once and answer the decision; with dryRun only that',
    });
    setHandler(messages.cancelOperationUpdate, this.#cancel, {
      description: 'End the running operation: flag cleared, claims made so far left alone',
      validator: (request) => refuseFor('NothingToCancel', this.#cancelProblem(request)),
    });
    setHandler(messages.approveUpdate, this.#approve, {
      description: 'Allow the operation that waits for approval',
      validator: (request) => refuseFor('ApprovalRefused', this.#approvalProblem(request)),
    });
    setHandler(messages.setOverrideUpdate, (request) => this.#known(this.#override(request)), {
      description: 'Replace the cap until a time; without maxProvisions the override is removed',
      validator: (request) => refuseFor('InvalidMessage', this.#overrideProblem(request)),
    });
  }

  readonly #pauseProblem = (request: messages.PauseRequest) => asked.pauseProblem(request, Date.now());
  readonly #overrideProblem = (request: messages.OverrideRequest) => asked.overrideProblem(request, Date.now());
  readonly #approvalProblem = (request: messages.ApproveRequest) => asked.approvalProblem(this.state, request);
  readonly #cancelProblem = (_request: messages.CancelRequest) => asked.cancelProblem(this.state);

  readonly #pause = (request: messages.PauseRequest): messages.PauseAnswer => {
    this.state = asked.applyPause(this.state, request, Date.now());
    this.#wake(true);
    return { paused: true, ...(request.until === undefined ? {} : { until: request.until }) };
  };

  /** A run that a message started may find nothing to scale: then the message was in vain. */
  async #known<A>(answer: A): Promise<A> {
    await condition(() => this.look !== undefined || this.#ending !== undefined, FIRST_LOOK_MS);
    if (this.#ending && 'failure' in this.#ending) throw this.#ending.failure;
    const { decision } = this.look ?? {};
    if (decision?.reason !== 'ProvisionGone' && decision?.reason !== 'WorkshopGone') return answer;
    const { namespace, name } = this.address;
    throw refused('NotFound', `provision ${namespace}/${name} cannot be scaled: ${decision.message}`);
  }

  readonly #resume = (_request: messages.ResumeRequest): messages.ResumeAnswer => {
    const { state, answer } = asked.applyResume(this.state, this.look?.observation, Date.now());
    this.state = state;
    this.#wake(true);
    return answer;
  };

  async #evaluate(request: messages.EvaluateRequest | undefined): Promise<Decision> {
    const evaluation: Evaluation = { dryRun: request?.dryRun === true, ...this.#ending };
    this.#evaluations.push(evaluation);
    this.#urgent = true;
    await condition(() => evaluation.answer !== undefined || evaluation.failure !== undefined);
    if (evaluation.answer) return evaluation.answer;
    throw evaluation.failure;
  }

  readonly #cancel = (request: messages.CancelRequest | undefined): messages.CancelAnswer => {
    const { operation, approval } = this.state;
    this.state = asked.applyCancel(this.state, request);
    this.#wake(true);
    return {
      ...(operation ? { operationId: operation.id } : {}),
      ...(approval ? { droppedApproval: approval.operationId } : {}),
    };
  };

  readonly #approve = (request: messages.ApproveRequest): messages.ApproveAnswer => {
    this.state = asked.applyApproval(this.state, request);
    this.#wake(true);
    return { operationId: request.operationId, targetCount: this.state.approval?.target ?? 0 };
  };

  readonly #override = (request: messages.OverrideRequest): messages.OverrideAnswer => {
    this.state = asked.applyOverride(this.state, request);
    this.#wake(true);
    const { maxProvisions, until } = request;
    return maxProvisions === undefined ? {} : { maxProvisions, ...(until === undefined ? {} : { until }) };
  };

  #wake(urgent: boolean): void {
    this.state = { ...this.state, dirty: true };
    this.#urgent ||= urgent;
  }
}

function refuseFor(type: string, words: string | undefined): void {
  if (words !== undefined) throw refused(type, words);
}

function refused(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
