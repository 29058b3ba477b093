export { deployment } from './deployment/deployment.ts';
export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
