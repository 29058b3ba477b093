import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { region, testWorld } from '../../support/world.ts';
import { scopeRoom } from './room.ts';

survivesAtLeastOnce(
  scopeRoom,
  testWorld({ seed: region({ public: 75 }), environment: { GROUNDWORK_BUSY_PATIENCE: '30' } }),
);
