import {
  ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Course, Seen } from '../../activities/deployment/course.ts';
import {
  type Finalize,
  finalizeSignal,
  finalizeUpdate,
  getDeploymentStatus,
  type Pause,
  pauseSignal,
  pauseUpdate,
  type Resume,
  type Rollback,
  resumeSignal,
  resumeUpdate,
  rollbackSignal,
  rollbackUpdate,
  type SwitchTraffic,
  switchTrafficSignal,
  switchTrafficUpdate,
} from '../../contract/deployment/messages.ts';
import type { DeploymentStatus } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import { type RetryNow, retryNowSignal, retryNowUpdate } from '../../contract/scope/messages.ts';
import type { WaitingFor, Warning } from '../../contract/scope/status.ts';
import {
  balancerNameKey,
  deploymentIdKey,
  environmentKey,
  phaseKey,
  scopeIdKey,
} from '../../contract/search-attributes.ts';
import { unheard } from '../../contract/warnings.ts';
import { deploymentChecklist } from '../../domain/deployment/checklist.ts';
import { expectedRouting } from '../../domain/deployment/expected.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import { interrupts, isGreenOut } from '../../domain/deployment/rollout/decide.ts';
import { accept, requestCancel } from '../../domain/deployment/rollout/messages.ts';
import { greenAlone, greenShare, sameRouting } from '../../domain/deployment/rollout/routing.ts';
import type {
  Decision,
  MessageVerdict,
  RolloutMessage,
  RolloutPlan,
  RolloutState,
} from '../../domain/deployment/rollout/types.ts';
import { gatewayRef } from '../../domain/scope/dns-endpoint.ts';
import { runFailure } from '../failures.ts';

/** What a rollout is: its plan, its state, and what later activities are told. */
export interface Rollout {
  course: Course;
  plan: RolloutPlan;
  state: RolloutState;
}

/** What a run hands to its successor when Temporal asks it to begin a new history. */
export interface Continuation extends Rollout {
  removed: string[];
  orphans: string[];
  warnings: Warning[];
  /** What was seen last. */
  seen: Seen;
}

/**
 * State of one rollout as people see and steer it. Messages change the state by the planner's rules and end the running step
 * when the planner would do something else now; the main function owns everything that is awaited.
 */
export class RolloutRun {
  readonly key = `${workflowInfo().workflowId}@${workflowInfo().firstExecutionRunId}`;
  readonly status: DeploymentStatus;
  /** Objects that were removed, in words; `orphans` are those of further deployments. */
  readonly removed: string[] = [];
  readonly orphans: string[] = [];
  #course: Course | undefined;
  #plan: RolloutPlan | undefined;
  #state: RolloutState | undefined;
  /** Signals that came before the request was valid, in their order: judged when it is. */
  #unjudged: RolloutMessage[] = [];
  /** Messages taken before the start was judged: they count again on the state that it gives. */
  #early: RolloutMessage[] = [];
  /** Those that did not count on it, and why. */
  readonly #refused = new Map<RolloutMessage, string>();
  #running: { decision: Decision; scope: CancellationScope; canLookAgain: boolean } | undefined;
  #shownPhase: string | undefined;
  #ended = false;
  #cancelled = false;

  /**
   * Registers all message handlers: construct it before the first await. What came with the first activation is heard meanwhile, so
   * a run that goes on for another one has its state by then.
   */
  constructor(scopeId: string, deploymentId: string, kind: DeploymentStatus['kind'], continued?: Continuation) {
    this.status = {
      scopeId,
      deploymentId,
      kind,
      phase: 'Creating',
      paused: false,
      green: deploymentId,
      percent: { confirmed: 0, wanted: 0 },
      expected: [],
      actual: [],
      healthyTargets: {},
      instances: {},
      warnings: [],
    };
    setHandler(getDeploymentStatus, () => this.status, {
      description: 'Phase, both versions, weights expected and actual, what is waited for, and why',
    });
    if (continued) this.#goOn(continued);
    this.#handle();
  }

  #goOn({ warnings, removed, orphans, seen, ...rollout }: Continuation): void {
    this.warn(...warnings);
    this.removed.push(...removed);
    this.orphans.push(...orphans);
    this.saw(seen);
    this.#introduce(rollout.course.request);
    this.begun(rollout);
  }

  get state(): RolloutState {
    if (!this.#state) throw new Error('the rollout has no state yet');
    return this.#state;
  }

  set state(state: RolloutState) {
    this.#state = state;
    this.#show();
  }

  get plan(): RolloutPlan {
    if (!this.#plan) throw new Error('the rollout has no plan yet');
    return this.#plan;
  }

  get course(): Course {
    if (!this.#course) throw new Error('the rollout has not begun yet');
    return this.#course;
  }

  /** The request is valid: messages are taken from here on. */
  accepted(request: DeploymentRequest, plan: RolloutPlan, state: RolloutState): void {
    this.#introduce(request);
    this.#plan = plan;
    this.state = this.#cancelled ? requestCancel(state) : state;
    for (const message of this.#unjudged.splice(0)) this.#hear(message);
  }

  #introduce({ strategy, blue, digest, scope, warnings }: DeploymentRequest): void {
    Object.assign(this.status, { strategy, inputDigest: digest, ...(blue === undefined ? {} : { blue }) });
    this.warn(...warnings);
    if (scope.environment) upsertSearchAttributes([{ key: environmentKey, value: scope.environment }]);
  }

  /** The start is judged: what was said meanwhile counts on the state that was found. */
  begun({ course, plan, state }: Rollout): void {
    this.#course = course;
    this.#plan = plan;
    let next = state;
    for (const message of this.#early.splice(0)) {
      const verdict = accept(plan, next, message);
      if (verdict.accepted) next = verdict.state;
      else {
        this.#refused.set(message, verdict.reason);
        this.#warnOf(message, verdict.reason);
      }
    }
    if (course.balancer) {
      this.status.balancer = course.balancer.name;
      upsertSearchAttributes([{ key: balancerNameKey, value: course.balancer.name }]);
    } else if (course.request.scope.dnsType === 'external_dns') {
      this.status.gateway = gatewayRef(course.request.scope.gateway);
    }
    this.state = this.#cancelled ? requestCancel(next) : next;
  }

  /** Cancellation from outside is a message like the others. */
  cancel(): void {
    this.#cancelled = true;
    if (!this.#state) return;
    this.state = requestCancel(this.#state);
    this.#interruptIfNeeded();
  }

  /** The run ends before it changed anything. */
  failed(failure: Failure): void {
    Object.assign(this.status, { phase: 'Failed', failure });
    this.#ended = true;
    this.#publish();
  }

  saw(seen: Seen): void {
    Object.assign(this.status.healthyTargets, seen.healthyTargets);
    Object.assign(this.status.instances, seen.instances);
    if (seen.actual) this.status.actual = seen.actual;
  }

  warn(...warnings: readonly Warning[]): void {
    this.status.warnings.push(...unheard(this.status.warnings, warnings));
  }

  /** Runs one step of the planner so that a message can end it. `wait` is what the status shows meanwhile. */
  async during<T>(decision: Decision, wait: WaitingFor, step: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    const canLookAgain = decision.kind === 'wait' || decision.kind === 'scale' || decision.kind === 'route';
    this.#running = { decision, scope, canLookAgain };
    this.status.waitingFor = wait;
    this.#publish();
    try {
      return await scope.run(step);
    } finally {
      this.#running = undefined;
      delete this.status.waitingFor;
    }
  }

  /** Puts phase and checklist where people look. */
  #show(): void {
    const state = this.state;
    Object.assign(this.status, {
      phase: state.phase,
      paused: state.paused,
      percent: { confirmed: state.percent, wanted: state.wanted?.percent ?? state.kept?.percent ?? state.percent },
    });
    this.#set('pauseReason', state.paused ? state.pauseReason : undefined);
    this.#set('failure', state.failure);
    this.#showPlan();
    if (this.#course && state.applied.form !== 'before')
      this.status.expected = expectedRouting(this.#course.shape, state.applied);
    this.warn(...state.warnings);
    if (this.#shownPhase !== state.phase) this.#publish();
  }

  #showPlan(): void {
    const { steps } = this.plan.traffic;
    if (steps.length === 0) return;
    const holdUntil = this.status.plan?.holdUntil;
    this.status.plan = { step: this.state.step, steps: steps.length, ...(holdUntil ? { holdUntil } : {}) };
  }

  /** Until when the plan holds, shown in the status. */
  holdsUntil(until: string | undefined): void {
    if (!this.status.plan) return;
    if (until === undefined) delete this.status.plan.holdUntil;
    else this.status.plan.holdUntil = until;
  }

  #set<K extends 'pauseReason' | 'failure'>(key: K, value: DeploymentStatus[K]): void {
    if (value === undefined) delete this.status[key];
    else this.status[key] = value;
  }

  #publish(): void {
    if (this.#shownPhase !== this.status.phase) {
      const first = this.#shownPhase === undefined;
      this.#shownPhase = this.status.phase;
      const { scopeId, deploymentId, phase } = this.status;
      upsertSearchAttributes([
        { key: phaseKey, value: phase },
        ...(first
          ? [
              { key: scopeIdKey, value: scopeId },
              { key: deploymentIdKey, value: deploymentId },
            ]
          : []),
      ]);
    }
    setCurrentDetails(deploymentChecklist(this.status));
  }

  #handle(): void {
    const say = <A>(toMessage: (request: A) => RolloutMessage) => ({
      signal: (request: A) => this.#hear(toMessage(request)),
      update: (request: A) => this.#ask(toMessage(request)),
      validator: (request: A) => {
        const message = toMessage(request);
        const verdict = this.#judge(message);
        if (!verdict.accepted) throw refusal(message.name, verdict.reason);
      },
    });
    const moves = say((request: SwitchTraffic) => ({ name: 'switchTraffic', percent: request?.percent }));
    const finals = say((_request: Finalize | undefined) => ({ name: 'finalize' }));
    const backs = say((request: Rollback) => ({ name: 'rollback', reason: request?.reason }));
    const pauses = say((request: Pause | undefined) => ({
      name: 'pause',
      ...(typeof request?.reason === 'string' ? { reason: request.reason } : {}),
    }));
    const resumes = say((_request: Resume | undefined) => ({ name: 'resume' }));
    // Signals that are there already are heard in their order; each handler by itself would hear all of its name at once.
    setDefaultSignalHandler((name, request) => {
      if (name === switchTrafficSignal.name) moves.signal(request as SwitchTraffic);
      if (name === finalizeSignal.name) finals.signal(request as Finalize);
      if (name === rollbackSignal.name) backs.signal(request as Rollback);
      if (name === pauseSignal.name) pauses.signal(request as Pause);
      if (name === resumeSignal.name) resumes.signal(request as Resume);
    });
    setHandler(switchTrafficSignal, moves.signal, { description: 'Move traffic: {"percent": 0-100}' });
    setHandler(switchTrafficUpdate, (request) => this.#switchTraffic(request.percent), {
      description: 'Move traffic: {"percent": 0-100}; answers when the balancer confirms it',
      validator: moves.validator,
    });
    setHandler(finalizeSignal, finals.signal, { description: 'Keep the new version and remove the old one' });
    setHandler(finalizeUpdate, () => this.#finalize(), {
      description: 'Keep the new version and remove the old one; answers before anything is removed',
      validator: (request?: Finalize) => finals.validator(request),
    });
    setHandler(rollbackSignal, backs.signal, { description: 'Go back to the old version: {"reason": ...}' });
    setHandler(rollbackUpdate, (request) => this.#rollback(request.reason), {
      description: 'Go back to the old version: {"reason": ...}; answers when the old routing is confirmed',
      validator: backs.validator,
    });
    setHandler(pauseSignal, pauses.signal, { description: 'Finish the running step and start nothing new' });
    setHandler(
      pauseUpdate,
      async (request?: Pause) => {
        await pauses.update(request);
        return { paused: this.state.paused };
      },
      {
        description: 'Finish the running step and start nothing new',
        validator: (request?: Pause) => pauses.validator(request),
      },
    );
    setHandler(resumeSignal, resumes.signal, { description: 'Go on after a pause' });
    setHandler(
      resumeUpdate,
      async (request?: Resume) => {
        await resumes.update(request);
        return { paused: this.state.paused };
      },
      { description: 'Go on after a pause', validator: (request?: Resume) => resumes.validator(request) },
    );
    setHandler(retryNowSignal, () => void this.#retryNow(), { description: 'Look again at once' });
    setHandler(retryNowUpdate, () => this.#retryNow(), {
      description: 'Make the present wait look again at once',
      validator: (_request: RetryNow) => {
        if (!this.#running?.canLookAgain)
          throw refusal('retryNow', `nothing is looked at again and again in phase ${this.status.phase}`);
      },
    });
    setDefaultSignalHandler(undefined);
  }

  /** A signal cannot be answered: what is refused becomes a warning. */
  #hear(message: RolloutMessage): void {
    if (!this.#state && this.status.kind === 'deployment') {
      this.#unjudged.push(message);
      return;
    }
    const verdict = this.#judge(message);
    if (verdict.accepted) this.#take(message);
    else this.#warnOf(message, verdict.reason);
  }

  #warnOf({ name }: RolloutMessage, reason: string): void {
    this.warn({ code: 'MessageRefused', message: `${name}: ${reason}` });
  }

  #judge(message: RolloutMessage): MessageVerdict {
    if (!this.#plan || !this.#state) return { accepted: false, reason: 'the request is still being validated' };
    return accept(this.#plan, this.#state, message);
  }

  #take(message: RolloutMessage): Extract<MessageVerdict, { accepted: true }> {
    const verdict = this.#judge(message);
    if (!verdict.accepted) throw refusal(message.name, verdict.reason);
    if (!this.#course) this.#early.push(message);
    this.state = verdict.state;
    this.#interruptIfNeeded();
    return verdict;
  }

  /** Takes a message and answers when it is sure to count: what is found at the start may forbid it. */
  async #ask(message: RolloutMessage): Promise<void> {
    this.#take(message);
    await CancellationScope.nonCancellable(() => condition(() => this.#course !== undefined || this.#ended));
    const reason = this.#refused.get(message);
    if (reason !== undefined) throw refusal(message.name, reason);
  }

  #interruptIfNeeded(): void {
    if (this.#running && interrupts(this.plan, this.state, this.#running.decision)) this.#running.scope.cancel();
  }

  #retryNow(): { waitingFor: string } {
    const waitingFor = this.status.waitingFor?.what ?? '';
    if (this.#running?.canLookAgain) this.#running.scope.cancel();
    return { waitingFor };
  }

  async #switchTraffic(percent: number): Promise<{ percent: number }> {
    const verdict = this.#take({ name: 'switchTraffic', percent });
    if (verdict.answer === 'done') return { percent };
    await this.#until((state) => {
      if (state.goal !== 'forward' || state.end) return 'failed';
      // While it is kept, a failure is of the step before it: a person decides whether the switch comes.
      if (state.kept !== undefined) return state.kept.percent === percent ? 'open' : 'failed';
      if (state.paused && state.failure) return 'failed';
      return state.wanted === undefined && state.verified
        ? greenShare(state.confirmed) === percent
          ? 'done'
          : 'failed'
        : 'open';
    }, `the switch to ${percent} %`);
    return { percent };
  }

  async #finalize(): Promise<{ percent: number }> {
    this.#take({ name: 'finalize' });
    await this.#until((state) => {
      if (sameRouting(state.confirmed, greenAlone)) return 'done';
      return state.goal !== 'forward' || state.end || (state.paused && state.failure) ? 'failed' : 'open';
    }, 'finalizing');
    return { percent: 100 };
  }

  async #rollback(reason: string): Promise<{ percent: number }> {
    await this.#ask({ name: 'rollback', reason });
    await this.#until((state) => {
      if (state.end?.failure?.type === 'CompensationIncomplete') return 'failed';
      return state.end || isGreenOut(state) ? 'done' : 'open';
    }, 'the rollback');
    return { percent: 0 };
  }

  /** Waits until the main function has brought the state where a message wanted it, or somewhere else. */
  async #until(look: (state: RolloutState) => 'open' | 'done' | 'failed', what: string): Promise<void> {
    await CancellationScope.nonCancellable(() => condition(() => this.#ended || look(this.state) !== 'open'));
    if (this.#ended && this.status.failure) throw runFailure(this.status.failure);
    if (look(this.state) === 'done') return;
    const { end, failure, reason, kept } = this.state;
    const givenUp = (why: string) => refusal('message', `${what} was given up: ${why}`);
    if (kept !== undefined) throw givenUp(`a later switch to ${kept.percent} % counts`);
    const cause = end?.failure ?? failure;
    throw cause ? runFailure(cause) : givenUp(reason ?? 'the rollout went another way');
  }
}

function refusal(name: string, reason: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'MessageRefused', message: `${name}: ${reason}`, nonRetryable: true });
}
