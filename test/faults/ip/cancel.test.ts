import { expect } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { type Cancellable, survivesCancellation } from '../../support/faults/cancel.ts';
import { type IpWorld, testIpWorld } from '../../support/ip-world.ts';
import { uniqueName } from '../../support/servers.ts';
import { truth } from './room.ts';

const world = testIpWorld();

async function begin(owner: string, waitSeconds: number): Promise<string> {
  const { workflowId } = await world.client.workflow.start(workflowTypes.ipClaim, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.ipClaim(owner, 'default', 'one'),
    args: [{ ...world.request(owner, 'one', 'net', 32), waitSeconds }],
  });
  return workflowId;
}

/** A claim that was decided stays decided, whoever cancels the run. */
const claim: Cancellable<IpWorld> = {
  name: 'a claim',
  prepare: async () => {
    const owner = uniqueName('acme');
    await world.root(owner, 'net', '10.0.0.0/30', 30, 32);
    return {
      begin: () => begin(owner, 0),
      settle: async (ending) => {
        expect(ending).toBe('completed');
        expect(await truth(world, owner)).toContain('block net 10.0.0.0/32 held default one');
      },
    };
  },
  activities: ['claimAddress'],
};

/** Whether the wait is cancelled or ends: nothing is claimed, and nobody is on the list of waiters. */
const waiting: Cancellable<IpWorld> = {
  name: 'a claim that waits for room',
  prepare: async () => {
    const owner = uniqueName('acme');
    await world.root(owner, 'net', '10.0.0.0/32', 32, 32);
    await world.groundwork.ip.claim(world.request(owner, 'all', 'net', 32));
    const before = await truth(world, owner);
    return {
      begin: () => begin(owner, 1),
      settle: async () => expect(await truth(world, owner)).toEqual(before),
    };
  },
  activities: ['claimAddress', 'awaitCapacity', 'stopWaiting'],
};

survivesCancellation('ip', world, [claim, waiting]);
