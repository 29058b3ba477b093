import { CancellationScope, continueAsNew, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { ProvisionAutoscalerRun } from '../../contract/workshop/input.ts';
import type { AutoscalerStatus } from '../../contract/workshop/status.ts';
import { mayContinue, nextLook } from '../../domain/workshop/next-look.ts';
import { bounded } from '../../domain/workshop/state.ts';
import { asRunFailure } from '../failures.ts';
import { local } from './activities.ts';
import { evaluate, letGo } from './evaluation.ts';
import { measureOver } from './metrics.ts';
import type { Next } from './next.ts';
import { AutoscalerRun } from './run.ts';

/**
 * The one scaler of a provision, as long as its workshop asks for one. It looks, decides, raises the flag, writes the count,
 * waits until the new claims settle, clears the flag and cools down; people may pause, steer and overrule it. It ends when the
 * provision is gone or autoscaling is off; whoever notices a change starts it again.
 */
export async function provisionAutoscaler(given?: ProvisionAutoscalerRun | null): Promise<AutoscalerStatus> {
  const run = new AutoscalerRun(given);
  const next = await guarded(run, async () => {
    run.timings = (await local.acceptAutoscaler({ input: run.address })).timings;
    for (;;) {
      const next = await evaluate(run);
      if (next.kind !== 'rest') return next;
      if (isLong(run) && mayContinue(run.state, run.look?.decision) && (await run.settled()))
        return { kind: 'continue' } as const;
      await run.rest(nextLook(run, next.deaf, Date.now(), run.timings), next.deaf);
    }
  });
  await run.close();
  if (next.kind === 'end') {
    measureOver(run);
    return run.status();
  }
  const { uid, counters } = run.state;
  const state = bounded({ ...run.state, counters: { ...counters, continuations: counters.continuations + 1 } });
  return continueAsNew<typeof provisionAutoscaler>({ ...run.address, uid, state });
}

/** A cancelled run takes its flag away before it ends; whoever waits for an answer is told why there is none. */
async function guarded(run: AutoscalerRun, work: () => Promise<Exclude<Next, { kind: 'rest' }>>) {
  try {
    return await work();
  } catch (error) {
    const failure = asRunFailure(error);
    await CancellationScope.nonCancellable(async () => {
      if (isCancellation(error)) await letGo(run);
      if (run.look) measureOver(run);
      await run.close(failure);
    });
    throw failure;
  }
}

function isLong({ timings }: AutoscalerRun): boolean {
  const { continueAsNewSuggested, historyLength, runStartTime } = workflowInfo();
  const age = Date.now() - runStartTime.getTime();
  return continueAsNewSuggested || historyLength > timings.historyLimit || age >= timings.idleLimit * 1000;
}
