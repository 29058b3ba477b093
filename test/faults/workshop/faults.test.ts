import { afterEach } from 'vitest';
import { survivesAtLeastOnce } from '../../support/faults/at-least-once.ts';
import { survivesCancellation } from '../../support/faults/cancel.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { workshopWorld } from '../../support/workshop-world.ts';
import { outageSettings, survivesOutages } from './outages.ts';
import { cancellable, patient, workshopRoom } from './room.ts';

const world = workshopWorld({ ...patient, networks: true, environment: { ...patient.environment, ...outageSettings } });

afterEach(() => world.endRuns());

survivesAtLeastOnce(workshopRoom, world);
if (everything) survivesCancellation(workshopRoom.room, world, [cancellable]);
survivesOutages(world);
