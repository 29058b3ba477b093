import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import type { RoomUnderFaults, Surrounded } from './journey.ts';
import { everything, tell } from './outcomes.ts';

/**
 * Every activity may run twice or lose its answer. Each test does that to activities of a journey, and the journey compares
 * what is there with what must be there. `npm test` does it to all of them at once, `npm run reliability` also one at a time.
 */
export function survivesAtLeastOnce<W extends Surrounded>(room: RoomUnderFaults<W>, world: W): void {
  afterEach(() => {
    world.around = undefined;
  });

  test('every activity is on a journey', () => {
    const covered = new Set(room.journeys.flatMap(({ activities }) => activities));
    expect([...covered].sort()).toEqual([...room.activities].sort());
  });

  describe.each(room.journeys)(`${room.subject} $name`, ({ go, activities, calls: named = {}, name: journey }) => {
    test('with every call taking effect twice, and the first answer of each activity lost', async () => {
      const struck = new Set<string>();
      world.around = async (name, run) => {
        if (!room.activities.includes(name)) return run();
        await run();
        const answer = await run();
        if (struck.has(name)) return answer;
        struck.add(name);
        throw lost();
      };
      await go(world);
      expect([...struck].sort()).toEqual([...activities].sort());
      for (const point of activities) {
        tell({ room: room.room, kind: 'twice', point, journey, outcome: 'as once' });
      }
    });

    const victims = activities.flatMap((name) => (named[name] ?? [1]).map((call) => [name, call] as const));
    test.each(everything ? victims : [])(
      'with the answer of %s lost after its effect, call %i',
      async (victim, call) => {
        let calls = 0;
        world.around = async (name, run) => {
          const answer = await run();
          if (name !== victim) return answer;
          calls += 1;
          if (calls === call) throw lost();
          return answer;
        };
        await go(world);
        expect(calls).toBeGreaterThan(call);
        tell({ room: room.room, kind: 'answer-lost', point: victim, journey, outcome: 'as once' });
      },
    );
  });
}

const lost = () =>
  ApplicationFailure.create({ type: 'AnswerLost', message: 'the answer was lost after the effect', nextRetryDelay: 1 });
