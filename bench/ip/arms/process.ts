// A process with the arms that the claim is measured beside: a worker with their workflows, a plain HTTP service, and a caller
// that shares the worker's connection, which eager start needs. It answers on ARMS_PORT:
//   POST /claim  with Idempotency-Key and the arguments of ipam_claim: the block
//   POST /eager  with claims of each caller: the blocks, and how long each took
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pg from 'pg';
import type { ClaimOutcome } from '../../../activities/ip/claim.ts';
import type { IpClaimInput } from '../../../contract/ip/claim.ts';
import { readConfiguration } from '../../../worker/configuration.ts';
import { createDependencies } from '../../../worker/dependencies.ts';
import { CLAIM, claimArguments } from '../session.ts';
import { ARMS_QUEUE, type Block, type Timed } from './shared.ts';

Runtime.install({ logger: new DefaultLogger('WARN') });
const configuration = readConfiguration(process.env);
if (!configuration.ok) throw new Error(configuration.problems.join('\n'));
const { values } = configuration;
const namespace = process.env.TEMPORAL_NAMESPACE ?? 'default';
const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const client = new Client({ connection, namespace });
const dependencies = createDependencies(values, client);
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: ARMS_QUEUE,
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
  activities: dependencies.ip,
  maxConcurrentWorkflowTaskExecutions: values.workflowSlots,
  maxConcurrentActivityTaskExecutions: values.activitySlots,
  maxConcurrentLocalActivityExecutions: values.localActivitySlots,
  maxCachedWorkflows: values.maxCachedWorkflows,
});
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL ?? '',
  max: values.localActivitySlots,
  keepAlive: true,
});

/** What a service without Temporal has to do for the same promise: the key, the claim and its answer in one transaction. */
async function claimOnce(key: string, name: string): Promise<Block> {
  const session = await pool.connect();
  try {
    await session.query('begin');
    const { rowCount } = await session.query({
      name: 'key',
      text: 'insert into request (key) values ($1) on conflict do nothing',
      values: [key],
    });
    if (rowCount === 0) {
      await session.query('rollback');
      const { rows } = await session.query<{ answer: Block }>('select answer from request where key = $1', [key]);
      return rows[0]?.answer as Block;
    }
    const { rows } = await session.query<{ claim_uid: string; cidr: string }>({
      name: 'claim',
      text: CLAIM,
      values: claimArguments([name]),
    });
    const block = { uid: rows[0]?.claim_uid ?? '', cidr: rows[0]?.cidr ?? '' };
    await session.query({
      name: 'answer',
      text: 'update request set answer = $2 where key = $1',
      values: [key, JSON.stringify(block)],
    });
    await session.query('commit');
    return block;
  } finally {
    session.release();
  }
}

async function claimEagerly(claims: readonly (readonly IpClaimInput[])[]): Promise<Timed[]> {
  const times = await Promise.all(
    claims.map(async (mine) => {
      const own: Timed[] = [];
      for (const input of mine) {
        const began = performance.now();
        const handle = await client.workflow.start('claimByLocalActivity', {
          taskQueue: ARMS_QUEUE,
          workflowId: `eager/${input.name}`,
          args: [input],
          requestEagerStart: true,
        });
        if (!handle.eagerlyStarted) throw new Error('the server did not start a run eagerly');
        const outcome = (await handle.result()) as ClaimOutcome;
        if (outcome.kind !== 'bound') throw new Error(`an eager claim was answered "${outcome.kind}"`);
        const { uid, allocatedCIDR: cidr } = outcome.answer;
        own.push({ uid, cidr, milliseconds: performance.now() - began });
      }
      return own;
    }),
  );
  return times.flat();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = request.method === 'POST' ? JSON.parse(await text(request)) : undefined;
  if (request.url === '/claim') {
    response.end(JSON.stringify(await claimOnce(String(request.headers['idempotency-key']), body.name)));
  } else if (request.url === '/eager') {
    response.end(JSON.stringify(await claimEagerly(body)));
  } else {
    response.writeHead(worker.getState() === 'RUNNING' ? 200 : 503).end();
  }
}

await pool.query('create table if not exists request (key text primary key, answer jsonb)');
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(Number(process.env.ARMS_PORT), '127.0.0.1');
process.once('SIGTERM', () => worker.shutdown());
await worker.run();
server.closeAllConnections();
server.close();
await pool.end();
await dependencies.close();
await connection.close();
