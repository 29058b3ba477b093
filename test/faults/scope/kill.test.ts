import { survivesKills } from '../../support/faults/kill.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { region, testWorld } from '../../support/world.ts';
import { manyBalancers, patient, scopeRoom } from './room.ts';

const worlds = Array.from({ length: everything ? 3 : 1 }, () =>
  testWorld({
    seed: region({ public: 75 }),
    worker: false,
    environment: { ...patient, GROUNDWORK_CALL_TIMEOUT: '3' },
    workflowTaskTimeout: '3s',
    limits: manyBalancers,
  }),
);

survivesKills(scopeRoom, worlds, [
  { when: 'after', activity: 'applyKeeper' },
  { when: 'after', activity: 'ensureDnsRecord' },
]);
