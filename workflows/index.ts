export { deploymentDeletion } from './deployment/deletion.ts';
export { deployment } from './deployment/deployment.ts';
export { diagnosis, instanceRestart } from './deployment/instances.ts';
export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
