import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { survivesBadDays } from '../../support/faults/bad-days.ts';
import { deploymentRoom, patientWorld, replacement } from './room.ts';

const world = patientWorld();

survivesAtLeastOnce(deploymentRoom, world);

survivesBadDays(deploymentRoom.room, world, replacement);
