import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import { type KubeObject, pathOf, resources } from '../../../sandbox/controllers/objects.ts';
import { type KubernetesServer, startKubernetes } from '../../../sandbox/kubernetes/server.ts';
import { FOREIGN_CRDS } from '../../../sandbox/parts.ts';
import { freePorts } from '../../../sandbox/processes/ports.ts';
import { Supervisor } from '../../../sandbox/processes/supervisor.ts';
import { ROOT } from '../../../tools/checks.ts';
import { eventually } from './support.ts';

/** A cluster that is not the sandbox's own, with what deploy/docker/kubernetes.sh applies and nothing else. */

let supervisor: Supervisor;
let server: KubernetesServer;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'groundwork-test-'));
  supervisor = await Supervisor.open(join(root, 'run'));
  supervisor.removeAtEnd(root);
  const manifests = [join(ROOT, 'deploy/crds'), join(ROOT, 'deploy/rbac')];
  server = await startKubernetes({ supervisor, folder: join(root, 'kubernetes'), manifests });
});
afterAll(() => supervisor.stop());

function admin(): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(server.kubeconfigFile('admin'));
  return new KubeClient(kubeConfig, 'test');
}

/** The program as the container runs it. */
function run(environment: Readonly<Record<string, string>>) {
  const argv = [join(ROOT, 'tools/run.mjs'), 'sandbox/region/main.ts'];
  const child: ChildProcess = spawn(process.execPath, argv, { env: { ...process.env, ...environment } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, gone: new Promise((resolve) => child.once('exit', resolve)) };
}

test('the AWS region of the containers serves it, and leaves what a cluster does itself to the cluster', async () => {
  const [port = 0] = await freePorts(1);
  const region = run({ GROUNDWORK_SANDBOX_LISTEN: `127.0.0.1:${port}`, KUBECONFIG: server.kubeconfigFile('admin') });
  const client = admin();
  try {
    await eventually('the region is served', () => {
      expect(region.child.exitCode, region.output()).toBeNull();
      return region.output().includes(`AWS region us-east-1 at 127.0.0.1:${port}`);
    });
    const metadata = { name: 'web', namespace: 'default' };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
    await client.create(pathOf(resources.deployments, 'default'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    });
    await client.create(pathOf(resources.ingresses, 'default'), {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { ...metadata, annotations: { 'alb.ingress.kubernetes.io/load-balancer-name': 'web' } },
      spec: { ingressClassName: 'alb', rules: [{ host: 'web.example.com' }] },
    });
    await eventually('the load balancer controller has taken the Ingress up', async () => {
      const ingress = await client.get<KubeObject>(pathOf(resources.ingresses, 'default', 'web'));
      return (ingress.metadata.finalizers ?? []).length > 0;
    });
    const { items } = await client.get<{ items: KubeObject[] }>(pathOf(resources.replicaSets, 'default'));
    expect(items).toEqual([]);
  } finally {
    await client.close();
    region.child.kill('SIGTERM');
    await region.gone;
  }
});

test('a sandbox that uses the cluster installs nothing in it', async () => {
  const from = { kind: 'external', kubeconfig: server.kubeconfigFile('admin'), source: 'KUBECONFIG' } as const;
  const used = await startKubernetes({ supervisor, folder: 'none', from, manifests: [FOREIGN_CRDS] });
  expect(used).toMatchObject({ kind: 'external' });
  const client = admin();
  const { items } = await client.get<{ items: KubeObject[] }>(pathOf(resources.customResourceDefinitions));
  await client.close();
  expect(
    items.map(({ metadata }) => metadata.name).filter((name) => !/babylon|poolboy|gpte|redhat/.test(name)),
  ).toEqual([]);
});
