import { expect } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { type Cancellable, survivesCancellation } from '../../support/faults/cancel.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { type Truth, truth } from '../../support/inspect.ts';
import { region, testWorld, type World } from '../../support/world.ts';
import { manyBalancers, patient } from './room.ts';

const world = testWorld({
  seed: region({ public: 75, private: 10 }),
  environment: patient,
  limits: manyBalancers,
});

const full = { networking: { platform: { albMaxCapacity: 2 } } };

/** Rows of retired balancers stay; everything else must be as before. */
const lasting = ({ rows, ...rest }: Truth) => ({ ...rest, rows: rows.filter((row) => !row.endsWith(' retired')) });

const creation: Cancellable<World> = {
  name: 'a creation that makes a balancer',
  prepare: async () => {
    const before = lasting(await truth(world));
    const input = world.request(full);
    return {
      begin: async () => (await world.start(input)).workflowId,
      settle: async (ending) => {
        const now = lasting(await truth(world));
        if (ending === 'cancelled') expect(now).toEqual(before);
        else expect(now.placements.filter((line) => !before.placements.includes(line))).toHaveLength(1);
        expect(now.held).toEqual([]);
      },
    };
  },
  activities: [
    'acceptScopeCreation',
    'takePlacement',
    'ensureNamespace',
    'placeScope',
    'applyKeeper',
    'watchBalancer',
    'ensureBalancerTags',
    'activateBalancer',
    'ensureDnsRecord',
    'watchDnsSync',
    'bindPlacement',
  ],
  changes: ['placeScope', 'applyKeeper', 'ensureDnsRecord'],
  telling: ['takePlacement', 'placeScope', 'applyKeeper', 'ensureDnsRecord', 'bindPlacement'],
};

/** A creation that fails at its very end, so that the cancellation also strikes while it undoes. */
const failing: Cancellable<World> = {
  name: 'a creation that fails and is undone',
  prepare: async () => {
    const before = lasting(await truth(world));
    const rule = world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    return {
      begin: async () => (await world.start(world.request(full))).workflowId,
      settle: async () => {
        world.faults.remove(rule);
        expect(lasting(await truth(world))).toEqual(before);
      },
    };
  },
  activities: [
    'ensureDnsRecord',
    'removeDnsRecord',
    'leaveBalancer',
    'deleteKeeper',
    'watchBalancerGone',
    'releaseHold',
  ],
};

const deletion: Cancellable<World> = {
  name: 'a deletion',
  prepare: async () => {
    const before = await truth(world);
    const { scopeId } = await world.create(world.request({ visibility: 'private' }));
    const begin = async () => {
      const handle = await world.client.workflow.start(workflowTypes.scopeDeletion, {
        taskQueue: world.taskQueue,
        workflowId: workflowIds.scopeDeletion(scopeId),
        args: [{ scopeId }],
      });
      return handle.workflowId;
    };
    return {
      begin,
      settle: async () => {
        expect((await truth(world)).held).toEqual([]);
        await world.remove(scopeId); // goes on where the cancelled one stopped
        expect(await truth(world)).toEqual(before);
      },
    };
  },
  activities: [
    'acceptScopeDeletion',
    'takePlacement',
    'findScopeObjects',
    'removeDnsRecord',
    'leaveBalancer',
    'releaseHold',
  ],
};

survivesCancellation('scope', world, everything ? [creation, failing, deletion] : [creation]);
