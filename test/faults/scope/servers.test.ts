import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databasesOf } from '../../../sandbox/postgres/databases.ts';
import { claimRunFolder } from '../../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../../sandbox/record.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { eventually } from '../../support/inspect.ts';
import { type StartedServers, startServers } from '../../support/start-servers.ts';
import { openWorld, region, type World } from '../../support/world.ts';
import { createdOnce, patient } from './room.ts';

/** PostgreSQL, the Kubernetes API with its etcd, and Temporal are really stopped in the middle of a creation, and started again. */

let started: StartedServers;
let world: World;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const folder = runFolder(`test-servers-${process.pid}`);
  const { supervisor } = await claimRunFolder(folder);
  closing.unshift(() => supervisor.stop());
  started = await startServers(supervisor, folder, { durable: true });
  const { admin, template } = started.servers.postgres;
  const opened = await openWorld(
    await databasesOf(admin).createDatabase({ template }),
    {
      seed: region({ public: 75 }),
      environment: { ...patient, GROUNDWORK_KUBERNETES_REQUEST_TIMEOUT_SECONDS: '2' },
    },
    started.servers,
  );
  closing.unshift(opened.close);
  world = opened;
});
afterAll(async () => {
  for (const close of closing) await close();
});

/** Long enough for several attempts of whatever waits. */
const OUTAGE_MS = 1_500;

type Server = keyof StartedServers['outages'];

const outages: { name: string; servers: readonly Server[] }[] = [
  { name: 'PostgreSQL', servers: ['postgres'] },
  { name: 'the Kubernetes API with etcd', servers: ['kubernetes'] },
  { name: 'Temporal', servers: ['temporal'] },
  { name: 'PostgreSQL, the Kubernetes API and Temporal', servers: ['postgres', 'kubernetes', 'temporal'] },
];

test.each(everything ? outages : outages.slice(-1))(
  '$name stopped while a balancer is waited for, and started again: the run goes on, everything is made once',
  { timeout: 240_000 },
  async ({ name, servers }) => {
    const { knobs } = world.controllers.loadBalancer;
    const input = world.request({ networking: { platform: { albMaxCapacity: 2 } } });
    knobs.neverReconcile = true;
    const handle = await world.start(input);
    await eventually(async () => expect((await world.status(handle.workflowId)).waitingFor?.lastSeen).toBeDefined());
    const outage = servers.reduce<() => Promise<void>>(
      (meanwhile, server) => () => started.outages[server](meanwhile),
      async () => {
        knobs.neverReconcile = false;
        await delay(OUTAGE_MS);
      },
    );
    await outage();
    await createdOnce(world, input.scopeId, await handle.result());
    tell({
      room: 'scope',
      kind: 'outage',
      point: `${name} stopped and started again`,
      journey: 'during the wait for a balancer',
      outcome: 'run went on',
    });
  },
);
