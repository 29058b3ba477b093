import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { region, testWorld } from '../../support/world.ts';
import { manyBalancers, patient, scopeRoom } from './room.ts';

survivesAtLeastOnce(
  scopeRoom,
  testWorld({ seed: region({ public: 75 }), environment: patient, limits: manyBalancers }),
);
