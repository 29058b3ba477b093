export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
export { provisionAutoscaler } from './workshop/autoscaler.ts';
export { workshopSweep } from './workshop/sweep.ts';
