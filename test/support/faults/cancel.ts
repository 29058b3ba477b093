import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { afterEach, describe, expect, test } from 'vitest';
import type { World } from '../world.ts';
import type { Surrounded } from './journey.ts';
import { everything, tell } from './outcomes.ts';

/** How a run ended that was cancelled: too early for any effect to stay, while it was failing anyway, or too late. */
export type Ending = 'cancelled' | 'failed' | 'completed';

export interface Cancellable<W> {
  /** "a creation that makes a balancer", for one. */
  name: string;
  /**
   * Brings about what the run needs. `begin` starts it and answers its id; `settle` compares what is there after it ended in
   * some way with what must be there, and leaves a world in which the next one goes the same way.
   */
  prepare: (world: W) => Promise<{ begin: () => Promise<string>; settle: (ending: Ending) => Promise<void> }>;
  /** Activities after which a cancellation must have been tried; more are allowed. */
  activities: readonly string[];
  /** Those of them that `npm test` tries instead of all, by name or as "<name> #<which call>"; without it, it tries all. */
  telling?: readonly string[];
  /** Activities that change something: their effect also comes some time after the cancellation. */
  changes?: readonly string[];
}

/** Cancellation after the k-th completed activity, for every k or after the telling ones: this one test finds most mistakes in compensation. */
export function survivesCancellation<W extends Surrounded & Pick<World, 'client'>>(
  room: string,
  world: W,
  runs: readonly Cancellable<W>[],
): void {
  afterEach(() => {
    world.around = undefined;
  });

  describe.each(runs)('$name', (run) => {
    test('cancelled after any of its activities leaves what must be there and nothing else', {
      timeout: 300_000,
    }, async () => {
      const story: string[] = [];
      const some = everything ? undefined : run.telling;
      for (let k = 1; some === undefined; k++) {
        const { last, ending } = await cancelAfter(world, run, (_, completed) => completed === k);
        if (last === undefined) break;
        story.push(last);
        tell({ room, kind: 'cancelled-after', point: last, journey: run.name, outcome: WORDS[ending] });
      }
      // Steps that go side by side complete in any order, so that one may never have been the k-th.
      for (const words of (some ?? run.activities).filter((name) => !story.includes(name))) {
        const [activity = '', which = '1'] = words.split(' #');
        let calls = 0;
        const { last, ending } = await cancelAfter(
          world,
          run,
          (name) => name === activity && ++calls === Number(which),
        );
        expect(last).toBe(activity);
        tell({ room, kind: 'cancelled-after', point: activity, journey: run.name, outcome: WORDS[ending] });
      }
    });

    test.each(run.changes ?? [])(
      'cancelled while %s is on its way leaves what must be there and nothing else',
      { timeout: 60_000 },
      async (activity) => {
        const { last } = await cancelAfter(world, run, (name) => name === activity, LATE_MS);
        expect(last).toBe(activity);
      },
    );
  });
}

const WORDS: Readonly<Record<Ending, string>> = {
  cancelled: 'cancelled, undone',
  failed: 'failed as before, undone',
  completed: 'too late: completed',
};

/** Longer than a run needs to undo what it knows of, where nothing is waited for. */
const LATE_MS = 1_000;

/**
 * `last` is the completed activity that the cancellation came after; undefined when there was none such. With `late` the
 * cancellation comes before its effect, by so many milliseconds.
 */
async function cancelAfter<W extends Surrounded & Pick<World, 'client'>>(
  world: W,
  run: Cancellable<W>,
  due: (name: string, completed: number) => boolean,
  late?: number,
): Promise<{ last: string | undefined; ending: Ending }> {
  const { begin, settle } = await run.prepare(world);
  let begun: (workflowId: string) => void = () => {};
  const handle = new Promise<string>((resolve) => {
    begun = resolve;
  }).then((workflowId) => world.client.workflow.getHandle(workflowId));
  let completed = 0;
  let last: string | undefined;
  world.around = async (name, step) => {
    if (late !== undefined && last === undefined && due(name, completed)) {
      last = name;
      await (await handle).cancel();
      await delay(late);
      return step();
    }
    const answer = await step();
    completed += 1;
    if (last === undefined && due(name, completed)) {
      last = name;
      await (await handle).cancel();
    }
    return answer;
  };
  begun(await begin());
  const ending = await (await handle).result().then((): Ending => 'completed', endingOf);
  world.around = undefined;
  try {
    await settle(ending);
  } catch (error) {
    throw new Error(`${ending} after ${last ?? 'no activity'}: what is there is not what must be`, {
      cause: error,
    });
  }
  return { last, ending };
}

function endingOf(error: unknown): Ending {
  if (!(error instanceof WorkflowFailedError)) throw error;
  return error.cause?.name === 'CancelledFailure' ? 'cancelled' : 'failed';
}
