import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type HttpProxy, startHttpProxy } from '../../../sandbox/faults/http-proxy.ts';
import { FaultPlan } from '../../../sandbox/faults/plan.ts';
import { type KubernetesServer, startKubernetes } from '../../../sandbox/kubernetes/server.ts';
import { serviceAccount } from '../../../sandbox/kubernetes/users.ts';
import { Supervisor } from '../../../sandbox/processes/supervisor.ts';
import { eventually, temporaryFolders } from './support.ts';

const MANIFESTS = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: default }
rules:
  - { apiGroups: [''], resources: [configmaps], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: default }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects:
  - { kind: ServiceAccount, name: groundwork-worker, namespace: groundwork }
---
apiVersion: test.groundwork.local/v1
kind: Lamp
metadata: { name: green, namespace: default }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: lamps.test.groundwork.local }
spec:
  group: test.groundwork.local
  scope: Namespaced
  names: { kind: Lamp, plural: lamps, singular: lamp }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }
`;

const folder = temporaryFolders();
const plan = new FaultPlan();
let supervisor: Supervisor;
let server: KubernetesServer;
let proxy: HttpProxy;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'groundwork-test-'));
  supervisor = await Supervisor.open(join(root, 'run'));
  supervisor.removeAtEnd(root);
  await writeFile(join(root, 'manifests.yaml'), MANIFESTS);
  const users = [
    serviceAccount('worker', 'groundwork', 'groundwork-worker'),
    { key: 'nobody', name: 'nobody', groups: [] },
  ];
  const manifests = [join(root, 'manifests.yaml'), join(root, 'absent')];
  server = await startKubernetes({ supervisor, folder: join(root, 'kubernetes'), users, manifests });
  proxy = await startHttpProxy({ target: server.url ?? '', caFile: server.caFile ?? '', plan });
});

afterEach(() => plan.clear());

afterAll(async () => {
  await proxy?.close();
  await supervisor?.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { reason?: string; data?: Record<string, string>; kind?: string };
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

async function call(user: string, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${proxy.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${server.tokens[user]}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

const create = (name: string, value = 'first') =>
  call('admin', 'POST', CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });
const replace = (name: string, value: string) =>
  call('admin', 'PUT', `${CONFIG_MAPS}/${name}`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { value },
  });
const read = (name: string, user = 'admin') => call(user, 'GET', `${CONFIG_MAPS}/${name}`);

/** The error code of a request that got no whole answer. */
async function transportError(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => undefined,
    (caught: unknown) => caught as Error & { cause?: { code?: string } },
  );
  return error?.cause?.code ?? error?.name ?? 'none';
}

describe('kube-apiserver', () => {
  test('gives each token user exactly what RBAC gives the service account', async () => {
    await create('rights');
    expect((await read('rights', 'worker')).status).toBe(200);
    expect(await call('worker', 'DELETE', `${CONFIG_MAPS}/rights`)).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden' },
    });
    expect((await read('rights', 'nobody')).status).toBe(403);
    const anonymous = await fetch(`${proxy.url}${CONFIG_MAPS}`, { headers: { authorization: 'Bearer wrong' } });
    expect(anonymous.status).toBe(401);
  });

  test('has the manifests applied, a custom resource after its definition although the file has it before', async () => {
    expect(await call('admin', 'GET', '/apis/test.groundwork.local/v1/namespaces/default/lamps/green')).toMatchObject({
      status: 200,
      body: { kind: 'Lamp' },
    });
  });

  test('is reached with its kubeconfig files by the client library', async () => {
    const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
    for (const file of [server.kubeconfigFile('admin'), await server.writeKubeconfig('nobody', proxy.url)]) {
      const config = new KubeConfig();
      config.loadFromFile(file);
      const names = config.makeApiClient(CoreV1Api).listNamespace();
      if (file.includes('admin')) expect((await names).items.map((item) => item.metadata?.name)).toContain('default');
      else await expect(names).rejects.toMatchObject({ code: 403 });
    }
  });
});

describe('the fault proxy', () => {
  test('throttles before the effect, with a Retry-After', async () => {
    plan.add({
      match: { service: 'kubernetes', method: 'POST', path: '/configmaps$' },
      effect: { kind: 'throttle' },
      times: 1,
    });
    const throttled = await create('throttled');
    expect([throttled.status, throttled.body.reason, throttled.headers.get('retry-after')]).toEqual([
      429,
      'TooManyRequests',
      '1',
    ]);
    expect((await read('throttled')).status).toBe(404);
    expect((await create('throttled')).status).toBe(201);
  });

  test.each([
    ['before', 404],
    ['after', 200],
  ] as const)('loses an answer %s the effect', async (when, statusAfterwards) => {
    const name = `reset-${when}`;
    plan.add({
      match: { service: 'kubernetes', method: 'POST', resource: name },
      when,
      effect: { kind: 'reset' },
      times: 1,
    });
    expect(await transportError(create(name))).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    expect((await read(name)).status).toBe(statusAfterwards);
  });

  test('answers an error of the API format, garbage, and half a body', async () => {
    await create('odd');
    const match = { service: 'kubernetes', path: '/odd$' };
    plan.add({ match, effect: { kind: 'error', code: 'InternalError', status: 500 }, times: 1 });
    expect(await read('odd')).toMatchObject({ status: 500, body: { kind: 'Status', reason: 'InternalError' } });
    plan.add({ match, effect: { kind: 'garbage' }, times: 1 });
    const garbage = await fetch(`${proxy.url}${CONFIG_MAPS}/odd`);
    expect([garbage.status, garbage.headers.get('content-type')]).toEqual([503, 'text/html']);
    plan.add({ match, when: 'after', effect: { kind: 'truncate' }, times: 1 });
    expect(await transportError(read('odd'))).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
    expect((await read('odd')).status).toBe(200);
  });

  test('hangs until the client gives up', async () => {
    plan.add({ match: { service: 'kubernetes', path: '/hanging$' }, effect: { kind: 'hang' }, times: 1 });
    const hanging = fetch(`${proxy.url}${CONFIG_MAPS}/hanging`, { signal: AbortSignal.timeout(100) });
    await expect(hanging).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('answers a stale read from what it answered before the write', async () => {
    await create('stale', 'old');
    await read('stale');
    await replace('stale', 'new');
    plan.add({
      match: { service: 'kubernetes', method: 'GET', path: '/stale$' },
      effect: { kind: 'stale-read' },
      times: 1,
    });
    expect((await read('stale')).body.data).toEqual({ value: 'old' });
    expect((await read('stale')).body.data).toEqual({ value: 'new' });
  });

  test('streams a watch while it goes on, and can cut it', async () => {
    const response = await fetch(`${proxy.url}${CONFIG_MAPS}?watch=1`, {
      headers: { authorization: `Bearer ${server.tokens.worker}` },
    });
    let seen = '';
    const stream = (async () => {
      for await (const chunk of response.body ?? []) seen += Buffer.from(chunk as Uint8Array).toString();
    })();
    const cut = transportError(stream);
    await create('watched-first');
    await eventually('the first event arrives', () => seen.includes('watched-first'));
    await create('watched-second');
    await eventually('the second event arrives', () => seen.includes('watched-second'));
    proxy.cut();
    expect(await cut).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  });

  test('breaks a watch after its first bytes when the rule says after', async () => {
    plan.add({
      match: { service: 'kubernetes', resource: 'watch=1' },
      when: 'after',
      effect: { kind: 'reset' },
      times: 1,
    });
    await create('breaking');
    const response = await fetch(`${proxy.url}${CONFIG_MAPS}?watch=1`, {
      headers: { authorization: `Bearer ${server.tokens.worker}` },
    });
    expect(response.status).toBe(200);
    expect(await transportError(response.text())).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  });

  test('shows an outage of kube-apiserver as resets, and serves again after it, with what was there', async () => {
    await create('outage');
    const restarted = server.restart();
    await eventually('a request fails', async () => (await transportError(read('outage'))) !== 'none');
    await restarted;
    expect((await read('outage')).status).toBe(200);
  });
});

test('a second start on the same folder finds its objects, and the same tokens', async () => {
  const root = await folder();
  const first = await Supervisor.open(join(root, 'first'));
  const before = await startKubernetes({ supervisor: first, folder: join(root, 'kubernetes') });
  const namespaces = async (at: KubernetesServer) => {
    const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromFile(at.kubeconfigFile('admin'));
    return config.makeApiClient(CoreV1Api);
  };
  await (await namespaces(before)).createNamespace({ body: { metadata: { name: 'kept' } } });
  await first.stop();
  const second = await Supervisor.open(join(root, 'second'));
  const after = await startKubernetes({ supervisor: second, folder: join(root, 'kubernetes') });
  expect((await (await namespaces(after)).readNamespace({ name: 'kept' })).metadata?.name).toBe('kept');
  expect(after.tokens).toEqual(before.tokens);
  await second.stop();
});
