import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import { boundariesOf, type RoomUnderFaults, type Surrounded } from './journey.ts';
import { everything, tell } from './outcomes.ts';

/**
 * Every activity may run twice or lose its answer. Each test does that to one activity of a journey, and the journey compares
 * what is there with what must be there. `npm test` does both to all of them at once, `npm run reliability` loses answers one
 * at a time, that of each counted call on one journey. Activities of other rooms on the way are left alone.
 */
export function survivesAtLeastOnce<W extends Surrounded>(room: RoomUnderFaults<W>, world: W): void {
  afterEach(() => {
    world.around = undefined;
  });

  test('every activity is on a journey', () => {
    const covered = new Set(room.journeys.flatMap(({ activities }) => activities));
    expect([...covered].sort()).toEqual([...room.activities].sort());
  });

  describe.each(room.journeys)(`${room.subject} $name`, ({ go, activities, name: journey }) => {
    test(
      everything
        ? 'with every call taking effect twice'
        : 'with every call taking effect twice, and the first answer of each lost',
      async () => {
        const seen = new Set<string>();
        world.around = async (name, run) => {
          if (!room.activities.includes(name)) return run();
          const first = !seen.has(name);
          seen.add(name);
          await run();
          const answer = await run();
          if (first && !everything) throw lost();
          return answer;
        };
        await go(world);
        expect([...seen].sort()).toEqual([...activities].sort());
        for (const point of activities) {
          tell({ room: room.room, kind: 'twice', point, journey, outcome: 'as once' });
        }
      },
    );
  });

  test.each(everything ? boundariesOf(room) : [])(
    `${room.subject} $journey.name with the answer of $activity lost after its effect, call $call`,
    async ({ activity, call, journey }) => {
      let calls = 0;
      world.around = async (name, run) => {
        const answer = await run();
        if (name !== activity) return answer;
        calls += 1;
        if (calls === call) throw lost();
        return answer;
      };
      await journey.go(world);
      expect(calls).toBeGreaterThan(call);
      tell({ room: room.room, kind: 'answer-lost', point: activity, journey: journey.name, outcome: 'as once' });
    },
  );
}

const lost = () =>
  ApplicationFailure.create({ type: 'AnswerLost', message: 'the answer was lost after the effect', nextRetryDelay: 1 });
