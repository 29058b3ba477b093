import { createServer, type Server } from 'node:http';
import type { Worker } from '@temporalio/worker';
import { hostAndPort } from './settings.ts';

/**
 * `/healthz`: the process answers and no worker has failed. `/readyz`: every worker runs and polls. Both answer JSON; 503
 * with the reason when not.
 */
export async function serveHealth(address: string, workers: readonly Worker[]): Promise<Server> {
  const { host, port } = hostAndPort(address);
  const server = createServer((request, response) => {
    const answer =
      request.url === '/healthz' ? health(workers) : request.url === '/readyz' ? readiness(workers) : undefined;
    const { status, body } = answer ?? { status: 404, body: { error: 'ask /healthz or /readyz' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), host, resolve);
  });
  return server;
}

function health(workers: readonly Worker[]) {
  const failed = workers.filter((worker) => worker.getState() === 'FAILED').map((worker) => worker.options.taskQueue);
  return failed.length === 0
    ? { status: 200, body: { healthy: true } }
    : { status: 503, body: { healthy: false, failed } };
}

function readiness(workers: readonly Worker[]) {
  const queues = workers.map((worker) => {
    const { workflowPollerState, activityPollerState } = worker.getStatus();
    return { taskQueue: worker.options.taskQueue, state: worker.getState(), workflowPollerState, activityPollerState };
  });
  const ready =
    queues.length > 0 &&
    queues.every(({ state, workflowPollerState }) => state === 'RUNNING' && workflowPollerState === 'POLLING');
  return { status: ready ? 200 : 503, body: { ready, queues } };
}
