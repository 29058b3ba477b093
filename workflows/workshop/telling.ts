import { isCancellation, log } from '@temporalio/workflow';
import type { OperationRecord } from '../../activities/workshop/record.ts';
import type { Operation } from '../../contract/workshop/state.ts';
import type { DecisionReason } from '../../contract/workshop/status.ts';
import { refusalWords, workshopConditions } from '../../domain/workshop/conditions.ts';
import { type ScalingEventReason, scalingEvent } from '../../domain/workshop/events.ts';
import { clearPatch, type StatusKeys, statusPatch, workshopConditionsPatch } from '../../domain/workshop/patches.ts';
import { provisionStatus, statusWrite } from '../../domain/workshop/status.ts';
import { iso } from '../../domain/workshop/times.ts';
import { describeFailure } from '../failures.ts';
import { calls, hints, records } from './activities.ts';
import type { AutoscalerRun, LiveLook, Look } from './run.ts';

/** What a run tells beside its own status: on the objects, as events, and in the record of operations. */

/** Our keys of the provision's status as they are to be, for a look and the state at this moment. */
export function statusKeys(run: AutoscalerRun, { observation, decision }: Look, state = run.state): StatusKeys {
  return provisionStatus(observation, state, decision, Date.now(), run.workflowId);
}

/** Writes the provision's status when it is due. A flag that belongs to no operation goes with it. */
export async function writeStatus(run: AutoscalerRun, look: LiveLook): Promise<void> {
  const { observation, decision } = look;
  const { provision } = observation;
  const keys = statusKeys(run, look);
  const stuck = provision.status.autoScalingActive !== undefined && !run.state.operation;
  const due = statusWrite(observation, keys, decision, run.state.statusWrittenAt, Date.now(), run.timings);
  run.statusLater = due === 'later';
  if (due === 'now' || stuck) {
    const { namespace, name } = run.address;
    const patch = stuck ? clearPatch(provision, keys) : statusPatch(provision, keys);
    const { outcome } = await calls(`status: ${decision.reason}`, run.timings).writeStatus({ namespace, name, patch });
    run.state = { ...run.state, statusWrittenAt: Date.now(), dirty: run.state.dirty || outcome === 'Conflict' };
  }
  await writeWorkshopConditions(run, look);
}

async function writeWorkshopConditions(run: AutoscalerRun, { observation, config }: Look): Promise<void> {
  const { workshop } = observation;
  const conditions = workshopConditions(observation, config, Date.now());
  if (!workshop || !conditions) return;
  const { namespace } = run.address;
  const patch = workshopConditionsPatch(workshop, conditions);
  await calls('condition of the workshop', run.timings).writeWorkshopStatus({ namespace, name: workshop.name, patch });
}

/** Growth that is asked for and cannot be had without a person. */
const REFUSALS: readonly DecisionReason[] = ['InvalidConfig', 'AtMax', 'FailureThreshold', 'ApprovalRequired'];

/** Events of a decision that begins no operation: on a change of its reason only. */
export async function tell(run: AutoscalerRun, look: LiveLook, before: DecisionReason | undefined): Promise<void> {
  const { reason, message } = look.decision;
  const { provision } = look.observation;
  const moment = Date.now().toString(36);
  if (reason === 'Paused' && before !== 'Paused') await emit(run, provision, 'ScalingPaused', moment, message);
  if (reason !== 'Paused' && before === 'Paused') await emit(run, provision, 'ScalingResumed', moment, message);
  const refused = REFUSALS.includes(reason) ? reason : undefined;
  if (refused && refused !== run.state.refusedReason)
    await emit(run, provision, 'ScalingRefused', moment, `${reason}: ${refusalWords(run.state, look.decision)}`);
  const { refusedReason: _, ...state } = run.state;
  // A hold is no answer to the demand: what was refused before it is not told again after it.
  const kept = refused ?? (look.decision.target === undefined ? undefined : run.state.refusedReason);
  run.state = { ...state, ...(kept === undefined ? {} : { refusedReason: kept }) };
}

/** An event on the provision. It is a hint for people: what keeps it from being written keeps nothing else from being done. */
export async function emit(
  run: AutoscalerRun,
  { uid }: { uid: string },
  reason: ScalingEventReason,
  occurrence: string,
  message: string,
): Promise<void> {
  const { namespace, name } = run.address;
  const event = scalingEvent({ namespace, name, uid }, { reason, occurrence, message, at: Date.now() });
  await passOver(`event ${reason}`, () => hints(`event ${reason}`, run.timings).emitEvent({ event }));
}

/** The row of an operation in PostgreSQL, which outlives the run. */
export async function keepRecord(
  run: AutoscalerRun,
  operation: Operation,
  end?: NonNullable<OperationRecord['end']>,
): Promise<void> {
  const { cluster, namespace, name } = run.address;
  const record: OperationRecord = {
    operationId: operation.id,
    cluster,
    namespace,
    provision: name,
    uid: run.state.uid ?? '',
    fromCount: operation.from,
    targetCount: operation.target,
    startedAt: iso(operation.startedAt),
    workflowId: run.workflowId,
    ...(end ? { end } : {}),
  };
  await passOver(`record of operation ${operation.id}`, () => records.recordOperation({ record }));
}

async function passOver(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`${what} was not written`, { message: describeFailure(error).message });
  }
}
