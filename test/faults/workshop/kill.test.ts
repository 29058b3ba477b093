import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { workshopWorld } from '../../support/workshop-world.ts';
import { patient, workshopRoom } from './room.ts';

const worlds = Array.from({ length: everything ? 4 : 1 }, () => workshopWorld({ ...patient, worker: false }));

/** W48 between flag and count, W49 between count and its answer. */
survivesKills(workshopRoom, worlds, [
  { when: 'before', activity: 'applyCount' },
  { when: 'after', activity: 'applyCount' },
]);
