import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import { workshopWorld } from '../../support/workshop-world.ts';

/** One step of growth on the real API server, from a full workshop to the end of the operation. */

const world = workshopWorld();

describe('a workshop that fills up', () => {
  test('W5 W20 W21 W26: flag, count 10 -> 15 in two requests, wait, flag cleared', async () => {
    const workshop = await world.workshop({ assigned: 8 });
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      expect(spec?.count).toBe(15);
      expect(status?.autoScalingActive).toBe(true);
    });
    expect(world.patches(workshop.name).slice(0, 2)).toEqual(['status', 'object']);
    await workshop.catchUp();
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      expect(spec?.count).toBe(15);
      expect(status?.autoScalingActive).toBeUndefined();
      expect(status?.autoScaling?.lastResult).toBe('Succeeded');
    });
    expect(await workshop.events()).toEqual([
      'ScaleUpSettled: 15 of 15 claims are active',
      'ScaleUpStarted: 8 of 10 seats are taken, threshold 0.8: 10 -> 15',
    ]);
    const { rows } = await world.database.query<{ result: string; target_count: number }>(
      'select result, target_count from workshop_operation where provision = $1',
      [workshop.name],
    );
    expect(rows).toEqual([{ result: 'Succeeded', target_count: 15 }]);
  });
});
