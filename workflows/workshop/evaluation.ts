import { ApplicationFailure, isCancellation, log, patched } from '@temporalio/workflow';
import type { Failure } from '../../contract/failures.ts';
import { adopt, isMarked, isUnwritten, withoutFlag } from '../../domain/workshop/operation.ts';
import { looked, noteError } from '../../domain/workshop/trouble.ts';
import { describeFailure } from '../failures.ts';
import { calls } from './activities.ts';
import { AGAIN, DEAF, type Next, REST } from './next.ts';
import { begin, cancel, end, forget, proceed, rehearse, waitsForWritten } from './operation.ts';
import { type AutoscalerRun, type Evaluation, isLive, type LiveLook, type Look } from './run.ts';
import { tell, writeStatus } from './telling.ts';

/** Conflicts are looked at again at once, but not for ever. */
const MOST_ROUNDS = 8;

/** Looks, decides and acts. A call that fails for good ends the round: the run rests, and says why. */
export async function evaluate(run: AutoscalerRun): Promise<Exclude<Next, { kind: 'again' }>> {
  const { evaluations, onlyDryRuns } = run.begin();
  if (onlyDryRuns && !run.isAtWork && patched('a-dry-run-starts-nothing')) return answerOnly(run, evaluations);
  try {
    if (onlyDryRuns && run.isAtWork) {
      answer(evaluations, await observe(run));
      return REST;
    }
    run.isAtWork = true;
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
      const next = await round(run, evaluations);
      if (next.kind !== 'again') return next;
    }
    run.state = { ...run.state, dirty: true };
    return REST;
  } catch (error) {
    const failure = describeFailure(error);
    refuse(evaluations, failure);
    if (isCancellation(error)) throw error;
    return trouble(run, failure);
  }
}

/** Dry runs have started this run, and nobody asked for more: they are answered, or told why they are not, and it ends. */
async function answerOnly(
  run: AutoscalerRun,
  evaluations: readonly Evaluation[],
): Promise<Exclude<Next, { kind: 'again' }>> {
  try {
    answer(evaluations, await observe(run));
  } catch (error) {
    refuse(evaluations, describeFailure(error));
    if (isCancellation(error)) throw error;
  }
  return run.idle ? { kind: 'end' } : REST;
}

/** A cancelled run takes its flag away. Where it cannot, it ends all the same, and the next sweep sees to the flag. */
export async function letGo(run: AutoscalerRun): Promise<void> {
  try {
    await takeFlagAway(run);
  } catch (error) {
    log.warn('the flag was left where it is', { message: describeFailure(error).message });
  }
}

async function takeFlagAway(run: AutoscalerRun): Promise<void> {
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    if (!run.state.operation) return;
    const look = await observe(run);
    const { operation, uid } = run.state;
    if (!operation || !isLive(look) || look.decision.reason === 'Ignored' || look.observation.provision.uid !== uid)
      return;
    if ((await cancel(run, look, operation, 'the run was cancelled')) !== AGAIN) return;
  }
}

async function observe(run: AutoscalerRun): Promise<Look> {
  const { namespace, name } = run.address;
  const observation = await calls(`look at provision ${name}`, run.timings).observe({ namespace, name });
  return run.see(run.decide(observation));
}

async function round(run: AutoscalerRun, evaluations: readonly Evaluation[]): Promise<Next> {
  const look = await observe(run);
  const { reason } = look.decision;
  if (!isLive(look) || reason === 'ProvisionGone' || reason === 'WorkshopGone') {
    run.note(look);
    answer(evaluations, look);
    await forget(run, reason);
    return { kind: 'end' };
  }
  const { uid } = look.observation.provision;
  if (run.state.uid !== undefined && run.state.uid !== uid) {
    const forgotten = forget(run, 'ProvisionGone');
    run.startAnew(uid);
    answer(evaluations, run.see(run.decide(look.observation)));
    await forgotten;
    return { kind: 'continue' };
  }
  run.recognise(uid);
  run.state = looked(run.state, look.decision, Date.now());
  if (reason === 'Ignored') {
    run.note(look);
    answer(evaluations, look);
    return REST;
  }
  return work(run, look, evaluations);
}

/** A round on a provision that is there and is ours to look after. */
async function work(run: AutoscalerRun, look: LiveLook, evaluations: readonly Evaluation[]): Promise<Next> {
  const stray = adoptStray(run, look);
  answer(evaluations, look);
  if (stray?.kind === 'clear') return end(run, look, stray.result, stray.message);
  const { operation } = run.state;
  const next = stray ? 'decideAgain' : operation ? await proceed(run, look, operation) : undefined;
  if (next === undefined) return act(run, look);
  if (next !== 'decideAgain') return next;
  const { operation: _, ...state } = run.state;
  const anew = run.decide(withoutFlag(look.observation), state);
  if (!isLive(anew)) return AGAIN;
  const { action, config, message } = anew.decision;
  if (action === 'none') return end(run, look, 'Cancelled', message);
  if (config?.dryRun) return end(run, look, 'Cancelled', 'dryRun was set');
  run.state = state;
  return act(run, anew);
}

/** A flag that this run knows nothing of: its operation is taken over where it stands. */
function adoptStray(run: AutoscalerRun, { observation, decision }: LiveLook) {
  if (observation.provision.status.autoScalingActive === undefined || run.state.operation) return undefined;
  const timeout = (decision.config?.completionTimeoutSeconds ?? 7200) * run.timings.secondsScale;
  const adoption = adopt(observation, Date.now(), timeout);
  if (adoption.kind !== 'wait') return adoption;
  run.state = { ...run.state, operation: adoption.operation };
  return undefined;
}

async function act(run: AutoscalerRun, look: LiveLook): Promise<Next> {
  const { decision } = look;
  const before = run.state.decisions.at(-1)?.reason;
  run.see(look);
  run.note(look);
  if (decision.action !== 'none') return decision.config?.dryRun ? rehearse(run, look) : begin(run, look);
  await writeStatus(run, look);
  await tell(run, look, before);
  const { pause, override } = run.state;
  return decision.reason === 'Disabled' && !pause && !override && run.idle ? { kind: 'end' } : REST;
}

function answer(evaluations: readonly Evaluation[], { decision }: Look): void {
  for (const evaluation of evaluations) evaluation.answer ??= decision;
}

function refuse(evaluations: readonly Evaluation[], failure: Failure): void {
  for (const evaluation of evaluations)
    evaluation.failure ??= ApplicationFailure.create({ ...failure, details: [], nonRetryable: true });
}

/**
 * A denial is told, an outage cannot be. What was begun and surely not written is taken back; a count that was written and
 * whose answer was lost is waited for after the hold. Tried again after a while.
 */
async function trouble(run: AutoscalerRun, { type, message }: Failure): Promise<Next & { kind: 'rest' }> {
  const refused = type === 'Forbidden' || type === 'Invalid';
  log.warn('the provision cannot be scaled now', { type, message });
  run.state = noteError(run.state, refused ? 'Forbidden' : 'ApiUnavailable', message, Date.now(), run.timings);
  if (!refused) return DEAF;
  try {
    const look = await observe(run);
    if (!isLive(look) || look.decision.reason === 'Ignored') return DEAF;
    const { operation } = run.state;
    const begun = operation && isUnwritten(operation);
    const written = begun && isMarked(operation, look.observation) && waitsForWritten();
    if (begun && !written) await end(run, look, 'Cancelled', message);
    else await writeStatus(run, look);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('its status cannot be written either', { message: describeFailure(error).message });
  }
  return DEAF;
}
