import { expect, test } from 'vitest';
import { CONTROLLER_NAME } from '../../../sandbox/controllers/gateway/controller.ts';
import { intersect } from '../../../sandbox/controllers/gateway/hosts.ts';
import type { HttpRoute, Listener } from '../../../sandbox/controllers/gateway/objects.ts';
import type { Controllers } from '../../../sandbox/controllers/index.ts';
import { apiVersionOf, resources } from '../../../sandbox/controllers/objects.ts';
import { deploymentBody, eventually, type TestNamespace, withControllers } from './support.ts';

let controllers: Controllers;
let ns: TestNamespace;

withControllers('gateway', (stage) => {
  ({ controllers, ns } = stage);
});

let made = 0;
const unique = (prefix: string) => `${prefix}-${++made}`;

const gatewayBody = (listeners: object[]) => ({
  apiVersion: apiVersionOf(resources.gateways),
  kind: 'Gateway',
  spec: { gatewayClassName: 'any', listeners },
});

async function gatewayWith(listener: Partial<Listener> = {}): Promise<string> {
  const name = unique('gw');
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP', ...listener }];
  await ns.create(resources.gateways, name, gatewayBody(listeners));
  return name;
}

type Spec = HttpRoute['spec'];

/** A route to `web:80` for shop.example.org, with other fields of its spec. */
async function routeTo(gateway: string, spec: Spec = {}): Promise<string> {
  const name = unique('route');
  const rules = [{ backendRefs: [{ name: 'web', port: 80 }] }];
  const parentRefs = [{ name: gateway }];
  await ns.create(resources.httpRoutes, name, {
    apiVersion: apiVersionOf(resources.httpRoutes),
    kind: 'HTTPRoute',
    spec: { parentRefs, hostnames: ['shop.example.org'], rules, ...spec },
  });
  return name;
}

const find = async (name: string) => {
  const route = await ns.find<HttpRoute>(resources.httpRoutes, name);
  if (!route) throw new Error(`no route ${name}`);
  return route;
};

/** `Accepted/True/Accepted` and so on, once the present generation is looked at. */
async function conditionsOf(name: string): Promise<string[]> {
  return eventually(async () => {
    const { metadata, status } = await find(name);
    const conditions = status?.parents?.[0]?.conditions ?? [];
    if (conditions.length === 0 || conditions.some((one) => one.observedGeneration !== metadata.generation)) return;
    return conditions.map(({ type, status: value, reason }) => `${type}/${value}/${reason}`);
  });
}

const TAKEN = ['Accepted/True/Accepted', 'ResolvedRefs/True/ResolvedRefs'];

test('a route is defaulted, taken up, shared by weight, and forgotten with its end', async () => {
  await ns.create(resources.deployments, 'web', deploymentBody({ replicas: 1, app: 'web' }));
  const ports = [{ port: 80, targetPort: 8080 }];
  await ns.create(resources.services, 'web', { spec: { selector: { app: 'web' }, ports } });
  await ns.create(resources.services, 'idle', { spec: { selector: { app: 'idle' }, ports } });
  const gateway = await gatewayWith();
  const name = await routeTo(gateway);
  expect(await conditionsOf(name)).toEqual(TAKEN);
  const route = await find(name);
  expect(route.spec).toEqual({
    hostnames: ['shop.example.org'],
    parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: gateway }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }],
      },
    ],
  });
  expect(route.status?.parents?.[0]).toMatchObject({ controllerName: CONTROLLER_NAME });

  const at = `${ns.name}/${gateway}`;
  const way = (host: string, random: number) => controllers.gateways.way(at, host, () => random);
  const served = await eventually(async () => {
    const found = way('Shop.example.org', 0.5);
    return found.kind === 'endpoint' && found;
  });
  expect(controllers.podAt(served.ip)?.metadata.labels?.app).toBe('web');
  expect(way('other.example.org', 0.5)).toMatchObject({ kind: 'answered', status: 404 });

  const backendRefs = ['web', 'idle', 'absent'].map((service) => ({ name: service, port: 80, weight: 2 }));
  await ns.merge(resources.httpRoutes, name, { spec: { rules: [{ backendRefs }] } });
  expect(await conditionsOf(name)).toEqual(['Accepted/True/Accepted', 'ResolvedRefs/False/BackendNotFound']);
  const answers = [0.1, 0.5, 0.9].map((random) => way('shop.example.org', random));
  expect(answers).toMatchObject([{ service: 'web' }, { status: 503 }, { status: 500 }]);

  await ns.remove(resources.httpRoutes, name);
  await eventually(async () => controllers.gateways.backends(at, 'shop.example.org').length === 0);
});

test.each<[reason: string, listener: Partial<Listener>, spec: (gateway: string) => Spec]>([
  ['Accepted/False/NoMatchingParent', {}, (name) => ({ parentRefs: [{ name, sectionName: 'https' }] })],
  ['Accepted/False/NotAllowedByListeners', { allowedRoutes: { namespaces: { from: 'Selector' } } }, () => ({})],
  ['Accepted/False/NoMatchingListenerHostname', { hostname: '*.example.com' }, () => ({})],
  [
    'Accepted/False/NoReadyListeners',
    { protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'wildcard' }] } },
    () => ({}),
  ],
  [
    'ResolvedRefs/False/InvalidKind',
    {},
    () => ({ rules: [{ backendRefs: [{ kind: 'ServiceImport', group: 'multicluster.x-k8s.io', name: 'web' }] }] }),
  ],
  [
    'ResolvedRefs/False/RefNotPermitted',
    {},
    () => ({ rules: [{ backendRefs: [{ name: 'web', namespace: 'default', port: 80 }] }] }),
  ],
  ['ResolvedRefs/False/BackendNotFound', {}, () => ({ rules: [{ backendRefs: [{ name: 'web', port: 81 }] }] })],
])('refuses with %s', async (reason, listener, spec) => {
  const gateway = await gatewayWith(listener);
  expect(await conditionsOf(await routeTo(gateway, spec(gateway)))).toContain(reason);
});

test('a certificate that comes later is found; so is a gateway', async () => {
  const gateway = unique('gw');
  const name = await routeTo(gateway);
  const tls = { certificateRefs: [{ name: 'late' }] };
  const listeners = [{ name: 'https', port: 443, protocol: 'HTTPS', tls }];
  expect((await find(name)).status).toBeUndefined();
  await ns.create(resources.gateways, gateway, gatewayBody(listeners));
  expect((await conditionsOf(name))[0]).toBe('Accepted/False/NoReadyListeners');
  await ns.create(resources.secrets, 'late', { type: 'Opaque' });
  await eventually(async () => (await conditionsOf(name))[0] === TAKEN[0]);
});

test.each<[path: string, spec: Spec]>([
  ['spec.hostnames', { hostnames: Array.from({ length: 17 }, (_, index) => `h${index}.example.org`) }],
  ['spec.hostnames[0]', { hostnames: ['-'] }],
  ['spec.rules[0].backendRefs[0].weight', { rules: [{ backendRefs: [{ name: 'web', weight: -1 }] }] }],
])('the definition bounds %s as the published one does', async (path, spec) => {
  await expect(routeTo('any', spec)).rejects.toMatchObject({ status: 422, message: expect.stringContaining(path) });
});

test.each([
  ['a.example.org', 'a.example.org', true],
  ['a.example.org', '*.example.org', true],
  ['*.example.org', 'a.b.example.org', true],
  ['*.example.org', 'example.org', false],
  ['*.b.example.org', '*.example.org', true],
  ['*.example.org', '*.example.com', false],
])('hosts %s and %s meet: %s', (a, b, meet) => {
  expect([intersect(a, b), intersect(b, a)]).toEqual([meet, meet]);
});
