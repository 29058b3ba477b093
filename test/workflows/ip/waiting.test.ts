import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { eventually } from '../../support/inspect.ts';
import { refusedWith, testIpWorld } from '../../support/ip-world.ts';

/** The interval of looking by oneself is a minute here: whoever is served earlier was told. */
const world = testIpWorld();

const request = (name: string, pool: string, waitSeconds: number) => ({
  ...world.request('stark', name, pool, 32),
  waitSeconds,
});
const identity = (name: string) => ({ owner: 'stark', namespace: 'default', name });

async function waiters(): Promise<string[]> {
  const { rows } = await world.database.query<{ id: string }>('select workflow_id as id from ipam_waiter order by 1');
  return rows.map(({ id }) => id);
}

/** A pool of one address that is taken. */
async function fullPool(name: string, cidr: string): Promise<string> {
  await world.root('stark', name, cidr, 32, 32);
  return (await world.groundwork.ip.claim(world.request('stark', `${name}-holder`, name, 32))).uid;
}

const isWaiting = (name: string) =>
  eventually(async () => {
    expect((await world.groundwork.ip.status(identity(name))).wait?.tries).toBeGreaterThanOrEqual(2);
    expect(await waiters()).toContain(workflowIds.ipClaim('stark', 'default', name));
  });

describe('a claim that waits for capacity', () => {
  test('I65: is bound by a release, without waiting for its interval, and leaves the list of waiters', async () => {
    const uid = await fullPool('served', '10.1.0.0/32');
    const waiting = world.groundwork.ip.claim(request('patient', 'served', 60));
    await isWaiting('patient');
    expect(await world.groundwork.ip.status(identity('patient'))).toMatchObject({
      phase: 'WaitingForCapacity',
      wait: { pools: ['stark/served'], prefixLength: 32, blocks: 1 },
    });
    await world.groundwork.ip.release({ owner: 'stark', uid });
    expect(await waiting).toMatchObject({ allocatedCIDR: '10.1.0.0/32', replayed: false });
    expect(await waiters()).toEqual([]);
  });

  test('I65: without a release is refused at the deadline; the name is free and no waiter is left', async () => {
    await fullPool('unserved', '10.2.0.0/32');
    const failure = await refusedWith(world.groundwork.ip.claim(request('unlucky', 'unserved', 1)));
    expect(failure).toMatchObject({ type: 'PoolExhausted', reason: 'WaitEnded', httpStatus: 507 });
    expect(await waiters()).toEqual([]);
    expect(await world.groundwork.ip.inventory.claims('stark', { name: 'unlucky' })).toEqual([]);
    const { rows } = await world.database.query(`select 1 from ipam_event where kind = 'refused' and name = 'unlucky'`);
    expect(rows).toHaveLength(1);
  });

  test('is refused at once and on record for what waiting does not change', async () => {
    const foreign = { poolRef: { name: 'private', projectRef: { name: 'lannister' } } };
    const asked = { ...world.request('stark', 'prober', 'private', 32, foreign), waitSeconds: 60 };
    expect(await refusedWith(world.groundwork.ip.claim(asked))).toMatchObject({ type: 'Forbidden' });
    const events = await world.groundwork.ip.inventory.events('stark');
    expect(events.filter(({ kind, name }) => kind === 'refused' && name === 'prober')).toMatchObject([
      { reason: 'NotPermitted' },
    ]);
  });

  test('is served by other things that make room: a reservation taken back', async () => {
    await world.root('stark', 'reserved', '10.3.0.0/32', 32, 32, { reservations: { ranges: ['10.3.0.0/32'] } });
    const waiting = world.groundwork.ip.claim(request('hopeful', 'reserved', 60));
    await isWaiting('hopeful');
    await world.groundwork.ip.pools.change(
      { owner: 'stark', name: 'reserved' },
      { kind: 'unreserve', ranges: ['10.3.0.0/32'] },
    );
    expect((await waiting).allocatedCIDR).toBe('10.3.0.0/32');
  });

  test('ends by cancelWait as at its deadline, and cancelWait of a claim that does not wait is refused', async () => {
    await fullPool('given-up', '10.4.0.0/32');
    const waiting = refusedWith(world.groundwork.ip.claim(request('bored', 'given-up', 600)));
    await isWaiting('bored');
    expect(await world.groundwork.ip.cancelWait(identity('bored'), { by: 'test' })).toEqual({
      waitedFor: ['stark/given-up'],
    });
    expect(await waiting).toMatchObject({ type: 'PoolExhausted', reason: 'WaitEnded' });
    expect(await waiters()).toEqual([]);
    await expect(world.groundwork.ip.cancelWait(identity('bored'))).rejects.toMatchObject({ type: 'NotFound' });
  });

  test('whose run is cancelled claims nothing, tells its callers, and leaves no waiter', async () => {
    await fullPool('cancelled', '10.5.0.0/32');
    const waiting = refusedWith(world.groundwork.ip.claim(request('stopped', 'cancelled', 600)));
    await isWaiting('stopped');
    const handle = world.client.workflow.getHandle(workflowIds.ipClaim('stark', 'default', 'stopped'));
    await handle.cancel();
    expect(await waiting).toMatchObject({ type: 'PoolExhausted', reason: 'WaitEnded' });
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await waiters()).toEqual([]);
  });

  test('refuses a caller that joins with another spec, and answers one with the same', async () => {
    const uid = await fullPool('joined', '10.6.0.0/32');
    const first = world.groundwork.ip.claim(request('shared-name', 'joined', 60));
    await isWaiting('shared-name');
    const other = { ...request('shared-name', 'joined', 60), spec: { ...request('x', 'served', 0).spec } };
    expect(await refusedWith(world.groundwork.ip.claim(other))).toMatchObject({
      type: 'ClaimConflict',
      reason: 'SpecDiffers',
      httpStatus: 409,
    });
    const second = world.groundwork.ip.claim(request('shared-name', 'joined', 30));
    await world.groundwork.ip.release({ owner: 'stark', uid });
    expect(await second).toEqual(await first);
  });

  test('is not told twice of what it got: a queue of waiters is served one by one', async () => {
    let uid = await fullPool('queue', '10.7.0.0/32');
    const names = ['w-1', 'w-2', 'w-3'];
    const waiting = names.map((name) => world.groundwork.ip.claim(request(name, 'queue', 60)));
    for (const name of names) await isWaiting(name);
    const served = new Set<string>();
    for (let round = 0; round < names.length; round += 1) {
      await world.groundwork.ip.release({ owner: 'stark', uid });
      const answer = await Promise.race(waiting.filter((_, index) => !served.has(names[index] ?? '')));
      served.add(answer.name);
      uid = answer.uid;
    }
    expect([...served].sort()).toEqual(names);
  });
});
