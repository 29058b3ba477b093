import type { WorkflowClientInterceptor } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { claimUpdate } from '../../../contract/ip/messages.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { connectGroundwork } from '../../../starter/client.ts';
import { DRIVER_TEXT, refusedWith, testIpWorld } from '../../support/ip-world.ts';

const world = testIpWorld();

const claim = (...args: Parameters<typeof world.request>) => world.groundwork.ip.claim(world.request(...args));

describe('a claim of a block', () => {
  test('I1, I2: is answered by its first call, already bound, in one workflow task of at most 12 events', async () => {
    const pool = await world.root('acme', 'alloc-parent', '10.128.0.0/20', 24, 28);
    expect(pool.status).toMatchObject({
      phase: 'Ready',
      allocatedCIDR: '10.128.0.0/20',
      capacity: { total: '4096', allocated: '0', available: '4096' },
    });
    const answer = await claim('acme', 'alloc-claim-1', 'alloc-parent', 24);
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
    expect(answer.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const handle = world.client.workflow.getHandle(workflowIds.ipClaim('acme', 'default', 'alloc-claim-1'));
    const { events } = await handle.fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(12);
    expect(events?.filter(({ workflowTaskStartedEventAttributes }) => workflowTaskStartedEventAttributes)).toHaveLength(
      1,
    );
    expect(await handle.result()).toEqual(answer);
  });

  test('I3: shows an allocation of that name in its namespace', async () => {
    const [allocation] = await world.groundwork.ip.inventory.allocations('acme', { name: 'alloc-claim-1' });
    expect(allocation).toMatchObject({
      name: 'alloc-4e7f3e31ff09869c',
      namespace: 'default',
      allocatedCIDR: '10.128.0.0/24',
      poolRef: { name: 'alloc-parent', owner: 'acme' },
      claimRef: { namespace: 'default', name: 'alloc-claim-1' },
      phase: 'Ready',
    });
  });

  test('I4, I5, I6: blocks do not overlap; a released one is given again, first of all', async () => {
    const { ip } = world.groundwork;
    expect((await claim('acme', 'alloc-claim-2', 'alloc-parent', 24)).allocatedCIDR).toBe('10.128.1.0/24');
    const [first] = await ip.inventory.claims('acme', { name: 'alloc-claim-1' });
    const before = await world.available('acme', 'alloc-parent');
    const released = await ip.release({ owner: 'acme', uid: first?.uid ?? '' });
    expect(released).toMatchObject({
      outcome: 'released',
      claim: { name: 'alloc-claim-1', allocatedCIDR: '10.128.0.0/24', pool: { owner: 'acme', name: 'alloc-parent' } },
    });
    expect((await world.available('acme', 'alloc-parent')) - before).toBe(256n);
    expect(await ip.inventory.claims('acme', { name: 'alloc-claim-1' })).toEqual([]);
    expect((await claim('acme', 'alloc-claim-3', 'alloc-parent', 24)).allocatedCIDR).toBe('10.128.0.0/24');
    expect(await ip.release({ owner: 'acme', uid: first?.uid ?? '' })).toEqual({ uid: first?.uid, outcome: 'already' });
  });

  test('I46: repeated with another request id gets the same block and consumes nothing; another spec is refused', async () => {
    const request = world.request('acme', 'again', 'alloc-parent', 28);
    const first = await world.groundwork.ip.claim(request);
    const before = await world.available('acme', 'alloc-parent');
    const second = await world.groundwork.ip.claim(request);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await world.available('acme', 'alloc-parent')).toBe(before);
    const failure = await refusedWith(claim('acme', 'again', 'alloc-parent', 27));
    expect(failure).toMatchObject({ type: 'ClaimConflict', reason: 'SpecDiffers', httpStatus: 409 });
    expect(failure.message).not.toMatch(DRIVER_TEXT);
    const { rows } = await world.database.query<{ cidr: string }>(
      `select cidr::text from ipam_alloc where owner = 'acme' and name = 'again'`,
    );
    expect(rows).toEqual([{ cidr: first.allocatedCIDR }]);
  });

  test('repeated with the same request id gets the first outcome, also when that was a refusal', async () => {
    const request = world.request('acme', 'same-id', 'alloc-parent', 16);
    const first = await refusedWith(world.groundwork.ip.claim(request, { requestId: 'one-intent' }));
    const second = await refusedWith(world.groundwork.ip.claim(request, { requestId: 'one-intent' }));
    expect(second).toEqual(first);
    const { rows } = await world.database.query(`select 1 from ipam_event where kind = 'refused' and name = 'same-id'`);
    expect(rows).toHaveLength(1);
  });

  test('I27, I48: a length that the pool does not give is out of bounds, the range named, nothing allocated', async () => {
    const before = await world.available('acme', 'alloc-parent');
    for (const length of [16, 22, 30]) {
      const failure = await refusedWith(claim('acme', `wrong-${length}`, 'alloc-parent', length));
      expect(failure).toMatchObject({ type: 'OutOfBounds', reason: 'PrefixLength', httpStatus: 422 });
      expect(failure.message).toContain('/24 to /28');
    }
    expect(await world.available('acme', 'alloc-parent')).toBe(before);
  });

  test('a family other than the pool names both, and nothing is allocated', async () => {
    const failure = await refusedWith(claim('acme', 'six', 'alloc-parent', 24, { ipFamily: 'IPv6' }));
    expect(failure).toMatchObject({ type: 'InvalidInput', reason: 'FamilyMismatch', httpStatus: 422 });
    expect(failure.message).toMatch(/IPv6.*IPv4/);
  });

  test('I14, I15, I16: the third of two addresses is refused with a trace, and served after a release under its name', async () => {
    const { ip } = world.groundwork;
    await world.root('acme', 'exhaust-pool', '192.168.0.0/31', 32, 32);
    const first = await claim('acme', 'one', 'exhaust-pool', 32);
    const second = await claim('acme', 'two', 'exhaust-pool', 32);
    expect([first.allocatedCIDR, second.allocatedCIDR]).toEqual(['192.168.0.0/32', '192.168.0.1/32']);
    const failure = await refusedWith(claim('acme', 'three', 'exhaust-pool', 32));
    expect(failure).toMatchObject({
      type: 'PoolExhausted',
      reason: 'NoFreeBlock',
      httpStatus: 507,
      details: { wanted: 32, largestFree: null },
    });
    const events = await ip.inventory.events('acme', { pool: { name: 'exhaust-pool' } });
    expect(events.filter(({ kind }) => kind === 'refused')).toMatchObject([{ name: 'three', owner: 'acme' }]);
    expect((await ip.inventory.pool('acme', { name: 'exhaust-pool' })).pool.status).toMatchObject({
      phase: 'Exhausted',
      largestFreePrefix: null,
      utilizationPercent: 100,
    });
    await ip.release({ owner: 'acme', uid: first.uid });
    expect((await claim('acme', 'three', 'exhaust-pool', 32)).allocatedCIDR).toBe('192.168.0.0/32');
  });

  test('I42: of one IPv6 address is a /128 of the pool', async () => {
    await world.root('acme', 'host-v6', '2001:db8::/126', 128, 128);
    const answer = await claim('acme', 'v6', 'host-v6', 128, { ipFamily: 'IPv6' });
    expect(answer).toMatchObject({ allocatedCIDR: '2001:db8::/128', ipFamily: 'IPv6', prefixLength: 128 });
  });

  test('I62: of a specific block is that block, or is refused as taken or outside', async () => {
    const specific = (name: string, requestedCIDR: string) =>
      world.groundwork.ip.claim({
        owner: 'acme',
        namespace: 'default',
        name,
        spec: { ipFamily: 'IPv4', poolRef: { name: 'alloc-parent' }, requestedCIDR },
      });
    expect(await specific('wanted', '10.128.8.0/24')).toMatchObject({
      allocatedCIDR: '10.128.8.0/24',
      prefixLength: 24,
    });
    const taken = await refusedWith(specific('late', '10.128.8.0/25'));
    expect(taken).toMatchObject({
      type: 'ClaimConflict',
      reason: 'AddressTaken',
      details: { holder: { name: 'wanted' } },
    });
    const outside = await refusedWith(specific('far', '10.200.0.0/24'));
    expect(outside).toMatchObject({ type: 'OutOfBounds', reason: 'OutsidePool', httpStatus: 422 });
  });

  test('I59: a dry run says which block it would be, and changes nothing', async () => {
    const { ip } = world.groundwork;
    const before = await world.available('acme', 'alloc-parent');
    const plan = await ip.plan(world.request('acme', 'planned', 'alloc-parent', 24));
    expect(plan).toMatchObject({ phase: 'Bound', dryRun: true });
    expect(await world.available('acme', 'alloc-parent')).toBe(before);
    expect(await ip.inventory.claims('acme', { name: 'planned' })).toEqual([]);
    expect((await claim('acme', 'planned', 'alloc-parent', 24)).allocatedCIDR).toBe(plan.allocatedCIDR);
  });

  test('a retained block comes back to its name, and to no other request', async () => {
    const { ip } = world.groundwork;
    const request = world.request('acme', 'kept', 'alloc-parent', 24, { reclaimPolicy: 'Retain' });
    const first = await ip.claim(request);
    expect((await ip.release({ owner: 'acme', uid: first.uid })).outcome).toBe('retained');
    const other = await refusedWith(claim('acme', 'kept', 'alloc-parent', 25, { reclaimPolicy: 'Retain' }));
    expect(other).toMatchObject({ type: 'ClaimConflict', reason: 'RetainedMismatch' });
    expect(other.message).toMatch(/prefixLength was 24 and is 25 now/);
    const second = await ip.claim(request);
    expect(second).toMatchObject({ allocatedCIDR: first.allocatedCIDR, rebound: true, replayed: false });
    expect(second.uid).not.toBe(first.uid);
    expect((await ip.release({ owner: 'acme', uid: second.uid, mode: 'Delete' })).outcome).toBe('released');
  });
});

describe('a batch', () => {
  test('gets as many distinct blocks as it asks for, with one uid each, and is repeated as a whole', async () => {
    await world.root('acme', 'batches', '10.20.0.0/22', 24, 24);
    const request = world.request('acme', 'node', 'batches', 24, { count: 3 });
    const blocks = await world.groundwork.ip.claimMany(request);
    expect(blocks.map(({ name, allocatedCIDR }) => `${name} ${allocatedCIDR}`)).toEqual([
      'node-0 10.20.0.0/24',
      'node-1 10.20.1.0/24',
      'node-2 10.20.2.0/24',
    ]);
    expect(new Set(blocks.map(({ uid }) => uid)).size).toBe(3);
    const again = await world.groundwork.ip.claim(request);
    expect(again).toMatchObject({ name: 'node', replayed: true });
    expect(again.allocations?.map(({ uid }) => uid)).toEqual(blocks.map(({ uid }) => uid));
  });

  test('I61: that does not fit, or of which a name is held otherwise, gets nothing at all', async () => {
    const full = await refusedWith(claim('acme', 'rest', 'batches', 24, { count: 2 }));
    expect(full).toMatchObject({ type: 'PoolExhausted', details: { count: 2 } });
    await claim('acme', 'mix-1', 'alloc-parent', 28);
    const conflict = await refusedWith(claim('acme', 'mix', 'alloc-parent', 27, { count: 2 }));
    expect(conflict.type).toBe('ClaimConflict');
    expect(await world.groundwork.ip.inventory.claims('acme', { name: 'mix-0' })).toEqual([]);
    expect(await world.groundwork.ip.inventory.claims('acme', { name: 'rest-0' })).toEqual([]);
  });
});

describe('selectors', () => {
  test('I20, I21: the pool with the labels serves; none that matches is not found', async () => {
    const { ip } = world.groundwork;
    const pool = (name: string, cidr: string, environment: string, region: string) =>
      ip.pools.create({
        owner: 'select',
        name,
        labels: { environment, region },
        spec: { cidr, ipFamily: 'IPv4', allocation: { minPrefixLength: 24, maxPrefixLength: 28 } },
      });
    await pool('consumer-a', '10.200.0.0/20', 'consumer', 'us-west');
    await pool('consumer-b', '10.201.0.0/20', 'consumer', 'us-east');
    await pool('infra', '10.202.0.0/20', 'infra', 'us-west');
    const by = (name: string, matchLabels: Record<string, string>) =>
      ip.claim({
        owner: 'select',
        namespace: 'default',
        name,
        spec: { ipFamily: 'IPv4', prefixLength: 24, poolSelector: { matchLabels } },
      });
    expect((await by('east', { environment: 'consumer', region: 'us-east' })).pool.name).toBe('consumer-b');
    const none = await refusedWith(by('nowhere', { region: 'mars' }));
    expect(none).toMatchObject({ type: 'NotFound', reason: 'NoPoolMatch', httpStatus: 404 });
  });
});

describe('starts by any SDK', () => {
  test('a plain start claims at once and its result is the answer', async () => {
    const input = world.request('acme', 'plain', 'alloc-parent', 28);
    const answer = await world.client.workflow.execute(workflowTypes.ipClaim, {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.ipClaim('acme', 'default', 'plain'),
      args: [input],
    });
    expect(answer).toMatchObject({ phase: 'Bound', namespace: 'default', name: 'plain' });
  });

  test('I66: a start whose update never comes ends as abandoned, claims nothing, and does not hinder the repeated call', async () => {
    const input = { ...world.request('acme', 'lost', 'alloc-parent', 28), answer: 'update' };
    const result = await world.client.workflow.execute(workflowTypes.ipClaim, {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.ipClaim('acme', 'default', 'lost'),
      args: [input],
    });
    expect(result).toEqual({ phase: 'Abandoned', owner: 'acme', namespace: 'default', name: 'lost' });
    expect(await world.groundwork.ip.inventory.claims('acme', { name: 'lost' })).toEqual([]);
    expect((await claim('acme', 'lost', 'alloc-parent', 28)).replayed).toBe(false);
  });

  test('an update that comes a little after its start is answered', async () => {
    const input = { ...world.request('acme', 'later', 'alloc-parent', 28), answer: 'update' as const };
    const handle = await world.client.workflow.start(workflowTypes.ipClaim, {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.ipClaim('acme', 'default', 'later'),
      args: [input],
    });
    const answer = await handle.executeUpdate(claimUpdate, { args: [input] });
    expect(answer).toEqual(await handle.result());
  });

  test.each([
    ['nothing', undefined, /owner: is required; namespace: is required/],
    ['text', 'claim', /must be an object/],
    ['a number for a name', { owner: 'acme', namespace: 'default', name: 7, spec: {} }, /name: must be a string/],
    [
      'I22: pool and selector',
      {
        owner: 'acme',
        namespace: 'default',
        name: 'both',
        spec: {
          ipFamily: 'IPv4',
          prefixLength: 24,
          poolRef: { name: 'alloc-parent' },
          poolSelector: { matchLabels: { a: 'b' } },
        },
      },
      /mutually exclusive/,
    ],
    [
      'host bits',
      {
        owner: 'acme',
        namespace: 'default',
        name: 'host',
        spec: { ipFamily: 'IPv4', poolRef: { name: 'alloc-parent' }, requestedCIDR: '10.128.0.1/24' },
      },
      /spec.requestedCIDR: 10.128.0.1\/24 has host bits/,
    ],
  ])('%s as input ends the run in one line', async (name, input, message) => {
    const run = world.client.workflow.execute(workflowTypes.ipClaim, {
      taskQueue: world.taskQueue,
      workflowId: `ip-claim/wrong/${name}`,
      args: [input],
    });
    await expect(run).rejects.toMatchObject({
      cause: {
        type: 'InvalidInput',
        message: expect.stringMatching(message),
        details: [{ reason: expect.any(String) }],
      },
    });
  });
});

describe('many callers', () => {
  test('I44: fifty claims at one instant get fifty distinct blocks', async () => {
    await world.root('acme', 'crowd', '10.0.0.0/16', 28, 28);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => claim('acme', `crowd-${index}`, 'crowd', 28)),
    );
    expect(new Set(answers.map(({ allocatedCIDR }) => allocatedCIDR)).size).toBe(50);
    const { problems } = await world.groundwork.ip.inventory.verify('acme');
    expect(problems).toEqual([]);
  });

  test('eleven callers of one claim get one block', async () => {
    const request = world.request('acme', 'popular', 'crowd', 28);
    const answers = await Promise.all(Array.from({ length: 11 }, () => world.groundwork.ip.claim(request)));
    expect(new Set(answers.map(({ allocatedCIDR, uid }) => `${allocatedCIDR} ${uid}`)).size).toBe(1);
  });
});

describe('a release of a claim of which a release is open', () => {
  /** Answers of two releases of one retaining claim: the second is asked for when the first is open and no worker polls. */
  async function released(name: string, first: object, second: object) {
    const { connection, namespace, ip } = world.groundwork;
    const { uid } = await ip.claim(world.request('acme', name, 'crowd', 28, { reclaimPolicy: 'Retain' }));
    const workflowId = workflowIds.ipRelease(uid);
    let seen = 0;
    const describe: WorkflowClientInterceptor['describe'] = async (input, next) => {
      const description = await next(input);
      if (input.workflowExecution.workflowId === workflowId) seen++;
      return description;
    };
    const taskQueuePrefix = world.environment.GROUNDWORK_TASK_QUEUE_PREFIX ?? '';
    const interceptors = { workflow: [{ describe }] };
    const other = await connectGroundwork({ connection, namespace, taskQueuePrefix, interceptors });
    await world.stopWorker();
    try {
      const answers = [ip.release({ owner: 'acme', uid, ...first })];
      const open = () => world.client.workflow.getHandle(workflowId).describe();
      await expect.poll(() => open().then(({ status }) => status.name, String)).toBe('RUNNING');
      answers.push(other.ip.release({ owner: 'acme', uid, ...second }));
      await expect.poll(() => seen).toBe(1);
      await world.startWorker();
      return (await Promise.all(answers)).map(({ outcome }) => outcome);
    } finally {
      await world.stopWorker();
      await world.startWorker();
    }
  }

  test('of the same owner and mode is that release, whoever asks', async () => {
    const second = { mode: 'Policy', actor: 'somebody else' };
    expect(await released('left-once', {}, second)).toEqual(['retained', 'retained']);
  });

  test('with another mode comes after it', async () => {
    expect(await released('left-for-good', {}, { mode: 'Delete' })).toEqual(['retained', 'released']);
  });

  test('by another owner than the one that is open comes after it, and ends the claim', async () => {
    expect(await released('left-by-others', { owner: 'stranger' }, {})).toEqual(['unknown', 'retained']);
  });

  test('comes after it also when that one fails', async () => {
    const { ip } = world.groundwork;
    const { uid } = await ip.claim(world.request('acme', 'left-anyhow', 'crowd', 28));
    await world.stopWorker();
    try {
      const workflowId = workflowIds.ipRelease(uid);
      const args = [{ owner: 'acme', uid, mode: 'Nonsense' }];
      await world.client.workflow.start(workflowTypes.ipRelease, { workflowId, taskQueue: world.taskQueue, args });
      const answer = ip.release({ owner: 'acme', uid });
      await world.startWorker();
      expect((await answer).outcome).toBe('released');
    } finally {
      await world.stopWorker();
      await world.startWorker();
    }
  });
});
