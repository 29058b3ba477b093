import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { readSeed } from '../aws/seed-schema.ts';
import { type AwsEndpoint, startAwsEndpoint } from '../aws/server.ts';
import { simulatedClock } from '../clock.ts';
import { startControllers } from '../controllers/index.ts';
import { SANDBOX_CREDENTIALS } from '../parts.ts';
import { stopOnSignals } from '../processes/signals.ts';

/*
 * An AWS region for a real cluster (docker-compose.yml): the AWS endpoint, and the load balancer controller that works on
 * the Ingresses of the cluster in KUBECONFIG, where it needs all rights and finds our CRDs (deploy/crds). The cluster's own controllers do the rest.
 *   GROUNDWORK_SANDBOX_LISTEN      host:port, default 127.0.0.1:4566
 *   GROUNDWORK_SANDBOX_SEED        JSON file with what the region holds at the start
 *   GROUNDWORK_SANDBOX_TIME_SCALE  real seconds per simulated second, default 1
 *   AWS_REGION                     default us-east-1
 */

async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const { host, port } = readAddress(environment.GROUNDWORK_SANDBOX_LISTEN ?? '127.0.0.1:4566');
  const region = environment.AWS_REGION ?? 'us-east-1';
  const clock = simulatedClock(Number(environment.GROUNDWORK_SANDBOX_TIME_SCALE ?? 1));
  const seedFile = environment.GROUNDWORK_SANDBOX_SEED;
  const seed = seedFile === undefined ? undefined : readSeed(JSON.parse(await readFile(seedFile, 'utf8')));
  const endpoint = await startAwsEndpoint({ clock, ...(seed === undefined ? {} : { seed }) });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const controllers = await startControllers({
    kubeConfig,
    aws: { endpoint: endpoint.url, region, credentials: SANDBOX_CREDENTIALS },
    clock,
    realCluster: true,
    findCertificates: async (where) =>
      [...endpoint.state.region(where).certificates.values()].map(({ arn, domains }) => ({
        arn,
        domains: [...domains],
      })),
    log: (line) => console.log(line),
  });
  const door = await openDoor(endpoint, host, port);
  stopOnSignals(async () => {
    door.close();
    await controllers.stop();
    await endpoint.close();
  });
  console.log(`AWS region ${region} at ${host}:${port}`);
}

function readAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^([^\s:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined) throw new Error(`GROUNDWORK_SANDBOX_LISTEN must be host:port, got ${JSON.stringify(text)}`);
  return { host, port: Number(port) };
}

/** The endpoint itself listens on loopback only; in a container others must reach it. */
function openDoor(endpoint: AwsEndpoint, host: string, port: number): Promise<net.Server> {
  const server = net.createServer((client) => {
    const inside = net.connect(endpoint.port, '127.0.0.1');
    client.on('error', () => inside.destroy()).on('close', () => inside.destroy());
    inside.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(inside).pipe(client);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

main(process.env).catch((error: unknown) => {
  console.error(`groundwork region: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
