import { expect, test } from 'vitest';
import type { KubeClient } from '../../../sandbox/controllers/client.ts';
import type { Controllers } from '../../../sandbox/controllers/index.ts';
import { type Deployment, type EndpointSlice, pathOf, resources } from '../../../sandbox/controllers/objects.ts';
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
