import { CancellationScope, patched, uuid4 } from '@temporalio/workflow';
import type { Operation } from '../../contract/workshop/state.ts';
import type { OperationResult } from '../../contract/workshop/status.ts';
import { endReason } from '../../domain/workshop/events.ts';
import type { ProvisionFacts, RemovableClaim } from '../../domain/workshop/observation.ts';
import {
  countWritten,
  endOperation,
  isMarked,
  isUnwritten,
  noteConflict,
  reviewOperation,
  startOperation,
  survivors,
  withoutFlag,
} from '../../domain/workshop/operation.ts';
import { clearPatch, countPatch, flagPatch } from '../../domain/workshop/patches.ts';
import { noteSaved } from '../../domain/workshop/scale-down.ts';
import { iso } from '../../domain/workshop/times.ts';
import { recovered } from '../../domain/workshop/trouble.ts';
import { calls } from './activities.ts';
import { measureConflict, measureEnd, measureWrite } from './metrics.ts';
import { AGAIN, type Next, REST } from './next.ts';
import { type AutoscalerRun, isLive, type LiveLook } from './run.ts';
import { emit, keepRecord, statusKeys, tell, writeStatus } from './telling.ts';

/** Carrying out an operation (specs: workshop autoscaling, section 4): flag, count, wait, clear, in this order. */

/** Raises the flag, then writes the count that was decided upon. Whatever changed meanwhile is decided upon anew. */
export async function begin(run: AutoscalerRun, look: LiveLook): Promise<Next> {
  const { observation, decision } = look;
  const { provision } = observation;
  run.state = startOperation(decision, observation, run.state, eightHex(), Date.now(), run.timings);
  const { operation } = run.state;
  if (!operation) return AGAIN;
  run.looks = 0;
  run.show(false);
  const { namespace, name } = run.address;
  const patch = flagPatch(provision, statusKeys(run, look));
  const flag = await calls(`flag before ${operation.from} -> ${operation.target}`, run.timings).setActive({
    namespace,
    name,
    patch,
  });
  if (flag.outcome !== 'Written') {
    // Who cancelled it meanwhile wants no other one in its place.
    if (run.state.operation?.cancelling === undefined) drop(run);
    return AGAIN;
  }
  // What changed meanwhile is looked at first, and what was cancelled meanwhile ends there.
  if (flag.generation !== provision.generation || run.state.operation?.cancelling !== undefined) return AGAIN;
  step(run, 'count');
  const written = await writeCount(run, provision, operation.id, operation.from, operation.target, operation.fence);
  if (!written) return AGAIN;
  run.state = recovered(countWritten(run.state, Date.now()));
  measureWrite(run);
  await keepRecord(run, operation);
  const reason = operation.direction === 'up' ? 'ScaleUpStarted' : 'ScaleDownStarted';
  await emit(run, provision, reason, operation.id, decision.message);
  return REST;
}

/** Asks the server whether it would take the count (`dryRun` of the configuration): no flag, no change. */
export async function rehearse(run: AutoscalerRun, { observation, decision }: LiveLook): Promise<Next> {
  const { namespace, name } = run.address;
  const { provision } = observation;
  const target = decision.target ?? decision.inputs.count;
  const write = {
    from: decision.inputs.count,
    target,
    fence: provision.operationAnnotation,
    operationId: `0-${eightHex()}`,
  };
  const summary = `dry run of ${write.from} -> ${target}`;
  await calls(summary, run.timings).applyCount({ namespace, name, patch: countPatch(provision, write), dryRun: true });
  run.state = recovered(run.state);
  return REST;
}

/** False in the replay of a run that met a denial or conflicts after its count was written, and ended its operation there. */
export const waitsForWritten = () => patched('a-written-count-is-waited-for');

/** What to do about the operation that is under way; `decideAgain` when its count surely was never written. */
export async function proceed(run: AutoscalerRun, look: LiveLook, operation: Operation): Promise<Next | 'decideAgain'> {
  const { observation, config } = look;
  if (operation.cancelling !== undefined) return cancel(run, look, operation, operation.cancelling);
  if (isUnwritten(operation)) {
    const { backoff } = run.state;
    const written = isMarked(operation, observation);
    if (backoff?.reason === 'Conflicts' && backoff.until > Date.now() && !(written && waitsForWritten()))
      return end(run, look, 'Cancelled', backoff.message);
    if (!written) return 'decideAgain';
    run.state = countWritten(run.state, Date.now());
    await keepRecord(run, operation);
  }
  const current = run.state.operation ?? operation;
  const review = reviewOperation(current, observation, config, Date.now());
  switch (review.verdict) {
    case 'end':
      return end(run, look, review.result, review.message);
    case 'wait':
      run.looks = review.operation.progressAt > current.progressAt ? 0 : run.looks + 1;
      run.state = { ...run.state, operation: review.operation };
      run.note(look);
      await writeStatus(run, look);
      return REST;
    case 'remove':
      run.state = { ...run.state, operation: review.operation };
      return remove(run, look, review.claim);
    case 'raise':
      run.state = { ...run.state, operation: review.operation };
      return raise(run, look, current, review.count);
    default:
      return REST; // gone and ignored were seen by the decision before
  }
}

/** Ends an operation before its time. Claims that a removal has left behind are counted again first. */
export async function cancel(run: AutoscalerRun, look: LiveLook, operation: Operation, message: string): Promise<Next> {
  const count = survivors(operation, look.observation, look.config);
  return count === undefined ? end(run, look, 'Cancelled', message) : raise(run, look, operation, count);
}

/** The target follows when the count is written, and not before: else a failed write would look like a person's. */
async function raise(run: AutoscalerRun, look: LiveLook, { id, target }: Operation, count: number): Promise<Next> {
  const { provision } = look.observation;
  const written = await writeCount(run, provision, id, target, count, provision.operationAnnotation);
  const { operation } = run.state;
  if (written && operation) run.state = { ...run.state, operation: { ...operation, target: count } };
  return AGAIN;
}

/**
 * Ends what is under way: the flag goes, with the result and what follows from it in the same write, and only then is the
 * operation forgotten.
 */
export async function end(run: AutoscalerRun, look: LiveLook, result: OperationResult, message: string): Promise<Next> {
  const { namespace, name } = run.address;
  const { provision } = look.observation;
  const { operation } = run.state;
  const observation = withoutFlag(look.observation);
  const after = endOperation(run.state, result, Date.now(), look.decision.config, run.timings);
  const then = run.decide(observation, after);
  const patch = clearPatch(provision, statusKeys(run, then, after));
  const cleared = await calls(`clear the flag: ${result}`, run.timings).clearActive({ namespace, name, patch });
  if (cleared.outcome !== 'Written') return AGAIN;
  run.state = endOperation(run.state, result, Date.now(), look.decision.config, run.timings);
  const goesOn = then.decision.action !== 'none' || then.decision.reason === 'Disabled';
  run.state = { ...run.state, statusWrittenAt: Date.now(), dirty: run.state.dirty || goesOn };
  const before = run.state.decisions.at(-1)?.reason;
  run.note(run.see(then));
  measureEnd(run, result);
  // Whoever cancels the run now is too late: the operation has ended, and that is told.
  await CancellationScope.nonCancellable(async () => {
    if (operation) {
      await keepRecord(run, operation, { at: iso(Date.now()), result, reason: message });
      await emit(run, provision, endReason(operation.direction, result), operation.id, message);
    }
    if (isLive(then)) await tell(run, then, before);
  });
  return REST;
}

/** The provision is gone, or is another one now: nothing is written there any more. */
export async function forget(run: AutoscalerRun, reason: string): Promise<void> {
  const { operation } = run.state;
  if (!operation) return;
  drop(run);
  if (!isUnwritten(operation)) await keepRecord(run, operation, { at: iso(Date.now()), result: 'Cancelled', reason });
}

/** True when the count stands there as decided. Twice, or with a lost answer, the annotation tells that it was us. */
async function writeCount(
  run: AutoscalerRun,
  provision: ProvisionFacts,
  operationId: string,
  from: number,
  target: number,
  fence: string | null,
): Promise<boolean> {
  const { namespace, name } = run.address;
  const patch = countPatch(provision, { from, target, fence, operationId });
  const count = await calls(`count ${from} -> ${target}`, run.timings).applyCount({ namespace, name, patch });
  if (count.outcome === 'Conflict') {
    run.state = noteConflict(run.state, Date.now(), run.timings).state;
    measureConflict(run);
  }
  return count.outcome === 'Written';
}

/** What keeps a claim from being removed may last: the run rests before it tries the next one. */
async function remove(run: AutoscalerRun, { observation }: LiveLook, claim: RemovableClaim): Promise<Next> {
  const { namespace } = run.address;
  const { name, uid, seats } = claim;
  const deletion = { namespace, claim: name, uid, seats };
  const outcome = await calls(`delete claim ${name}`, run.timings).deleteClaim(deletion);
  run.looks = outcome === 'Saved' ? run.looks + 1 : 0;
  if (outcome !== 'Saved') return AGAIN;
  const { operation } = run.state;
  if (operation) run.state = { ...run.state, operation: noteSaved(operation, observation, claim) };
  return REST;
}

function step(run: AutoscalerRun, to: Operation['step']): void {
  const { operation } = run.state;
  if (operation) run.state = { ...run.state, operation: { ...operation, step: to } };
}

function drop(run: AutoscalerRun): void {
  const { operation: _, ...state } = run.state;
  run.state = state;
}

function eightHex(): string {
  return uuid4().slice(0, 8);
}
