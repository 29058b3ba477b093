import { workshopWorld } from '../../support/workshop-world.ts';
import { operations } from './operation.ts';
import { people } from './people.ts';

/** One world for both: it takes as long to make as several tests. */
const world = workshopWorld();

operations(world);
people(world);
