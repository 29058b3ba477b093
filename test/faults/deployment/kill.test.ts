import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { deploymentRoom, patientWorld } from './room.ts';

const worlds = Array.from({ length: everything ? 3 : 1 }, () =>
  patientWorld({ worker: false, workflowTaskTimeout: '3s' }),
);

survivesKills(deploymentRoom, worlds, [
  { when: 'after', activity: 'routeTraffic', call: 3 },
  { when: 'before', activity: 'watchTraffic' },
]);
