import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { onTopOfOurs } from '../worker-process.ts';
import type { World } from '../world.ts';
import { type Boundary, boundariesOf, type RoomUnderFaults, sayBoundary } from './journey.ts';
import { everything, tell } from './outcomes.ts';

/** Where a worker process is killed. */
export interface KillPoint {
  when: 'before' | 'after';
  activity: string;
  /** Which call of the activity on its journey; default the first. */
  call?: number;
}

/**
 * kill -9 of a real worker process at exact boundaries: before an activity's effect, and after it and before its answer.
 * A second process takes over; the journey then compares what is there with what must be there. `npm test` takes the points
 * of `telling`, `npm run reliability` every boundary. Each world of `worlds` takes one kill at a time and keeps the process
 * that takes over. What passes meanwhile are the timeouts by which Temporal notices a death: the room's worlds set those of
 * activities short, and `workflowTaskTimeout` of a world is for local activities.
 */
export function survivesKills<W extends Pick<World, 'environment'>>(
  room: RoomUnderFaults<W>,
  worlds: readonly W[],
  telling: readonly KillPoint[],
): void {
  const free: Place<W>[] = worlds.map((world) => ({ world, second: undefined }));
  const waiting: ((place: Place<W>) => void)[] = [];
  const borrow = () => {
    const place = free.pop();
    return place ? Promise.resolve(place) : new Promise<Place<W>>((resolve) => waiting.push(resolve));
  };
  const giveBack = (place: Place<W>) => {
    const next = waiting.shift();
    if (next) next(place);
    else free.push(place);
  };
  afterAll(async () => {
    for (const { second } of free) if (second) await stop(second);
  });

  describe('a worker process that is killed', () => {
    test.concurrent.each(kills(room, telling))(
      '$when $words: the next one goes on',
      { timeout: 1_800_000 },
      async (point) => {
        const place = await borrow();
        const { world } = place;
        const [first, second] = await Promise.all([
          startWorker(world, [point.when, point.activity, String(point.call)]),
          place.second ?? startWorker(world, []),
        ]);
        place.second = undefined;
        try {
          first.send('begin');
          const died = once(first, 'exit').then(([, signal]) => {
            second.send('begin');
            return signal as unknown;
          });
          await point.journey.go(world);
          expect(await died).toBe('SIGKILL');
          second.send('rest');
          await heard(second, 'ready');
          place.second = second;
        } finally {
          await stop(first);
          if (!place.second) await stop(second);
          giveBack(place);
        }
        const kind = point.when === 'before' ? 'killed-before' : 'killed-after';
        tell({
          room: room.room,
          kind,
          point: point.activity,
          journey: point.journey.name,
          outcome: 'next worker went on',
        });
      },
    );
  });
}

/** A world, and the process that takes over in it, at rest. */
interface Place<W> {
  readonly world: W;
  second: ChildProcess | undefined;
}

function kills<W>(
  room: RoomUnderFaults<W>,
  telling: readonly KillPoint[],
): (Boundary<W> & { when: KillPoint['when']; words: string })[] {
  const all = boundariesOf(room).flatMap((boundary) =>
    (['before', 'after'] as const).map((when) => ({ when, ...boundary, words: sayBoundary(boundary) })),
  );
  if (everything) return all;
  return telling.map((wanted) => {
    const found = all.find(
      ({ when, activity, call }) => when === wanted.when && activity === wanted.activity && call === (wanted.call ?? 1),
    );
    if (!found) throw new Error(`no journey calls ${wanted.activity}`);
    return found;
  });
}

async function startWorker(world: Pick<World, 'environment'>, argv: string[]): Promise<ChildProcess> {
  const dist = inject('dist');
  const program = join(dist, 'test/support/faults/killable-worker.js');
  const child = fork(program, [join(dist, 'workflow-bundle.js'), ...argv], {
    execArgv: [],
    env: onTopOfOurs(world.environment),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await heard(child, 'ready');
  return child;
}

/** Waits for a word of the process; fails when it ends instead. */
async function heard(child: ChildProcess, expected: string): Promise<void> {
  const over = new AbortController();
  const events = ['message', 'exit'].map((event) => once(child, event, { signal: over.signal }));
  for (const event of events) event.catch(() => {}); // the one that does not come
  const [word] = (await Promise.race(events)) as [unknown];
  over.abort();
  if (word !== expected) throw new Error(`the worker process ended before it was ${expected}: ${String(word)}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
