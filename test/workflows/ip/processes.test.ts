import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { testIpWorld } from '../../support/ip-world.ts';

const world = testIpWorld();

const PROCESSES = 10;

/** What each process does, with the client as it is published and nothing shared with the others. */
const PROGRAM = `
  const [client, name] = process.argv.slice(1);
  const { connectGroundwork } = await import(client);
  const { ip, close } = await connectGroundwork();
  const child = (name, parent, prefixLength) =>
    ip.pools.create({ owner: 'initech', name, spec: { parentPoolRef: { name: parent }, prefixLength } });
  await child('net', 'root', 64);
  await child('subnet', 'net', 80);
  const spec = { ipFamily: 'IPv6', poolRef: { name: 'subnet' }, prefixLength: 96 };
  const { allocatedCIDR } = await ip.claim({ owner: 'initech', namespace: 'default', name, spec });
  console.log(allocatedCIDR);
  await close();
`;

test('I55: ten processes that make the same pools and claim at once get one pool of each level and ten blocks', async () => {
  await world.root('initech', 'root', 'fd40::/48', 64, 128);
  const client = pathToFileURL(join(inject('dist'), 'starter/client.js')).href;
  const env = {
    PATH: process.env.PATH,
    TEMPORAL_ADDRESS: world.environment.TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE: world.environment.TEMPORAL_NAMESPACE,
    GROUNDWORK_TASK_QUEUE_PREFIX: world.environment.GROUNDWORK_TASK_QUEUE_PREFIX,
  };
  const blocks = await Promise.all(
    Array.from({ length: PROCESSES }, async (_, n) => {
      const argv = ['--input-type=module', '--eval', PROGRAM, client, `claim-${n}`];
      return (await promisify(execFile)(process.execPath, argv, { env })).stdout.trim();
    }),
  );
  expect(new Set(blocks).size).toBe(PROCESSES);
  const { rows } = await world.database.query<{ line: string }>(
    `select concat_ws(' ', p.name, a.purpose, a.name, a.cidr) as line
       from ipam_alloc a join ipam_pool p on p.id = a.pool_id order by a.cidr`,
  );
  expect(rows.map(({ line }) => line).sort()).toEqual(
    [
      'net pool subnet fd40::/80',
      'root pool net fd40::/64',
      ...blocks.map((cidr, n) => `subnet claim claim-${n} ${cidr}`),
    ].sort(),
  );
  expect((await world.groundwork.ip.inventory.verify('initech')).problems).toEqual([]);
});
