import { expect, test, vi } from 'vitest';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import type { Controllers } from '../../../sandbox/controllers/index.ts';
import {
  type Deployment,
  type EndpointSlice,
  type Pod,
  pathOf,
  resources,
} from '../../../sandbox/controllers/objects.ts';
import { deploymentBody, eventually, type TestNamespace, withControllers } from './support.ts';

let client: KubeClient;
let controllers: Controllers;
let ns: TestNamespace;

withControllers('autoscale', (stage) => {
  ({ client, controllers, ns } = stage);
});

const countOf = async (name: string) => (await ns.find<Deployment>(resources.deployments, name))?.spec?.replicas;

test('an autoscaler keeps the count between minimum and maximum, and follows a minimum that rises', async () => {
  await ns.create(resources.deployments, 'web', deploymentBody({ replicas: 1, app: 'web' }));
  await client.create(pathOf(resources.autoscalers, ns.name), {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'hpa-web' },
    spec: {
      minReplicas: 2,
      maxReplicas: 4,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    },
  });
  await eventually(async () => (await countOf('web')) === 2);
  await ns.merge(resources.autoscalers, 'hpa-web', { spec: { minReplicas: 3 } });
  await eventually(async () => (await countOf('web')) === 3);
  await ns.merge(resources.deployments, 'web', { spec: { replicas: 9 } });
  await eventually(async () => (await countOf('web')) === 4);
});

test('a Service has a slice with its ready Pods', async () => {
  await ns.create(resources.deployments, 'api', deploymentBody({ replicas: 2, app: 'api' }));
  await ns.create(resources.services, 'api', {
    spec: { selector: { app: 'api' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  const slice = await eventually(async () => {
    const found = await ns.find<EndpointSlice>(resources.endpointSlices, 'api-sandbox');
    return found?.endpoints?.filter(({ conditions }) => conditions?.ready).length === 2 && found;
  });
  expect(slice.ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }]);
  expect(controllers.podAt(slice.endpoints?.[0]?.addresses[0] ?? '')?.metadata.labels?.app).toBe('api');
  await ns.remove(resources.services, 'api');
  await eventually(async () => (await ns.find(resources.endpointSlices, 'api-sandbox')) === undefined);
});

const slice = (name: string) => ns.find<EndpointSlice>(resources.endpointSlices, `${name}-sandbox`);
const pod = (name: string, app: string, annotations: Record<string, string> = {}) =>
  ns.create<Pod>(
    resources.pods,
    name,
    { spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    { labels: { app }, annotations },
  );
const served = async (app: string) => {
  await ns.create(resources.services, app, { spec: { selector: { app }, ports: [{ port: 80 }] } });
  await pod(`${app}-1`, app);
  await eventually(async () => (await slice(app))?.endpoints?.[0]?.conditions?.ready);
};

test('a slice that stays as it is is neither read nor written, and one that changes is not read', async () => {
  await served('calm');
  const methods = ['get', 'create', 'merge'] as const;
  const spies = methods.map((method) => vi.spyOn(KubeClient.prototype, method));
  const requests = () =>
    spies.flatMap(({ mock }, method) =>
      mock.calls.flatMap(([path], index) =>
        mock.contexts[index] !== client && path.includes(`/${ns.name}/endpointslices`) ? [methods[method]] : [],
      ),
    );
  await pod('calm-2', 'calm', { 'sandbox.groundwork.dev/failure': 'unschedulable' });
  await eventually(async () => (await ns.find<Pod>(resources.pods, 'calm-2'))?.status?.conditions);
  expect(requests()).toEqual([]);
  await pod('calm-3', 'calm');
  await eventually(async () => (await slice('calm'))?.endpoints?.filter((of) => of.conditions?.ready).length === 2);
  expect(new Set(requests())).toEqual(new Set(['merge']));
  for (const spy of spies) spy.mockRestore();
});

test('a slice that somebody deleted or edited is put right with the next change', async () => {
  await served('touched');
  await ns.remove(resources.endpointSlices, 'touched-sandbox');
  await pod('touched-2', 'touched');
  await eventually(async () => (await slice('touched'))?.endpoints?.length === 2);
  await ns.merge(resources.endpointSlices, 'touched-sandbox', { endpoints: [] });
  await ns.merge(resources.services, 'touched', { metadata: { annotations: { touched: 'yes' } } });
  await eventually(async () => (await slice('touched'))?.endpoints?.length === 2);
});
