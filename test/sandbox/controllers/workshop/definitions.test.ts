import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Workshop, type WorkshopProvision, workshopKinds } from '../../../../contract/workshop/objects.ts';
import { KubeApiError, KubeClient } from '../../../../sandbox/controllers/client.ts';
import { testNamespace } from '../../../support/servers.ts';
import { adminConfig } from '../support.ts';

const client = new KubeClient(adminConfig(), 'definitions-test');
let namespace: string;

beforeAll(async () => {
  namespace = await testNamespace('definitions');
});
afterAll(() => client.close());

const collection = (kind: keyof typeof workshopKinds) =>
  `/apis/${workshopKinds[kind].apiVersion}/namespaces/${namespace}/${workshopKinds[kind].plural}`;

function create<T>(kind: keyof typeof workshopKinds, name: string, spec: unknown): Promise<T> {
  const { apiVersion, kind: type } = workshopKinds[kind];
  return client.create<T>(collection(kind), { apiVersion, kind: type, metadata: { name }, spec });
}

const provisionSpec = { catalogItem: { name: 'lab', namespace: 'catalog' }, count: 3, workshopName: 'ws' };

describe('the workshop definitions', () => {
  test('W2 fill the defaults of a present autoScaling, and nothing where it is absent', async () => {
    const empty = await create<Workshop>('workshop', 'empty', { autoScaling: {} });
    expect(empty.spec?.autoScaling).toEqual({
      enabled: false,
      threshold: 0.8,
      scaleFactor: 1.5,
      maxProvisions: 100,
      strategy: 'ratio',
      scope: 'workshop',
      minProvisions: 0,
      cooldownSeconds: 120,
      stabilizationSeconds: 0,
      completionTimeoutSeconds: 7200,
      respectLock: false,
      scaleFromZero: false,
      dryRun: false,
      scaleDown: { enabled: false, threshold: 0.5, delaySeconds: 600 },
    });
    const absent = await create<Workshop>('workshop', 'absent', {});
    expect(absent.spec?.autoScaling).toBeUndefined();
  });

  test.each([
    ['threshold 0', { threshold: 0 }],
    ['threshold above 1', { threshold: 1.01 }],
    ['factor below 1', { scaleFactor: 0.9 }],
    ['cap 0', { maxProvisions: 0 }],
    ['a strategy that is not known', { strategy: 'magic' }],
    ['a step of 0', { maxStep: 0 }],
    ['a negative cool-down', { cooldownSeconds: -1 }],
    ['a threshold as text', { threshold: '0.8' }],
  ])('refuse %s', async (_, autoScaling) => {
    await expect(create('workshop', 'wrong', { autoScaling })).rejects.toMatchObject({ status: 422 });
  });

  test.each([
    ['no count', { ...provisionSpec, count: undefined }],
    ['a negative count', { ...provisionSpec, count: -1 }],
    ['a start delay of 0', { ...provisionSpec, startDelay: 0 }],
    ['a lifespan that is no duration', { ...provisionSpec, lifespan: { maximum: '3 days' } }],
  ])('refuse a provision with %s', async (_, spec) => {
    await expect(create('provision', 'wrong', spec)).rejects.toBeInstanceOf(KubeApiError);
  });

  test('W84 serve the scale subresource with count and activeCount', async () => {
    await create('provision', 'scaled', provisionSpec);
    const path = `${collection('provision')}/scaled`;
    await client.merge(`${path}/status`, { status: { activeCount: 2 } });
    expect(await client.get(`${path}/scale`)).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 2 } });
    await client.merge(`${path}/scale`, { spec: { replicas: 20 } });
    const { spec } = await client.get<WorkshopProvision>(path);
    expect(spec?.count).toBe(20);
  });

  test('R1 drop the status of a write to the main endpoint, and keep unknown fields of one to /status', async () => {
    await create('provision', 'flagged', provisionSpec);
    const path = `${collection('provision')}/flagged`;
    await client.merge(path, { spec: { count: 5 }, status: { autoScalingActive: true } });
    expect((await client.get<WorkshopProvision>(path)).status?.autoScalingActive).toBeUndefined();
    await client.merge(`${path}/status`, { status: { autoScalingActive: true, other: { kept: 1 } } });
    expect(await client.get(path)).toMatchObject({
      spec: { count: 5 },
      status: { autoScalingActive: true, other: { kept: 1 } },
    });
  });

  test('take a claim with its state and a seat with and without an assignment', async () => {
    const state = { kind: 'AnarchySubject', spec: { vars: { current_state: 'started' } } };
    await create('claim', 'lab-1', { provider: { name: 'lab', parameterValues: { size: 1 } } });
    await client.merge(`${collection('claim')}/lab-1/status`, { status: { resources: [{ name: 'lab', state }] } });
    expect(await client.get(`${collection('claim')}/lab-1`)).toMatchObject({ status: { resources: [{ state }] } });
    const seat = { workshopName: 'ws', resourceClaimName: 'lab-1' };
    await create('seat', 'ws-1', seat);
    await client.merge(`${collection('seat')}/ws-1`, { spec: { assignment: { email: 'a@example.com' } } });
    await expect(create('seat', 'ws-2', { ...seat, assignment: {} })).rejects.toMatchObject({ status: 422 });
  });
});
