import type { z } from 'zod';
import { readWith } from '../../contract/schemas/fields.ts';
import { provisionAutoscalerInputSchema, workshopSweepInputSchema } from '../../contract/schemas/workshop.ts';
import type { ScalingEvent } from '../../domain/workshop/events.ts';
import { invalidInput } from '../failures.ts';
import { withTypedFailures } from '../translate.ts';
import { type DeleteClaimInput, deleteClaim } from './delete-claim.ts';
import type { WorkshopDependencies } from './dependencies.ts';
import { observe } from './observe.ts';
import { type OperationRecord, recordOperation } from './record.ts';
import { sweep } from './sweep.ts';
import { toWorkshopFailure } from './translate.ts';
import { type WriteInput, write } from './write.ts';

/**
 * The activities of the workshop room. One object in, one out; each may run twice or lose its answer, and the function it
 * calls says why that is harmless.
 */
export function createWorkshopActivities(deps: WorkshopDependencies) {
  return withTypedFailures(
    {
      // Local activities: pure functions and single statements.
      acceptAutoscaler: async ({ input }: { input: unknown }) => ({
        input: accepted(deps, provisionAutoscalerInputSchema, input),
        timings: deps.timings,
      }),
      recordOperation: ({ record }: { record: OperationRecord }) => recordOperation(deps.database, record),

      // Regular activities: Kubernetes.
      observe: (input: { namespace: string; name: string }) => observe(deps, input),
      /** Raises the flag, and says on the status what is about to happen. */
      setActive: (input: WriteInput) => write(deps, 'provision', input, { status: true }),
      /** Writes the count with its preconditions; with `dryRun` the server only says whether it would. */
      applyCount: ({ dryRun = false, ...input }: WriteInput & { dryRun?: boolean }) =>
        write(deps, 'provision', input, { dryRun }),
      /** Takes the flag away, with the result of the operation. */
      clearActive: (input: WriteInput) => write(deps, 'provision', input, { status: true }),
      writeStatus: (input: WriteInput) => write(deps, 'provision', input, { status: true }),
      writeWorkshopStatus: (input: WriteInput) => write(deps, 'workshop', input, { status: true }),
      /** Its name says which operation and what: a repeat meets the event of the first time. */
      emitEvent: ({ event }: { event: ScalingEvent }) => deps.kubernetes.createIfAbsent(event),
      deleteClaim: (input: DeleteClaimInput) => deleteClaim(deps, input),
      sweepWorkshops: async (input: unknown) => sweep(deps, accepted(deps, workshopSweepInputSchema, input)),
    },
    toWorkshopFailure,
  );
}

export type WorkshopActivities = ReturnType<typeof createWorkshopActivities>;

/** What a run was given, when this worker can do it: read, and of its own cluster. */
function accepted<I extends { cluster: string }>(deps: WorkshopDependencies, schema: z.ZodType<I>, given: unknown): I {
  const reading = readWith(schema, given);
  if (!reading.ok) throw invalidInput(reading.fields);
  if (reading.value.cluster !== deps.cluster)
    throw invalidInput([{ path: 'cluster', message: `must be ${deps.cluster}, which this worker serves` }]);
  return reading.value;
}
