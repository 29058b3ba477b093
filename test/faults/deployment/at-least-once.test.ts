import { describe } from 'vitest';
import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { deploymentRoom, gatewayRoom, gatewayWorld, patientWorld } from './room.ts';

survivesAtLeastOnce(deploymentRoom, patientWorld());

if (everything) describe('with external DNS', () => survivesAtLeastOnce(gatewayRoom, gatewayWorld()));
