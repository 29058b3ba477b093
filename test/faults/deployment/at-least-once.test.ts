import { afterEach, describe, test } from 'vitest';
import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { badDays } from '../../support/faults/bad-days.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { deploymentRoom, gatewayRoom, gatewayWorld, patientWorld, replacement } from './room.ts';

const world = patientWorld();

survivesAtLeastOnce(deploymentRoom, world);

if (everything) describe('with external DNS', () => survivesAtLeastOnce(gatewayRoom, gatewayWorld()));

describe('AWS and the Kubernetes API on a bad day', () => {
  afterEach(() => world.faults.clear());

  test.each(badDays(everything, { single: 0.01, mixed: 0.002 }))(
    'each $name: the rollout goes on, and no request of its users fails',
    { timeout: 240_000 },
    async ({ name, rules }) => {
      for (const rule of rules) world.faults.add(rule);
      await replacement.go(world);
      tell({
        room: deploymentRoom.room,
        kind: 'outage',
        point: `every service ${name}`,
        journey: replacement.name,
        outcome: 'run went on',
      });
    },
  );
});
