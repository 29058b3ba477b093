import { describe } from 'vitest';
import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { deploymentRoom, gatewayRoom, gatewayWorld, patientWorld } from './room.ts';

const options = { worker: false, workflowTaskTimeout: '3s' } as const;
const worlds = Array.from({ length: everything ? 3 : 1 }, () => patientWorld(options));

survivesKills(deploymentRoom, worlds, [
  { when: 'after', activity: 'routeTraffic', call: 3 },
  { when: 'before', activity: 'watchTraffic' },
]);

if (everything) {
  const one = gatewayWorld(options);
  describe('with external DNS', () => survivesKills(gatewayRoom, [one], []));
}
