import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import type { Course, StepAnswer, WatchAnswer } from '../../activities/deployment/course.ts';
import { sayDecision } from '../../domain/deployment/checklist.ts';
import { greenPercent } from '../../domain/deployment/expected.ts';
import type { Decision, Outcome } from '../../domain/deployment/rollout/types.ts';
import { wholeShape } from '../../domain/deployment/shape.ts';
import { routingSeconds } from '../../domain/deployment/targets.ts';
import { describeFailure, withinPatience } from '../failures.ts';
import { calls, loops, watching } from './activities.ts';
import type { RolloutRun } from './run.ts';

/** Each decision of the planner as the activities and timers that carry it out. */

type Step<K extends Decision['kind']> = Extract<Decision, { kind: K }>;
type Acting = Exclude<Decision, { kind: 'end' }>;

/** Carries out one decision. Never throws: what goes wrong is an outcome that the planner judges. */
export async function perform(run: RolloutRun, decision: Acting): Promise<Outcome> {
  const began = Date.now();
  const rest = () => restOf(decision, began);
  const wait = { what: sayDecision(decision, run.plan), since: iso(began), ...untilOf(run, decision, began) };
  try {
    return await run.during(decision, wait, () => act(run, decision, began, wait.what));
  } catch (error) {
    if (isCancellation(error)) return { kind: 'interrupted', ...rest() };
    return { kind: 'failed', failure: describeFailure(error) };
  }
}

function act(run: RolloutRun, decision: Acting, began: number, words: string): Promise<Outcome> {
  switch (decision.kind) {
    case 'apply':
      return apply(run, words);
    case 'wait':
      return waitFor(run, decision, began, words);
    case 'scale':
      return scale(run, decision, began, words);
    case 'route':
      return route(run, decision, began, words);
    case 'hold':
      return hold(run, decision, began, words);
    case 'drain':
      return drain(run, decision, words);
    case 'delete':
      return remove(run, decision, began, words);
  }
}

async function apply(run: RolloutRun, words: string): Promise<Outcome> {
  const { course } = run;
  await withinPatience('KubernetesRefused', 'the objects of the new version could not be applied', () =>
    called(run, words).applySide({ course }),
  );
  return { kind: 'done' };
}

async function waitFor(
  run: RolloutRun,
  { side, count }: Pick<Step<'wait'>, 'side' | 'count'>,
  began: number,
  words: string,
): Promise<Outcome> {
  const { course, state } = run;
  const seconds = state.goal === 'forward' ? course.request.maxWaitSeconds : patience(run);
  const input = { course, side, count, since: iso(began), until: iso(began + seconds * 1000) };
  const answer = await withinPatience('InstancesNotReady', `instances could not be watched for ${seconds} s`, () =>
    loops(words, course.request.timings, seconds).waitInstances(input),
  );
  return outcomeOf(run, answer);
}

async function scale(run: RolloutRun, decision: Step<'scale'>, began: number, words: string): Promise<Outcome> {
  const { course } = run;
  const { side, count, ready } = decision;
  await withinPatience('KubernetesRefused', `${side} could not be scaled to ${count}`, () =>
    called(run, words).scaleSide({ course, side, count }),
  );
  return ready ? waitFor(run, decision, began, words) : { kind: 'done' };
}

async function route(run: RolloutRun, decision: Step<'route'>, began: number, words: string): Promise<Outcome> {
  const { course, state } = run;
  const { routing, before, after } = decision;
  const backward = state.goal !== 'forward';
  const patienceSeconds = patience(run);
  const seconds = backward ? patienceSeconds : Math.max(patienceSeconds, routingSeconds(course.request, decision));
  const answer = await withinPatience('NotConverged', 'the routing could not be changed and confirmed', () =>
    loops(words, course.request.timings, seconds).routeTraffic({
      course: routing.form === 'before' ? whole(course) : course,
      routing,
      before,
      after,
      since: iso(began),
      ...(backward ? { patienceSeconds } : {}),
    }),
  );
  return outcomeOf(run, answer);
}

/** Holds traffic where it is: the timer says until when, the watch looks after both sides and the rules meanwhile. */
async function hold(run: RolloutRun, decision: Step<'hold'>, began: number, words: string): Promise<Outcome> {
  const { seconds, routing, watch, why } = decision;
  if (seconds === 0) return { kind: 'done' };
  run.holdsUntil(why === 'plan' && seconds !== undefined ? iso(began + seconds * 1000) : undefined);
  const scope = new CancellationScope();
  try {
    return await scope.run(() => {
      const end =
        seconds === undefined
          ? condition(() => false).then(() => done)
          : sleep(seconds * 1000, { summary: `${words} until ${iso(began + seconds * 1000)}` }).then(() => done);
      if (routing.form === 'before') return end;
      const seen = watching(words, run.course.request.timings)
        .watchTraffic({
          course: run.course,
          routing,
          watch,
          planned: run.state.counts,
          ...(run.state.failure ? { failureKnown: true } : {}),
        })
        .then((answer) => seenBy(run, answer, restOf(decision, began)));
      // A watch that cannot work does not end the hold: it is told, and the hold goes on.
      const watched = seen.catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        run.warn({ code: 'WatchFailed', message: `traffic is not watched: ${describeFailure(error).message}` });
        return end;
      });
      return Promise.race([end, watched]);
    });
  } finally {
    scope.cancel();
    run.holdsUntil(undefined);
  }
}

const done: Outcome = { kind: 'done' };

function seenBy(run: RolloutRun, answer: WatchAnswer, rest: { restSeconds?: number }): Outcome {
  run.saw(answer.seen);
  if (answer.kind === 'ill') return { kind: 'ill', side: answer.side, failure: answer.failure, ...rest };
  const percent = greenPercent(run.course.shape, answer.seen.actual ?? []);
  return { kind: 'changed', at: answer.at, percent, words: answer.words, ...rest };
}

async function drain(run: RolloutRun, { side }: Step<'drain'>, words: string): Promise<Outcome> {
  const { course } = run;
  const seconds =
    course.request.timings.drainSeconds ??
    (
      await withinPatience('BalancerUnreadable', 'the deregistration delay could not be read', () =>
        called(run, `deregistration delay of ${side}`).drainTime({ course, side }),
      )
    ).seconds;
  if (seconds > 0) await sleep(seconds * 1000, { summary: `${words} until ${iso(Date.now() + seconds * 1000)}` });
  return done;
}

async function remove(run: RolloutRun, { what }: Step<'delete'>, began: number, words: string): Promise<Outcome> {
  const { course, plan } = run;
  const seconds = course.request.timings.removalTimeout;
  const answer = await withinPatience('RemovalTimeout', `objects could not be removed within ${seconds} s`, () =>
    loops(words, course.request.timings, seconds).removeObjects({
      course: whole(course),
      what,
      orphans: plan.orphans,
      until: iso(began + seconds * 1000),
    }),
  );
  run.removed.push(...answer.removed);
  if (what === 'orphans') run.orphans.push(...answer.removed);
  return { kind: 'done', warnings: answer.warnings };
}

function outcomeOf(run: RolloutRun, answer: StepAnswer): Outcome {
  run.saw(answer.seen);
  if (answer.kind === 'done') {
    const { warnings, illBefore } = answer;
    return { kind: 'done', warnings, ...(illBefore === undefined ? {} : { illBefore }) };
  }
  run.warn(...(answer.warnings ?? []));
  if (answer.kind === 'interrupted')
    return { kind: 'interrupted', ...(answer.applied === undefined ? {} : { applied: answer.applied }) };
  return {
    kind: 'failed',
    failure: answer.failure,
    ...(answer.applied === undefined ? {} : { applied: answer.applied }),
  };
}

/** With the ports that only the old version had and that are not routed any more. */
const whole = (course: Course): Course => ({ ...course, shape: wholeShape(course.shape) });

const called = (run: RolloutRun, words: string) => calls(words, run.course.request.timings, patience(run));

/** How long a call is repeated: on the way back more than forward. */
function patience({ course, state }: RolloutRun): number {
  const { readPatience, compensationTimeout, reconcileTimeout } = course.request.timings;
  return state.goal === 'forward' ? Math.max(readPatience, reconcileTimeout) : compensationTimeout;
}

function restOf(decision: Acting, began: number): { restSeconds?: number } {
  if (decision.kind !== 'hold' || decision.seconds === undefined) return {};
  return { restSeconds: Math.max(0, decision.seconds - (Date.now() - began) / 1000) };
}

function untilOf({ course, state }: RolloutRun, decision: Acting, began: number): { until?: string } {
  if (decision.kind === 'hold')
    return decision.seconds === undefined ? {} : { until: iso(began + decision.seconds * 1000) };
  if (decision.kind === 'wait' && state.goal === 'forward')
    return { until: iso(began + course.request.maxWaitSeconds * 1000) };
  return {};
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
