import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { testIpWorld } from '../../support/ip-world.ts';
import { ipRoom } from './room.ts';

survivesAtLeastOnce(ipRoom, testIpWorld());
