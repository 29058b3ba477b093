import { afterEach, expect, test } from 'vitest';
import type { IpPoolChangeResult } from '../../../contract/ip/change.ts';
import type { IpClaimAnswer } from '../../../contract/ip/claim.ts';
import type { IpSweepReport } from '../../../contract/ip/inventory.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { survivesKills } from '../../support/faults/kill.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { eventually } from '../../support/inspect.ts';
import { testIpWorld } from '../../support/ip-world.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';
import { ipRoom, truth } from './room.ts';

/** kill -9 of the worker process, and a new process goes on: around each activity, and in the middle of what takes long. */

const world = testIpWorld({ worker: false });

// `npm test` kills in the middle of a claim, which is the boundary that tells most.
if (everything) {
  const worlds = Array.from({ length: 4 }, () => testIpWorld({ worker: false }));
  survivesKills(ipRoom, worlds, []);
}

afterEach(() => world.proxy.heal());

async function startWorker() {
  const metrics = await freeAddress();
  const worker = runWorker({
    ...world.environment,
    GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
    GROUNDWORK_METRICS_ADDRESS: metrics,
    GROUNDWORK_IP_SAMPLE_SECONDS: '0.2',
  });
  return { ...worker, metrics: async () => (await fetch(`http://${metrics}/metrics`)).text() };
}

async function count(statement: string, owner: string): Promise<number> {
  const { rows } = await world.database.query<{ n: number }>(`select count(*)::int as n from ${statement}`, [owner]);
  return rows[0]?.n ?? 0;
}

const committed = (owner: string) => count('ipam_alloc where owner = $1', owner);

test('I60: killed between "committed" and "reported": the retry answers the same block and uid, not as a repeat, and is seen in the metrics', {
  timeout: 120_000,
}, async () => {
  const first = await startWorker();
  await world.root('tyrell', 'net', '10.0.0.0/24', 26, 28);
  // What the database answers takes this long to arrive: time enough to see the commit and to kill.
  world.proxy.set({ latencyMs: 900 });
  const handle = await world.client.workflow.start(workflowTypes.ipClaim, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.ipClaim('tyrell', 'default', 'batch'),
    workflowTaskTimeout: '2s',
    args: [world.request('tyrell', 'batch', 'net', 28, { count: 3 })],
  });
  await eventually(async () => expect(await committed('tyrell')).toBe(3), 60);
  first.child.kill('SIGKILL');
  await first.ended;
  const { rows } = await world.database.query<{ uid: string }>(
    `select claim_uid as uid from ipam_alloc where owner = 'tyrell' order by name`,
  );
  world.proxy.heal();

  const second = await startWorker();
  const answer = (await handle.result()) as IpClaimAnswer;
  expect(answer.replayed).toBe(false);
  expect(answer.allocations?.map(({ uid }) => uid)).toEqual(rows.map(({ uid }) => uid));
  expect(answer.allocations?.map(({ allocatedCIDR }) => allocatedCIDR)).toEqual([
    '10.0.0.0/28',
    '10.0.0.16/28',
    '10.0.0.32/28',
  ]);
  expect((await world.groundwork.ip.inventory.verify('tyrell')).problems).toEqual([]);
  await eventually(async () => {
    const metrics = await second.metrics();
    expect(metrics).toMatch(/groundwork_ip_attempts_total\{[^}]*operation="claim"[^}]*\} 1/);
    expect(metrics).toMatch(/groundwork_ip_claim_seconds_count\{[^}]*outcome="bound"[^}]*\} 1/);
    expect(metrics).toMatch(/groundwork_ip_function_seconds_count\{[^}]*function="ipam_claim"/);
    expect(metrics).toMatch(/groundwork_ip_pool_utilization_ratio\{[^}]*pool="net"[^}]*\} 0\.1875/);
  });
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

const ROWS = 1_000;

/** Long work: what begins it, after how many of its rows the worker is killed, and what must come of it. */
const long = [
  {
    name: 'in the middle of an import',
    prepare: async () => {},
    start: (owner: string) => {
      const rows = Array.from({ length: ROWS }, (_, n) => ({ namespace: 'old', name: `h-${n}`, cidr: addressOf(n) }));
      const workflowId = workflowIds.ipPoolChange(owner, 'net', 'import');
      const args = [{ owner, name: 'net', change: { kind: 'import', rows } }];
      return world.client.workflow.start(workflowTypes.ipPoolChange, { taskQueue: world.taskQueue, workflowId, args });
    },
    progress: committed,
    check: async (owner: string, result: unknown) => {
      const { imported = 0, unchanged = 0, conflicts } = (result as IpPoolChangeResult).import ?? {};
      expect([imported + unchanged, conflicts]).toEqual([ROWS, 0]);
      expect(await truth(world, owner)).toContain(`event imported ${ROWS}`);
      expect(await committed(owner)).toBe(ROWS);
    },
  },
  {
    name: 'in the middle of a sweep',
    prepare: async (owner: string) => {
      for (let n = 0; n < 5; n++)
        await world.groundwork.ip.claim(world.request(owner, `short-${n}`, 'net', 32, { count: 200, ttlSeconds: 600 }));
      await world.database.query(`update ipam_alloc set expires_at = now() - interval '1 s' where owner = $1`, [owner]);
    },
    start: (owner: string) =>
      world.client.workflow.start(workflowTypes.ipSweep, {
        taskQueue: world.taskQueue,
        workflowId: `ip-sweep/${owner}`,
        args: [],
      }),
    progress: (owner: string) => count(`ipam_event where kind = 'expired' and owner = $1`, owner),
    check: async (owner: string, result: unknown) => {
      expect((result as IpSweepReport).expired).toBeLessThan(ROWS); // the first pass had done a part
      expect(await truth(world, owner)).toEqual([
        `event claimed ${ROWS}`,
        `event expired ${ROWS}`,
        'event pool-created 1',
        'pool net 10.0.0.0/22 consumer',
      ]);
    },
  },
];

const addressOf = (n: number) => `10.0.${Math.floor(n / 256)}.${n % 256}/32`;

test.each(everything ? long : [])(
  '$name: the next worker goes on where the commits stand',
  { timeout: 180_000 },
  async ({ name, prepare, start, progress, check }) => {
    const owner = name.replaceAll(' ', '-');
    const first = await startWorker();
    await world.root(owner, 'net', '10.0.0.0/22', 22, 32);
    await prepare(owner);
    world.proxy.set({ latencyMs: 40 });
    const handle = await start(owner);
    await eventually(async () => expect(await progress(owner)).toBeGreaterThan(0), 60);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await progress(owner)).toBeLessThan(ROWS);
    world.proxy.heal();
    const second = await startWorker();
    await check(owner, await handle.result());
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    tell({ room: 'ip', kind: 'outage', point: 'kill -9 of the worker', journey: name, outcome: 'next worker went on' });
  },
);
