import { expect, test } from 'vitest';
import type { IpClaimAnswer } from '../../../contract/ip/claim.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually } from '../../support/inspect.ts';
import { testIpWorld } from '../../support/ip-world.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';

/** kill -9 of the worker process between the commit and the report; a new process goes on. */

const world = testIpWorld({ worker: false });

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

test('I60: killed between "committed" and "reported": the retry answers the same block and uid, not as a repeat, and is seen in the metrics', {
  timeout: 120_000,
}, async () => {
  const first = await startWorker();
  await world.root('acme', 'net', '10.0.0.0/24', 26, 28);
  // What the database answers takes this long to arrive: time enough to see the commit and to kill.
  world.proxy.set({ latencyMs: 900 });
  const input = world.request('acme', 'batch', 'net', 28, { count: 3 });
  const handle = await world.client.workflow.start(workflowTypes.ipClaim, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.ipClaim('acme', 'default', 'batch'),
    workflowTaskTimeout: '2s',
    args: [input],
  });
  const committed = () =>
    world.database.query<{ uid: string }>(`select claim_uid as uid from ipam_alloc where owner = 'acme' order by name`);
  await eventually(async () => expect((await committed()).rows).toHaveLength(3), 60);
  first.child.kill('SIGKILL');
  await first.ended;
  const before = (await committed()).rows.map(({ uid }) => uid);
  world.proxy.heal();

  const second = await startWorker();
  const answer = (await handle.result()) as IpClaimAnswer;
  expect(answer.replayed).toBe(false);
  expect(answer.allocations?.map(({ uid }) => uid)).toEqual(before);
  expect(answer.allocations?.map(({ allocatedCIDR }) => allocatedCIDR)).toEqual([
    '10.0.0.0/28',
    '10.0.0.16/28',
    '10.0.0.32/28',
  ]);
  expect((await world.groundwork.ip.inventory.verify('acme')).problems).toEqual([]);
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
