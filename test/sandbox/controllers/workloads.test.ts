import { describe, expect, test, vi } from 'vitest';
import type { Controllers } from '../../../sandbox/controllers/index.ts';
import { type Deployment, type Pod, type ReplicaSet, resources } from '../../../sandbox/controllers/objects.ts';
import { deploymentBody, eventually, type TestNamespace, withControllers } from './support.ts';

vi.setConfig({ testTimeout: 180_000 }); // longer than one `eventually`

const { deployments, replicaSets, secrets } = resources;
let controllers: Controllers;
let ns: TestNamespace;

withControllers('workloads', (stage) => {
  ({ controllers, ns } = stage);
});

const condition = (deployment: Deployment | undefined, type: string) =>
  deployment?.status?.conditions?.find((found) => found.type === type);
const isComplete = (deployment: Deployment | undefined) =>
  deployment?.status?.observedGeneration === deployment?.metadata.generation &&
  condition(deployment, 'Progressing')?.reason === 'NewReplicaSetAvailable' &&
  deployment?.status?.updatedReplicas === deployment?.spec?.replicas;
const complete = (name: string) =>
  eventually(async () => {
    const found = await ns.find<Deployment>(deployments, name);
    return isComplete(found) && found;
  });
const podsOf = async (app: string) => (await ns.pods()).filter(({ metadata }) => metadata.labels?.app === app);
const waiting = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]?.state?.waiting;
const create = (name: string, options: Parameters<typeof deploymentBody>[0]) =>
  ns.create<Deployment>(deployments, name, deploymentBody({ app: name, ...options }));

describe('a Deployment', () => {
  test('becomes a ReplicaSet and ready Pods on the node, with status, conditions and events', async () => {
    const created = await create('plain', { replicas: 3 });
    const done = await complete('plain');
    expect(done.status).toMatchObject({ replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 });
    expect(condition(done, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    const [set] = (await ns.list<ReplicaSet>(replicaSets)).filter(({ metadata }) => metadata.name.startsWith('plain-'));
    const hash = set?.metadata.labels?.['pod-template-hash'] ?? 'no hash';
    expect(set?.metadata.name).toBe(`plain-${hash}`);
    const pods = await podsOf('plain');
    expect(pods).toHaveLength(3);
    for (const pod of pods) {
      expect(pod.metadata.labels).toMatchObject({ app: 'plain', 'pod-template-hash': hash });
      expect(pod.metadata.name).toMatch(new RegExp(`^plain-${hash}-[a-z0-9]{5}$`));
      expect(pod.spec?.nodeName).toBe('sandbox-node-1');
      expect(pod.status).toMatchObject({ phase: 'Running', containerStatuses: [{ ready: true, restartCount: 0 }] });
    }
    expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(3);
    const [scaled] = await ns.events(created.metadata.uid, 'ScalingReplicaSet');
    expect(scaled?.message).toBe(`Scaled up replica set plain-${hash} from 0 to 3`);
    const [first] = pods;
    await eventually(async () => {
      const reasons = (await ns.events(first?.metadata.uid ?? '')).map(({ reason }) => reason);
      return ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started'].every((reason) => reasons.includes(reason));
    });
  });

  test('never has fewer available Pods than the rolling update allows, and keeps the old ReplicaSet at 0', async () => {
    await create('rolling', {
      replicas: 4,
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    });
    await complete('rolling');
    await ns.merge(deployments, 'rolling', { spec: { template: { metadata: { annotations: { version: '2' } } } } });
    let lowest = 4;
    let most = 0;
    await eventually(async () => {
      const all = await podsOf('rolling');
      const ready = all.filter(
        ({ metadata, status }) => !metadata.deletionTimestamp && status?.containerStatuses?.[0]?.ready,
      );
      lowest = Math.min(lowest, ready.length);
      most = Math.max(most, all.filter(({ metadata }) => !metadata.deletionTimestamp).length);
      return isComplete(await ns.find<Deployment>(deployments, 'rolling'));
    });
    expect({ lowest, most }).toEqual({ lowest: 4, most: 5 });
    await complete('rolling');
    const sets = (await ns.list<ReplicaSet>(replicaSets)).filter(({ metadata }) =>
      metadata.name.startsWith('rolling-'),
    );
    expect(sets.map(({ spec }) => spec?.replicas).sort()).toEqual([0, 4]);
  });

  test('follows its count without a rollout', async () => {
    await create('count', { replicas: 1 });
    await complete('count');
    await ns.merge(deployments, 'count', { spec: { replicas: 3 } });
    await eventually(async () => (await ns.find<Deployment>(deployments, 'count'))?.status?.availableReplicas === 3);
    await ns.merge(deployments, 'count', { spec: { replicas: 0 } });
    await eventually(async () => (await podsOf('count')).length === 0);
    const found = await ns.find<Deployment>(deployments, 'count');
    expect(found?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
  });

  test('exceeds its progress deadline, and heals when its Pods recover', async () => {
    const annotations = {
      'sandbox.groundwork.dev/failure': 'not-ready',
      'sandbox.groundwork.dev/recover-after-seconds': '400',
    };
    await create('late', { replicas: 1, annotations, spec: { progressDeadlineSeconds: 60 } });
    const failed = await eventually(async () => {
      const found = await ns.find<Deployment>(deployments, 'late');
      return condition(found, 'Progressing')?.status === 'False' && found;
    });
    expect(condition(failed, 'Progressing')).toMatchObject({ reason: 'ProgressDeadlineExceeded' });
    expect(condition(failed, 'Available')).toMatchObject({ status: 'False' });
    await complete('late');
  });

  test('paused changes nothing until it is resumed', async () => {
    await create('paused', { replicas: 1 });
    await complete('paused');
    await ns.merge(deployments, 'paused', {
      spec: { paused: true, template: { metadata: { annotations: { version: '2' } } } },
    });
    await eventually(
      async () =>
        condition(await ns.find<Deployment>(deployments, 'paused'), 'Progressing')?.reason === 'DeploymentPaused',
    );
    expect(
      (await ns.list<ReplicaSet>(replicaSets)).filter(({ metadata }) => metadata.name.startsWith('paused-')),
    ).toHaveLength(1);
    await ns.merge(deployments, 'paused', { spec: { paused: false } });
    const done = await complete('paused');
    expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });
});

describe('a Pod that fails', () => {
  const failing = async (name: string, options: Parameters<typeof deploymentBody>[0], reason: string) => {
    await create(name, { replicas: 1, ...options });
    return eventually(async () => (await podsOf(name)).find((pod) => waiting(pod)?.reason === reason));
  };

  test('cannot pull its image, by image name', async () => {
    const pod = await failing('pull', { image: 'registry.example/image-pull:1' }, 'ImagePullBackOff');
    expect(pod.status?.phase).toBe('Pending');
    const failed = await eventually(async () =>
      (await ns.events(pod.metadata.uid, 'Failed')).find(({ message }) => message.startsWith('Failed to pull image')),
    );
    expect(failed.type).toBe('Warning');
  });

  test('crashes with its exit code again and again', async () => {
    const first = await failing('crash', { image: 'web:crash-loop-3' }, 'CrashLoopBackOff');
    expect(first.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    await eventually(async () => ((await podsOf('crash'))[0]?.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 3);
  });

  test('runs out of memory', async () => {
    const pod = await failing('oom', { annotations: { 'sandbox.groundwork.dev/failure': 'oom' } }, 'CrashLoopBackOff');
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
    });
  });

  test('waits for a Secret that does not exist, and starts once it does', async () => {
    const container = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'late-secret', key: 'a' } } }] };
    const pod = await failing('secret', { container }, 'CreateContainerConfigError');
    expect(waiting(pod)?.message).toBe('secret "late-secret" not found');
    await ns.create(secrets, 'late-secret', { stringData: { b: 'x' } });
    await eventually(async () => waiting((await podsOf('secret'))[0])?.message?.includes("couldn't find key a"));
    await ns.merge(secrets, 'late-secret', { stringData: { a: 'x' } });
    await complete('secret');
  });

  test('is not scheduled', async () => {
    await create('big', { replicas: 1, annotations: { 'sandbox.groundwork.dev/failure': 'unschedulable' } });
    const pod = await eventually(async () =>
      (await podsOf('big')).find(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Unschedulable')),
    );
    expect(pod.spec?.nodeName).toBeUndefined();
    await eventually(async () => (await ns.events(pod.metadata.uid, 'FailedScheduling')).length === 1);
  });

  test('was ready and is not any more, by an annotation on the living Pod', async () => {
    await create('later', { replicas: 1 });
    await complete('later');
    const [pod] = await podsOf('later');
    await ns.merge(resources.pods, pod?.metadata.name ?? '', {
      metadata: { annotations: { 'sandbox.groundwork.dev/failure': 'not-ready' } },
    });
    await eventually(
      async () => (await ns.find<Deployment>(deployments, 'later'))?.status?.availableReplicas === undefined,
    );
    expect((await podsOf('later'))[0]?.status?.phase).toBe('Running');
    await eventually(async () => (await ns.events(pod?.metadata.uid ?? '', 'Unhealthy')).length > 0);
  });
});

test('a deleted Pod is not ready at once, goes after its grace time, and is replaced', async () => {
  await create('grace', { replicas: 1 });
  await complete('grace');
  const [pod] = await podsOf('grace');
  controllers.workloads.knobs.terminationSeconds = 100;
  await ns.remove(resources.pods, pod?.metadata.name ?? '');
  const going = await eventually(async () => {
    const found = await ns.find<Pod>(resources.pods, pod?.metadata.name ?? '');
    return found?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False') && found;
  });
  expect(going.metadata.deletionTimestamp).toBeDefined();
  await eventually(async () => (await podsOf('grace')).some(({ metadata }) => metadata.uid !== pod?.metadata.uid));
  await eventually(async () => (await ns.find<Pod>(resources.pods, pod?.metadata.name ?? '')) === undefined);
  controllers.workloads.knobs.terminationSeconds = undefined;
});

test('nothing moves while the controllers are down, and everything is made up for afterwards', async () => {
  await create('down', { replicas: 1 });
  await complete('down');
  await controllers.workloads.pause();
  await ns.merge(deployments, 'down', { spec: { replicas: 2 } });
  await create('while-down', { replicas: 1 });
  expect((await ns.find<Deployment>(deployments, 'while-down'))?.status?.observedGeneration).toBeUndefined();
  await controllers.workloads.resume();
  await Promise.all([complete('down'), complete('while-down')]);
  await controllers.workloads.restart();
  await ns.merge(deployments, 'down', { spec: { replicas: 3 } });
  await eventually(async () => (await ns.find<Deployment>(deployments, 'down'))?.status?.availableReplicas === 3);
});
