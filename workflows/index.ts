export { ipClaim } from './ip/claim.ts';
export { ipInventory, ipPoolChange, ipPoolCreation, ipPoolDeletion } from './ip/pools.ts';
export { ipRelease, ipRenewal } from './ip/release.ts';
export { ipSweep } from './ip/sweep.ts';
export { scopeCreation } from './scope/creation.ts';
export { scopeDeletion } from './scope/deletion.ts';
export { balancerInventory } from './scope/inventory.ts';
export { balancerRetirement } from './scope/retirement.ts';
