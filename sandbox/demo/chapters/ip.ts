import type { Chapter } from '../chapter.ts';
import { exhaustion, fiftyAtOnce, hierarchy, OWNER, poolMap, sameAgain, waiting } from './ip/scenes.ts';

/** Chapter 3: address blocks from a hierarchy of pools. */
export function ipChapter(): Chapter {
  return {
    title: 'Chapter 3: address blocks',
    about:
      'Networks and nodes ask for blocks of addresses and want the answer at once. A claim is one function call of PostgreSQL: ' +
      'it decides, records and answers in one transaction, and no block is ever given twice.',
    scenes: [hierarchy, fiftyAtOnce, exhaustion, waiting, sameAgain, poolMap],
    table: async ({ groundwork }) => {
      const pools = await groundwork.ip.inventory.pools(OWNER);
      return {
        columns: ['pool', 'CIDR', 'gives', 'free', 'utilization'],
        rows: pools.map(({ name, allocation, status }) => [
          name,
          status.allocatedCIDR,
          `/${allocation.minPrefixLength} to /${allocation.maxPrefixLength}`,
          status.capacity.available,
          `${status.utilizationPercent.toFixed(4)} %`,
        ]),
      };
    },
  };
}
