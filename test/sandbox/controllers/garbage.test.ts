import { describe, expect, test, vi } from 'vitest';
import { simulatedClock } from '../../../sandbox/clock.ts';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import type { Controllers } from '../../../sandbox/controllers/index.ts';
import {
  type Deployment,
  type KubeObject,
  type Namespace,
  pathOf,
  type Resource,
  resources,
} from '../../../sandbox/controllers/objects.ts';
import { uniqueName } from '../../support/servers.ts';
import { deploymentBody, eventually, TestNamespace, withControllers } from './support.ts';

vi.setConfig({ testTimeout: 180_000 }); // longer than one `eventually`

const { configMaps, deployments, replicaSets } = resources;
let client: KubeClient;
let controllers: Controllers;
let ns: TestNamespace;

withControllers('garbage', (stage) => {
  ({ client, controllers, ns } = stage);
});

const owner = (object: KubeObject, kind = 'ConfigMap', more: Record<string, unknown> = {}) => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name: object.metadata.name, uid: object.metadata.uid, ...more }],
});
const map = (name: string, metadata: Record<string, unknown> = {}) =>
  ns.create<KubeObject>(configMaps, name, {}, metadata);
const gone = (of: Resource, name: string) => eventually(async () => (await ns.find(of, name)) === undefined);
const workload = async (name: string) => {
  await ns.create(deployments, name, deploymentBody({ app: name, replicas: 2 }));
  await eventually(async () => (await ns.find<Deployment>(deployments, name))?.status?.availableReplicas === 2);
};
const podsOf = async (app: string) => (await ns.pods()).filter(({ metadata }) => metadata.labels?.app === app);
const setsOf = async (app: string) =>
  (await ns.list<KubeObject>(replicaSets)).filter(({ metadata }) => metadata.labels?.app === app);

describe('a deleted owner', () => {
  test('takes its dependents along, and theirs', async () => {
    const top = await map('chain-1');
    const middle = await map('chain-2', owner(top));
    await map('chain-3', owner(middle));
    await ns.remove(configMaps, 'chain-1');
    await gone(configMaps, 'chain-2');
    await gone(configMaps, 'chain-3');
  });

  test('leaves a dependent that another living owner holds, without the lost reference', async () => {
    const [a, b] = [await map('two-a'), await map('two-b')];
    await map('two-c', { ownerReferences: [...owner(a).ownerReferences, ...owner(b).ownerReferences] });
    await ns.remove(configMaps, 'two-a');
    const left = await eventually(async () => {
      const found = await ns.find<KubeObject>(configMaps, 'two-c');
      return found?.metadata.ownerReferences?.length === 1 && found;
    });
    expect(left.metadata.ownerReferences?.[0]?.name).toBe('two-b');
  });

  test('does not count as alive under the same name with another uid', async () => {
    const first = await map('reborn');
    await ns.remove(configMaps, 'reborn');
    await map('reborn');
    await map('reborn-child', owner(first));
    await gone(configMaps, 'reborn-child');
    expect(await ns.find(configMaps, 'reborn')).toBeDefined();
  });

  test('does not count as alive by its uid under another name', async () => {
    const present = await map('named');
    await map('named-child', { ownerReferences: [{ ...owner(present).ownerReferences[0], name: 'misnamed' }] });
    await gone(configMaps, 'named-child');
  });

  test('in another namespace counts as absent', async () => {
    const other = await TestNamespace.create(client, 'garbage');
    const foreign = await other.create<KubeObject>(configMaps, 'foreign', {});
    await map('stray', owner(foreign));
    await gone(configMaps, 'stray');
  });
});

test('an owner in the cache is not read for changes of its dependents, and takes them along when it goes later', async () => {
  await workload('known');
  const gets = vi.spyOn(KubeClient.prototype, 'get');
  for (const { metadata } of await podsOf('known'))
    await ns.merge(resources.pods, `${metadata.name}/status`, { status: { message: 'changed' } });
  await simulatedClock(0.01).sleep(10 * controllers.garbage.knobs.lagSeconds);
  const by = gets.mock.contexts.map((context) => (context as KubeClient).fieldManager);
  const read = gets.mock.calls.filter((_, index) => by[index] === 'garbage-collector');
  gets.mockRestore();
  expect(read.filter(([path]) => path.includes(`/${ns.name}/`))).toEqual([]);
  await ns.remove(deployments, 'known', { propagationPolicy: 'Background' });
  await eventually(async () => (await setsOf('known')).length === 0 && (await podsOf('known')).length === 0);
});

describe('a deleted Deployment', () => {
  test('goes at once in the background, its ReplicaSets and Pods after it', async () => {
    await workload('background');
    await ns.remove(deployments, 'background', { propagationPolicy: 'Background' });
    expect(await ns.find(deployments, 'background')).toBeUndefined();
    await eventually(
      async () => (await setsOf('background')).length === 0 && (await podsOf('background')).length === 0,
    );
  });

  test('waits in the foreground until everything below is gone', async () => {
    await workload('foreground');
    await ns.remove(deployments, 'foreground', { propagationPolicy: 'Foreground' });
    await gone(deployments, 'foreground');
    expect(await setsOf('foreground')).toEqual([]);
    expect(await podsOf('foreground')).toEqual([]);
  });

  test('leaves its ReplicaSets as orphans when asked to', async () => {
    await workload('orphan');
    await ns.remove(deployments, 'orphan', { propagationPolicy: 'Orphan' });
    await gone(deployments, 'orphan');
    const sets = await setsOf('orphan');
    expect(sets.map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]]);
    expect(await podsOf('orphan')).toHaveLength(2);
  });
});

test('objects of a custom kind that came later are collected too', async () => {
  const plural = uniqueName('things').replace('-', '');
  const kind = `${plural.charAt(0).toUpperCase()}${plural.slice(1)}`;
  const definition = {
    metadata: { name: `${plural}.garbage.example.com` },
    spec: {
      group: 'garbage.example.com',
      scope: 'Namespaced',
      names: { plural, kind, singular: plural, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  await client.create(pathOf(resources.customResourceDefinitions), definition);
  const things: Resource = { group: 'garbage.example.com', version: 'v1', plural, kind, namespaced: true };
  const thing = await eventually(() =>
    ns.create<KubeObject>(things, 'thing', { apiVersion: 'garbage.example.com/v1', kind }),
  );
  const reference = { ...owner(thing, kind).ownerReferences[0], apiVersion: 'garbage.example.com/v1' };
  await map('thing-child', { ownerReferences: [reference] });
  await ns.remove(things, 'thing');
  await gone(configMaps, 'thing-child');
});

test('a deleted Namespace is emptied and disappears, Pods with their grace time included', async () => {
  const doomed = await TestNamespace.create(client, 'garbage');
  await doomed.create(deployments, 'web', deploymentBody({ replicas: 2 }));
  await doomed.create(configMaps, 'held', {}, { finalizers: ['test.example.com/held'] });
  await eventually(async () => (await doomed.find<Deployment>(deployments, 'web'))?.status?.availableReplicas === 2);
  await client.remove(pathOf(resources.namespaces, undefined, doomed.name));
  const find = () => client.find<Namespace>(pathOf(resources.namespaces, undefined, doomed.name));
  await eventually(async () => (await doomed.pods()).length === 0);
  expect((await find())?.status?.phase).toBe('Terminating');
  await doomed.merge(configMaps, 'held', { metadata: { finalizers: null } });
  await eventually(async () => (await find()) === undefined);
});

test('nothing is collected while the controller is down', async () => {
  const parent = await map('down-parent');
  await map('down-child', owner(parent));
  await controllers.garbage.pause();
  await ns.remove(configMaps, 'down-parent');
  // Ten times the lag with which it would have been collected.
  await simulatedClock(0.01).sleep(10 * controllers.garbage.knobs.lagSeconds);
  expect(await ns.find(configMaps, 'down-child')).toBeDefined();
  await controllers.garbage.resume();
  await gone(configMaps, 'down-child');
});
