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

/** Those in which a gateway makes a difference. */
const activities = ['beginRollout', 'routeTraffic', 'watchTraffic', 'removeObjects', 'surveyScope', 'removeRoutes'];

if (everything) {
  const others = [gatewayWorld(options), gatewayWorld(options)];
  describe('with external DNS', () => survivesKills({ ...gatewayRoom, activities }, others, []));
}
