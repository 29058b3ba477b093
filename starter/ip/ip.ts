import type { Runs } from '../runs.ts';
import { IpClaims } from './claims.ts';
import { IpInventory } from './inventory.ts';
import { IpPools } from './pools.ts';

/** Address blocks: `claim` and its like here, `pools` to make and change pools, `inventory` to read. */
export class Ip extends IpClaims {
  readonly pools: IpPools;
  readonly inventory: IpInventory;

  constructor(runs: Runs, taskQueue: string) {
    super(runs, taskQueue);
    this.pools = new IpPools(runs, taskQueue);
    this.inventory = new IpInventory(runs, taskQueue);
  }
}
