import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { testIpWorld } from '../../support/ip-world.ts';

const world = testIpWorld();

describe('claims of a pool', () => {
  test('I1, I2: the answer of the first call is the block, and takes at most 12 events', async () => {
    const pool = await world.root('acme', 'alloc-parent', '10.128.0.0/20', 24, 28);
    expect(pool.status).toMatchObject({
      phase: 'Ready',
      allocatedCIDR: '10.128.0.0/20',
      capacity: { total: '4096', allocated: '0', available: '4096' },
    });
    const answer = await world.groundwork.ip.claim(world.request('acme', 'alloc-claim-1', 'alloc-parent', 24));
    expect(answer).toMatchObject({
      phase: 'Bound',
      allocatedCIDR: '10.128.0.0/24',
      boundAllocationRef: { name: 'alloc-4e7f3e31ff09869c' },
      namespace: 'default',
      replayed: false,
      rebound: false,
      dryRun: false,
      pool: { owner: 'acme', name: 'alloc-parent' },
      requestHash: '02d089735cbb69d63f2695a36b26f0bfa335aa9724ad61fcf9eb1fd904579642',
    });
    const id = workflowIds.ipClaim('acme', 'default', 'alloc-claim-1');
    const { events } = await world.client.workflow.getHandle(id).fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(12);
  });
});
