export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
export { balancerInventory } from './scope/inventory.ts';
export { balancerRetirement } from './scope/retirement.ts';
