import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { survivesCancellation } from '../../support/faults/cancel.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { workshopWorld } from '../../support/workshop-world.ts';
import { cancellable, patient, workshopRoom } from './room.ts';

const world = workshopWorld(patient);

survivesAtLeastOnce(workshopRoom, world);

if (everything) survivesCancellation(workshopRoom.room, world, [cancellable]);
