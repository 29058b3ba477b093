import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { region, testWorld } from '../../support/world.ts';
import { manyBalancers, patient, scopeRoom } from './room.ts';

const worlds = Array.from({ length: everything ? 5 : 2 }, () =>
  testWorld({ seed: region({ public: 75 }), worker: false, environment: patient, limits: manyBalancers }),
);

survivesKills(scopeRoom, worlds, [
  { when: 'after', activity: 'applyKeeper' },
  { when: 'after', activity: 'ensureDnsRecord' },
]);
