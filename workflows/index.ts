export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
