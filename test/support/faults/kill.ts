import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
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
 * of `telling`, `npm run reliability` every boundary. Each world of `worlds` takes one kill at a time: what is waited for are
 * timeouts of activities (30 s), so several worlds make it quick without loading the machine.
 */
export function survivesKills<W extends Pick<World, 'environment'>>(
  room: RoomUnderFaults<W>,
  worlds: readonly W[],
  telling: readonly KillPoint[],
): void {
  const free = [...worlds];
  const waiting: ((world: W) => void)[] = [];
  const borrow = () => {
    const world = free.pop();
    return world ? Promise.resolve(world) : new Promise<W>((resolve) => waiting.push(resolve));
  };
  const giveBack = (world: W) => {
    const next = waiting.shift();
    if (next) next(world);
    else free.push(world);
  };

  describe('a worker process that is killed', () => {
    test.concurrent.each(kills(room, telling))(
      '$when $words: the next one goes on',
      { timeout: 1_800_000 },
      async (point) => {
        const world = await borrow();
        const bundle = join(inject('dist'), 'workflow-bundle.js');
        const first = await startWorker(world, bundle, [point.when, point.activity, String(point.call)]);
        const second = await startWorker(world, bundle, []);
        try {
          first.send('begin');
          const died = once(first, 'exit').then(([, signal]) => {
            second.send('begin');
            return signal as unknown;
          });
          await point.journey.go(world);
          expect(await died).toBe('SIGKILL');
        } finally {
          await stop(first);
          await stop(second);
          giveBack(world);
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

const PROGRAM = fileURLToPath(new URL('./killable-worker.ts', import.meta.url));

async function startWorker(world: Pick<World, 'environment'>, bundle: string, argv: string[]): Promise<ChildProcess> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GROUNDWORK|TEMPORAL|VITEST)/.test(name));
  const child = fork(PROGRAM, [bundle, ...argv], {
    execArgv: ['--import', 'tsx'],
    env: { ...Object.fromEntries(inherited), ...world.environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [word] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (word !== 'ready') throw new Error(`the worker process ended before it was ready: ${String(word)}`);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
