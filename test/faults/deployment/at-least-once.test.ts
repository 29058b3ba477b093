import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { deploymentRoom, patientWorld } from './room.ts';

survivesAtLeastOnce(deploymentRoom, patientWorld());
