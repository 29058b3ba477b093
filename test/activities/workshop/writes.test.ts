import { describe, expect, test } from 'vitest';
import { deleteClaim } from '../../../activities/workshop/delete-claim.ts';
import { observe } from '../../../activities/workshop/observe.ts';
import { write } from '../../../activities/workshop/write.ts';
import { workshopKinds, workshopLabels } from '../../../contract/workshop/objects.ts';
import type { ProvisionFacts } from '../../../domain/workshop/observation.ts';
import { clearPatch, countPatch, flagPatch } from '../../../domain/workshop/patches.ts';
import { definitionTrouble, readDefinitions } from '../../../worker/watchers/definitions.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import { workshopWorld } from '../../support/workshop-world.ts';

/** The adapters against the real API server, with the worker's own rights. */

const world = workshopWorld({ worker: false });

/** The activities use nothing else of their dependencies. */
const deps = () => ({ resources: world.resources }) as unknown as Parameters<typeof write>[0];

const keys = { autoScaling: { operationId: '1-00000001', phase: 'Scaling' }, assignedCount: 1 };

async function facts(workshop: TestWorkshop): Promise<ProvisionFacts> {
  const { name, namespace } = workshop;
  const { provision } = await observe(deps(), { namespace, name });
  if (!provision) throw new Error('the provision is gone');
  return provision;
}

const at = ({ namespace, name }: TestWorkshop, patch: ReturnType<typeof countPatch>) => ({ namespace, name, patch });

function counting(provision: ProvisionFacts, operationId: string, from: number, target: number) {
  return countPatch(provision, { from, target, fence: provision.operationAnnotation, operationId });
}

describe('a count write', () => {
  test('W44: of a count that somebody else changed is a conflict, and changes nothing', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const before = await facts(workshop);
    await workshop.edit('provision', workshop.name, { spec: { count: 4 } });
    const answer = await write(deps(), 'provision', at(workshop, counting(before, '1-00000001', 2, 3)), {});
    expect(answer.outcome).toBe('Conflict');
    const { metadata, spec } = await workshop.provision();
    expect([spec?.count, metadata?.annotations]).toEqual([4, undefined]);
  });

  test('W49: sent again after its answer was lost is recognised as ours', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const patch = counting(await facts(workshop), '1-00000001', 2, 3);
    expect((await write(deps(), 'provision', at(workshop, patch), {})).outcome).toBe('Written');
    const { metadata } = await workshop.provision();
    expect((await write(deps(), 'provision', at(workshop, patch), {})).outcome).toBe('Written');
    expect((await workshop.provision()).metadata).toEqual(metadata);
  });

  test('W81: delayed from an older epoch changes nothing, although the count is the same again', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const late = counting(await facts(workshop), '3-00000003', 2, 3);
    await write(deps(), 'provision', at(workshop, counting(await facts(workshop), '4-00000004', 2, 5)), {});
    await workshop.edit('provision', workshop.name, { spec: { count: 2 } });
    expect((await write(deps(), 'provision', at(workshop, late), {})).outcome).toBe('Conflict');
    expect((await workshop.provision()).spec?.count).toBe(2);
  });

  test('as a dry run changes nothing', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const before = await workshop.provision();
    const patch = counting(await facts(workshop), '1-00000001', 2, 3);
    await write(deps(), 'provision', at(workshop, patch), { dryRun: true });
    expect(await workshop.provision()).toEqual(before);
  });

  test('beyond the schema is refused with the field, and not read as a conflict', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const patch = counting(await facts(workshop), '1-00000001', 2, -1);
    await expect(write(deps(), 'provision', at(workshop, patch), {})).rejects.toMatchObject({
      kind: 'invalid',
      hasCauses: true,
      message: expect.stringContaining('spec.count'),
    });
  });

  test('on a provision that is gone says so', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const patch = counting(await facts(workshop), '1-00000001', 2, 3);
    await workshop.remove('provision', workshop.name);
    expect(await write(deps(), 'provision', at(workshop, patch), {})).toEqual({ outcome: 'NotFound' });
  });
});

describe('a status write', () => {
  test('W21 W85: sets the flag on the object that was seen, and not on another of the same name', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const old = await facts(workshop);
    expect((await write(deps(), 'provision', at(workshop, flagPatch(old, keys)), { status: true })).outcome).toBe(
      'Written',
    );
    const { metadata, status } = await workshop.provision();
    expect([status?.autoScalingActive, metadata?.generation]).toEqual([true, old.generation]);

    await workshop.remove('provision', workshop.name);
    await workshop.addProvision(workshop.name, 2);
    const fresh = await workshop.provision();
    for (const patch of [flagPatch(old, keys), clearPatch(old, keys)])
      expect((await write(deps(), 'provision', at(workshop, patch), { status: true })).outcome).toBe('Conflict');
    expect(await workshop.provision()).toEqual(fresh);
  });

  test('leaves the keys of the manager alone, and clearing a flag that is gone already is success', async () => {
    const workshop = await world.workshop({ count: 2, claims: 0, autoScaling: null });
    const path = workshop.path('provision', workshop.name, 'status');
    await world.kube.merge(path, { status: { resourceClaimCount: 7 } });
    await write(deps(), 'provision', at(workshop, flagPatch(await facts(workshop), keys)), { status: true });
    const clear = clearPatch(await facts(workshop), keys);
    for (let twice = 0; twice < 2; twice++)
      expect((await write(deps(), 'provision', at(workshop, clear), { status: true })).outcome).toBe('Written');
    const { status } = await workshop.provision();
    expect(status).toEqual({ resourceClaimCount: 7, ...keys });
  });
});

describe('a look', () => {
  test('E39: at more seats than a page holds counts each once, also when a page expires on the way', async () => {
    const workshop = await world.workshop({ count: 1, assigned: 1 });
    const [claim] = await workshop.claims();
    const seat = {
      apiVersion: workshopKinds.seat.apiVersion,
      kind: workshopKinds.seat.kind,
      metadata: { generateName: `${workshop.name}-`, labels: { [workshopLabels.workshop]: workshop.name } },
      spec: { workshopName: workshop.name, resourceClaimName: claim?.metadata?.name },
    };
    const more = Array.from({ length: 520 }, () => world.kube.create(workshop.path('seat'), seat));
    await Promise.all(more);
    const expired = { kind: 'error' as const, code: 'Expired', status: 410, message: 'continue token expired' };
    const match = { service: 'kubernetes', resource: 'continue=' };
    const rule = world.faults.add({ match, times: 1, effect: expired });
    const { namespace, name } = workshop;
    const observation = await observe(deps(), { namespace, name });
    expect(world.faults.applied().filter(({ ruleId }) => ruleId === rule)).toHaveLength(1);
    expect(observation.seats.workshop).toEqual({ total: 521, assigned: 1 });
    expect(JSON.stringify(observation).length).toBeLessThan(4_000);
  });
});

describe('the removal of a claim', () => {
  /** The one claim of a workshop as scale-down saw it. */
  async function seen({ namespace, name }: TestWorkshop) {
    const { removable } = (await observe(deps(), { namespace, name })).claims;
    const [claim] = removable;
    if (!claim || removable.length > 1) throw new Error(`${removable.length} claims could be removed`);
    return { namespace, claim: claim.name, uid: claim.uid, seats: claim.seats };
  }

  test('takes the seats that were seen and the claim; twice is as once', async () => {
    const workshop = await world.workshop({ count: 1, seatsPerClaim: 2, autoScaling: null });
    const input = await seen(workshop);
    expect(input.seats).toHaveLength(2);
    for (let twice = 0; twice < 2; twice++) expect(await deleteClaim(deps(), input)).toBe('Deleted');
    expect([await workshop.seats(), await workshop.claims()]).toEqual([[], []]);
  });

  test('invariant 8: sent again when the manager has made its seats again and somebody took one, it deletes nothing', async () => {
    const workshop = await world.workshop({ count: 1, autoScaling: null });
    const input = await seen(workshop);
    for (const { name } of input.seats) await workshop.remove('seat', name);
    await workshop.become(input.claim, 'active');
    await workshop.assign(1);
    expect(await deleteClaim(deps(), input)).toBe('Saved');
    expect([(await workshop.claims()).length, (await workshop.seats()).length]).toEqual([1, 1]);
  });

  test('invariant 8: a claim that was seen before it had seats stays when it has one', async () => {
    const workshop = await world.workshop({ count: 1, claims: 0, autoScaling: null });
    const [claim] = await workshop.addClaims(1, 'provisioning');
    const input = await seen(workshop);
    expect(input.seats).toEqual([]);
    await workshop.become(claim ?? '', 'active');
    expect(await deleteClaim(deps(), input)).toBe('Saved');
    expect(await workshop.claims()).toHaveLength(1);
  });
});

describe('the definitions of the cluster', () => {
  test('W79: one line when they drop autoScaling, and none as they are', async () => {
    const document = await readDefinitions(world.kubeConfig, 10_000);
    expect(definitionTrouble(document)).toBeUndefined();
    for (const { properties } of Object.values(document.components?.schemas ?? {}))
      delete properties?.spec?.properties?.autoScaling;
    expect(definitionTrouble(document)).toMatch(/has no spec\.autoScaling.*deploy\/crds\/workshops\.yaml\.$/);
  });
});
