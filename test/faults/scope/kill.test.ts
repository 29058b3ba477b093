import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { region, testWorld } from '../../support/world.ts';
import { scopeRoom } from './room.ts';

/** Longer than the timeouts by which Temporal notices that a worker is gone. */
const environment = Object.fromEntries(
  ['READ_PATIENCE', 'BUSY_PATIENCE', 'AUTOCREATE_TIMEOUT_SECONDS', 'DNS_SYNC_TIMEOUT', 'COMPENSATION_TIMEOUT'].map(
    (name) => [`GROUNDWORK_${name}`, '150'],
  ),
);

const worlds = Array.from({ length: everything ? 5 : 2 }, () =>
  testWorld({ seed: region({ public: 75 }), worker: false, environment }),
);

survivesKills(scopeRoom, worlds, [
  { when: 'after', activity: 'applyKeeper' },
  { when: 'after', activity: 'ensureDnsRecord' },
]);
