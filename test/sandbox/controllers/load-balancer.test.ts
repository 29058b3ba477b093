import { AddTagsCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AwsEndpoint, startAwsEndpoint } from '../../../sandbox/aws/server.ts';
import { simulatedClock } from '../../../sandbox/clock.ts';
import { isNotFound, KubeClient } from '../../../sandbox/controllers/client.ts';
import { type Controllers, startControllers } from '../../../sandbox/controllers/index.ts';
import {
  type Deployment,
  type Ingress,
  pathOf,
  type Resource,
  resources,
  type Service,
} from '../../../sandbox/controllers/objects.ts';
import { uniqueName } from '../../support/servers.ts';
import { adminConfig, deploymentBody, eventually, TestNamespace } from './support.ts';

vi.setConfig({ testTimeout: 180_000 }); // longer than one `eventually`

const { ingresses, services, deployments, pods } = resources;
const region = 'eu-west-1';
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
let client: KubeClient;
let aws: AwsEndpoint;
let elb: ElasticLoadBalancingV2Client;
let controllers: Controllers;
let ns: TestNamespace;
let group: string;

beforeAll(async () => {
  client = new KubeClient(adminConfig(), 'test');
  const clock = simulatedClock(0.01);
  aws = await startAwsEndpoint({ clock });
  elb = new ElasticLoadBalancingV2Client({ endpoint: aws.url, region, credentials });
  controllers = await startControllers({
    kubeConfig: adminConfig(),
    aws: { endpoint: aws.url, region, credentials },
    clock,
    namespaces: (name) => name.startsWith('lb-'),
    findCertificates: async (of) => [...aws.state.region(of).certificates.values()],
  });
});
afterAll(async () => {
  await controllers.stop();
  elb.destroy();
  await aws.close();
  await client.close();
});
beforeEach(async () => {
  aws.seed({});
  aws.faults.clear();
  aws.state.addCertificate(region, ['*.example.com']);
  ns = await TestNamespace.create(client, 'lb');
  group = uniqueName('group');
});
afterEach(async () => {
  Object.assign(controllers.loadBalancer.knobs, {
    neverReconcile: false,
    reconcileDelaySeconds: 0,
    listenerDelaySeconds: 0,
    ruleDelaySeconds: 0,
    statusDelaySeconds: 0,
  });
  await controllers.loadBalancer.resume();
  // The next test begins with an empty region: no group of this one may still be reconciled.
  for (const { metadata } of await ns.list(ingresses)) {
    await ns.remove(ingresses, metadata.name).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
  await eventually(async () => (await ns.list(ingresses)).length === 0);
});

const prefix = 'alb.ingress.kubernetes.io/';
const annotated = (annotations: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [prefix + key, value]));
const keeperAction = '{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"404"}}';

function createIngress(
  name: string,
  annotations: Record<string, string | undefined> = {},
  backend: Record<string, unknown> = {},
  where = ns,
): Promise<Ingress> {
  const service = { name: 'keeper', port: { name: 'use-annotation' }, ...backend };
  const body = {
    spec: {
      ingressClassName: 'alb',
      rules: [
        { host: `${name}.example.com`, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } },
      ],
    },
  };
  const all = {
    'group.name': group,
    scheme: 'internet-facing',
    'listen-ports': '[{"HTTP":80},{"HTTPS":443}]',
    'ssl-redirect': '443',
    'target-type': 'ip',
    'actions.keeper': keeperAction,
    ...annotations,
  };
  return where.create<Ingress>(ingresses, name, body, { annotations: annotated(all) });
}
const split = (blue: number, green: number) =>
  JSON.stringify({
    type: 'forward',
    forwardConfig: {
      targetGroups: [
        { serviceName: 'blue', servicePort: 80, weight: blue },
        { serviceName: 'green', servicePort: 80, weight: green },
      ],
    },
  });
const createService = (name: string) =>
  ns.create<Service>(services, name, { spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] } });
const annotate = (name: string, annotations: Record<string, string>) =>
  ns.merge<Ingress>(ingresses, name, { metadata: { annotations: annotated(annotations) } });
const reload = (name: string) => ns.find<Ingress>(ingresses, name);
const hostname = async (name: string) => (await reload(name))?.status?.loadBalancer?.ingress?.[0]?.hostname;
const tables = () => aws.state.region(region);
const balancers = () => [...tables().loadBalancers.values()];
const rules = () =>
  [...tables().rules.values()]
    .flatMap((rule) => (typeof rule.priority === 'number' ? [{ ...rule, priority: rule.priority }] : []))
    .sort((a, b) => a.priority - b.priority);
const hosts = () => rules().map(({ conditions }) => conditions.find(({ field }) => field === 'host-header')?.values[0]);
const targetGroups = () => [...tables().targetGroups.values()];
const warning = (ingress: Ingress, reason: string) =>
  eventually(async () => (await ns.events(ingress.metadata.uid, reason)).find(({ type }) => type === 'Warning'));
const succeeded = (ingress: Ingress) =>
  eventually(async () => (await ns.events(ingress.metadata.uid, 'SuccessfullyReconciled'))[0]);
const settled = async (...names: string[]) => {
  for (const name of names) await eventually(() => hostname(name));
};

describe('a keeper', () => {
  test('becomes a balancer with two listeners and one rule, and gets finalizer, host name and event', async () => {
    const created = await createIngress('keeper', {
      'load-balancer-name': group,
      tags: 'owner=groundwork,groundwork:pool=public',
    });
    await succeeded(created);
    const ingress = await reload('keeper');
    const [balancer] = balancers();
    expect(balancers()).toHaveLength(1);
    expect(balancer).toMatchObject({ name: group, scheme: 'internet-facing' });
    expect(balancer?.tags).toEqual({
      'elbv2.k8s.aws/cluster': 'sandbox',
      'ingress.k8s.aws/stack': group,
      'ingress.k8s.aws/resource': 'LoadBalancer',
      owner: 'groundwork',
      'groundwork:pool': 'public',
    });
    expect(ingress?.metadata.finalizers).toEqual([`group.ingress.k8s.aws/${group}`]);
    expect(ingress?.status?.loadBalancer?.ingress).toMatchObject([
      { hostname: balancer?.dnsName, ports: [{ port: 80 }, { port: 443 }] },
    ]);
    const listeners = [...tables().listeners.values()].sort((a, b) => a.port - b.port);
    expect(
      listeners.map(({ port, protocol, tags }) => [port, protocol, tags['ingress.k8s.aws/resource'], tags.owner]),
    ).toEqual([
      [80, 'HTTP', '80', 'groundwork'],
      [443, 'HTTPS', '443', 'groundwork'],
    ]);
    expect(rules()).toMatchObject([
      {
        listenerArn: listeners[1]?.arn,
        priority: 1,
        conditions: [
          { field: 'host-header', values: ['keeper.example.com'] },
          { field: 'path-pattern', values: ['/*'] },
        ],
        actions: [{ type: 'fixed-response', statusCode: '404' }],
        tags: { 'ingress.k8s.aws/resource': '443:1', owner: 'groundwork' },
      },
    ]);
    const defaults = [...tables().rules.values()]
      .filter(({ priority }) => priority === 'default')
      .map(({ actions }) => actions[0]);
    expect(defaults).toContainEqual(expect.objectContaining({ type: 'redirect', port: '443', statusCode: 'HTTP_301' }));
    expect(defaults).toContainEqual(expect.objectContaining({ type: 'fixed-response', statusCode: '404' }));
  });

  test('that is the last member takes everything with it, deletion protection or not', async () => {
    await createIngress('keeper');
    await settled('keeper');
    const [balancer] = balancers();
    aws.state.mutateRegion(region, ({ loadBalancers }) => {
      if (balancer)
        loadBalancers.set(balancer.arn, { ...balancer, attributes: { 'deletion_protection.enabled': 'true' } });
    });
    await ns.remove(ingresses, 'keeper');
    await eventually(async () => (await reload('keeper')) === undefined);
    expect([balancers(), [...tables().listeners.values()], rules()]).toEqual([[], [], []]);
  });

  test('on its own has a group of its own', async () => {
    await createIngress('alone', { 'group.name': undefined });
    await settled('alone');
    expect((await reload('alone'))?.metadata.finalizers).toEqual(['ingress.k8s.aws/resources']);
    expect(balancers()[0]?.name).toMatch(/^k8s-lb[0-9a-f]{6}-alone-[0-9a-f]{10}$/);
    expect(balancers()[0]?.tags['ingress.k8s.aws/stack']).toBe(`${ns.name}/alone`);
  });

  test('whose scheme changes is another balancer, the old one deleted first', async () => {
    await createIngress('keeper', { 'load-balancer-name': group });
    await settled('keeper');
    aws.resetRequests();
    await annotate('keeper', { scheme: 'internal' });
    await eventually(async () => balancers()[0]?.scheme === 'internal');
    const actions = aws.requests().map(({ action }) => action);
    expect(actions.indexOf('DeleteLoadBalancer')).toBeGreaterThanOrEqual(0);
    expect(actions.indexOf('DeleteLoadBalancer')).toBeLessThan(actions.indexOf('CreateLoadBalancer'));
  });
});

describe('a group', () => {
  test('spans namespaces, lays rules out by order and name, and renumbers them with one call', async () => {
    const other = await TestNamespace.create(client, 'lb-zoo');
    await createIngress('m', { 'group.order': '10' });
    await createIngress('a', { 'group.order': '10' }, {}, other);
    await settled('m');
    await eventually(async () => hosts().length === 2);
    const before = rules().map(({ arn }) => arn);
    aws.resetRequests();
    await createIngress('first', { 'group.order': '-1' });
    await eventually(async () => hosts().length === 3);
    await settled('first');
    expect(hosts()).toEqual(['first.example.com', 'm.example.com', 'a.example.com']);
    expect(rules().map(({ priority }) => priority)).toEqual([1, 2, 3]);
    expect(
      rules()
        .slice(1)
        .map(({ arn }) => arn),
    ).toEqual(before);
    expect(aws.requestCounts()['elbv2:SetRulePriorities']).toBe(1);
    await ns.remove(ingresses, 'm');
    await eventually(async () => (await reload('m')) === undefined);
    expect(rules().map(({ priority }) => priority)).toEqual([1, 2]);
    expect(balancers()).toHaveLength(1);
    await other.remove(ingresses, 'a');
    await eventually(async () => (await other.list(ingresses)).length === 0);
  });

  test('loses a member that moves to another group', async () => {
    await createIngress('stays');
    await createIngress('moves');
    await settled('stays', 'moves');
    const other = uniqueName('group');
    await annotate('moves', { 'group.name': other });
    await eventually(
      async () => (await reload('moves'))?.metadata.finalizers?.join() === `group.ingress.k8s.aws/${other}`,
    );
    // The old group lets go as soon as it is clean; the new one may still be at work.
    const byStack = () => {
      const stacks = new Map(balancers().map(({ arn, tags }) => [arn, tags['ingress.k8s.aws/stack']]));
      return rules().map(({ loadBalancerArn, conditions }) => [stacks.get(loadBalancerArn), conditions[0]?.values[0]]);
    };
    await eventually(async () => {
      expect(byStack().sort()).toEqual(
        [
          [group, 'stays.example.com'],
          [other, 'moves.example.com'],
        ].sort(),
      );
      return true;
    });
  });

  test('with a bad name is refused once, without finalizer', async () => {
    const created = await createIngress('bad', { 'group.name': 'Bad_Name' });
    await warning(created, 'FailedLoadGroupID');
    expect((await reload('bad'))?.metadata.finalizers).toBeUndefined();
    expect(balancers()).toEqual([]);
  });

  test('is not looked at when only labels change, and repaired when any annotation does', async () => {
    await succeeded(await createIngress('keeper'));
    aws.state.mutateRegion(region, (draft) => {
      for (const [arn, rule] of draft.rules) {
        if (rule.priority === 1)
          draft.rules.set(arn, { ...rule, actions: [{ type: 'fixed-response', statusCode: '418' }] });
      }
    });
    await ns.merge(ingresses, 'keeper', { metadata: { labels: { colour: 'blue' } } });
    await simulatedClock(0.01).sleep(20);
    expect(rules()[0]?.actions).toMatchObject([{ statusCode: '418' }]);
    await ns.merge(ingresses, 'keeper', { metadata: { annotations: { 'example.com/touched': 'yes' } } });
    await eventually(async () => JSON.stringify(rules()[0]?.actions).includes('404'));
  });
});

describe('a weighted forward', () => {
  test('has a target group for each Service with the ready Pods in it, and changes weights with one ModifyRule', async () => {
    await createService('blue');
    await createService('green');
    await ns.create(deployments, 'blue', deploymentBody({ app: 'blue', replicas: 2 }));
    await createIngress('web', { 'actions.keeper': split(100, 0) });
    await settled('web');
    const [blue, green] = targetGroups().sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(blue?.name).toMatch(/^k8s-lb[0-9a-f]{6}-blue-[0-9a-f]{10}$/);
    expect(green?.tags).toEqual({
      'elbv2.k8s.aws/cluster': 'sandbox',
      'ingress.k8s.aws/stack': group,
      'ingress.k8s.aws/resource': `${ns.name}/web-green:80`,
    });
    expect(rules()[0]?.actions[0]).toMatchObject({
      targetGroups: [
        { arn: blue?.arn, weight: 100 },
        { arn: green?.arn, weight: 0 },
      ],
    });
    const targets = () => tables().targetGroups.get(blue?.arn ?? '')?.targets ?? [];
    await eventually(async () => targets().length === 2);
    const expected = (await ns.pods()).map(({ status }) => `${status?.podIP}:8080`);
    expect(
      targets()
        .map(({ id, port }) => `${id}:${port}`)
        .sort(),
    ).toEqual(expected.sort());
    aws.resetRequests();
    await annotate('web', { 'actions.keeper': split(60, 40) });
    await eventually(async () => JSON.stringify(rules()[0]?.actions).includes('"weight":40'));
    const writes = Object.entries(aws.requestCounts()).filter(([action]) => !/:Describe/.test(action));
    expect(writes).toEqual([['elbv2:ModifyRule', 1]]);
    expect(aws.requestCounts(), 'no targets are looked at anew').not.toHaveProperty('elbv2:DescribeTargetHealth');
    // A Pod that goes is deregistered and drains.
    await ns.merge<Deployment>(deployments, 'blue', { spec: { replicas: 1 } });
    await eventually(async () => targets().filter(({ goneAt }) => goneAt !== undefined).length === 1);
  });

  test('loses a Pod that somebody labels otherwise', async () => {
    await createService('blue');
    await createService('green');
    await ns.create(deployments, 'blue', deploymentBody({ app: 'blue', replicas: 1 }));
    await createIngress('web', { 'actions.keeper': split(100, 0) });
    await settled('web');
    const present = () => targetGroups().flatMap(({ targets }) => targets.filter(({ goneAt }) => goneAt === undefined));
    const [target] = await eventually(async () => present().length === 1 && present());
    const pod = (await ns.pods()).find(({ status }) => status?.podIP === target?.id);
    await ns.merge(pods, pod?.metadata.name ?? '', { metadata: { labels: { app: 'debugged' } } });
    await eventually(async () => present().every(({ id }) => id !== target?.id));
  });

  test('loses a target before its Pod is gone, however slow the controller is: its time is not scaled, grace times are', async () => {
    await createService('blue');
    await createService('green');
    await ns.create(deployments, 'blue', deploymentBody({ app: 'blue', replicas: 1 }));
    await createIngress('web', { 'actions.keeper': split(100, 0) });
    await settled('web');
    const target = await eventually(async () => targetGroups().flatMap(({ targets }) => targets)[0]);
    const graceMs = 50; // 5 s in the tests' scale
    aws.faults.add({
      match: { service: 'elbv2', action: 'DeregisterTargets' },
      effect: { kind: 'latency', ms: 10 * graceMs },
    });
    await ns.merge<Deployment>(deployments, 'blue', { spec: { replicas: 0 } });
    await eventually(async () => controllers.podAt(target.id) === undefined);
    const present = targetGroups().flatMap(({ targets }) => targets.filter(({ goneAt }) => goneAt === undefined));
    expect(present).toEqual([]);
  });

  test('blocks the whole group while one of its Services is missing, and goes on as soon as it appears', async () => {
    await createService('blue');
    const web = await createIngress('web', { 'actions.keeper': split(100, 0) });
    const other = await createIngress('other');
    for (const member of [web, other]) {
      const event = await warning(member, 'FailedBuildModel');
      expect(event.message).toContain('Failed build model due to ');
      expect(event.message).toContain('Service "green" not found');
    }
    expect(balancers()).toEqual([]);
    expect((await reload('web'))?.metadata.finalizers).toHaveLength(1);
    await createService('green');
    await settled('web', 'other');
  });

  test('keeps a plain Service’s target group, and drops the one no rule needs', async () => {
    await createService('blue');
    await createService('green');
    await createIngress('web', { 'actions.keeper': split(50, 50) });
    await settled('web');
    const blue = targetGroups().find(({ name }) => name.includes('-blue-'));
    const http = {
      paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'blue', port: { number: 80 } } } }],
    };
    await ns.merge(ingresses, 'web', { spec: { rules: [{ host: 'web.example.com', http }] } });
    await eventually(async () => targetGroups().length === 1);
    expect(targetGroups()[0]?.arn).toBe(blue?.arn);
    await ns.remove(services, 'blue');
    await eventually(async () => JSON.stringify(rules()[0]?.actions).includes('Backend service does not exist'));
    await eventually(async () => targetGroups().length === 0);
  });
});

describe('failures', () => {
  test('no certificate blocks every member until one is imported', async () => {
    const [certificate] = tables().certificates.values();
    aws.state.removeCertificate(region, certificate?.arn ?? '');
    const created = await createIngress('keeper');
    expect((await warning(created, 'FailedBuildModel')).message).toContain(
      'no certificate found for host: keeper.example.com',
    );
    expect(balancers()).toEqual([]);
    aws.state.addCertificate(region, ['keeper.example.com']);
    await settled('keeper');
  });

  test('a quota shows its own words and is retried', async () => {
    aws.state.mutateRegion(region, ({ limits }) => limits.set('application-load-balancers', 0));
    const created = await createIngress('keeper');
    const event = await warning(created, 'FailedDeployModel');
    expect(event.message).toMatch(
      /^Failed deploy model due to operation error Elastic Load Balancing v2: CreateLoadBalancer, https response error StatusCode: 400, RequestID: \S+, TooManyLoadBalancers: The maximum number of load balancers has been reached/,
    );
    aws.state.mutateRegion(region, ({ limits }) => limits.delete('application-load-balancers'));
    await settled('keeper');
  });

  test('a foreign balancer of the same name', async () => {
    aws.seed({ regions: { [region]: { loadBalancers: [{ name: group, scheme: 'internal' }] } } });
    aws.state.addCertificate(region, ['*.example.com']);
    const created = await createIngress('keeper', { 'load-balancer-name': group });
    expect((await warning(created, 'FailedDeployModel')).message).toContain('DuplicateLoadBalancerName: ');
    expect(balancers()).toHaveLength(1);
  });

  test('too many rules stop the group, and a member that leaves makes room', async () => {
    aws.state.mutateRegion(region, ({ limits }) => limits.set('rules-per-application-load-balancer', 2));
    await createIngress('a');
    await createIngress('b');
    await settled('a', 'b');
    await eventually(async () => rules().length === 2);
    const third = await createIngress('c');
    const event = await warning(third, 'FailedDeployModel');
    expect(event.message).toBe(
      "Failed deploy model due to Unable to synthesize listener rules, there's too many attached.",
    );
    await ns.remove(ingresses, 'b');
    await eventually(async () => hosts().join() === 'a.example.com,c.example.com');
    await settled('c');
  });

  test('a lost answer to CreateLoadBalancer leaves one balancer and no event', async () => {
    aws.faults.add({
      match: { service: 'elbv2', action: 'CreateLoadBalancer' },
      when: 'after',
      times: 1,
      effect: { kind: 'reset' },
    });
    const created = await createIngress('keeper');
    await succeeded(created);
    expect(balancers()).toHaveLength(1);
    expect((await ns.events(created.metadata.uid)).filter(({ type }) => type === 'Warning')).toEqual([]);
  });

  test('equal events are counted in one', async () => {
    const created = await createIngress('bad', { scheme: 'public' });
    await warning(created, 'FailedBuildModel');
    const event = await eventually(async () => (await ns.events(created.metadata.uid)).find(({ count }) => count >= 5));
    expect(event.message).toBe('Failed build model due to unknown scheme: public');
    expect(await ns.events(created.metadata.uid)).toHaveLength(1);
  });
});

describe('tags', () => {
  test('that nobody declared survive while they are cached and are removed after a restart', async () => {
    const created = await createIngress('keeper', { tags: 'owner=groundwork' });
    await succeeded(created);
    // The second reconciliation reads the tags of what the first one made.
    await annotate('keeper', { touched: '1' });
    const arn = balancers()[0]?.arn ?? '';
    await eventually(async () => aws.requests().some(({ action }) => action === 'DescribeTags'));
    await eventually(async () =>
      (await ns.events(created.metadata.uid, 'SuccessfullyReconciled')).some(({ count }) => count >= 2),
    );
    await elb.send(new AddTagsCommand({ ResourceArns: [arn], Tags: [{ Key: 'by-hand', Value: 'yes' }] }));
    await annotate('keeper', { touched: '2' });
    await eventually(async () =>
      (await ns.events(created.metadata.uid, 'SuccessfullyReconciled')).some(({ count }) => count >= 3),
    );
    expect(balancers()[0]?.tags).toMatchObject({ owner: 'groundwork', 'by-hand': 'yes' });
    await controllers.loadBalancer.restart();
    await eventually(async () => balancers()[0]?.tags['by-hand'] === undefined);
    expect(balancers()[0]?.tags).toMatchObject({ owner: 'groundwork' });
  });
});

describe('while the controller is down', () => {
  test('a deleted Ingress waits with its finalizer and goes afterwards', async () => {
    await createIngress('keeper');
    await settled('keeper');
    await controllers.loadBalancer.pause();
    await ns.remove(ingresses, 'keeper');
    expect((await reload('keeper'))?.metadata.deletionTimestamp).toBeDefined();
    expect(balancers()).toHaveLength(1);
    await controllers.loadBalancer.resume();
    await eventually(async () => (await reload('keeper')) === undefined && balancers().length === 0);
  });

  test('a stripped finalizer orphans the balancer for good', async () => {
    await createIngress('keeper');
    await settled('keeper');
    await controllers.loadBalancer.pause();
    await ns.merge(ingresses, 'keeper', { metadata: { finalizers: null } });
    await ns.remove(ingresses, 'keeper');
    await controllers.loadBalancer.resume();
    // Another group comes and goes: the orphan is not its business.
    await createIngress('other', { 'group.name': uniqueName('group') });
    await settled('other');
    expect(balancers().map(({ tags }) => tags['ingress.k8s.aws/stack'])).toContain(group);
  });
});

describe('knobs', () => {
  const knobs = () => controllers.loadBalancer.knobs;

  test('a late listener leaves a balancer without any for a while', async () => {
    knobs().listenerDelaySeconds = 50;
    await createIngress('keeper');
    await eventually(async () => balancers().length === 1);
    expect(tables().listeners.size).toBe(0);
    await settled('keeper');
    expect(tables().listeners.size).toBe(2);
  });

  test('a group that is never reconciled gets nothing until it is let go', async () => {
    knobs().neverReconcile = (id) => id === group;
    await createIngress('keeper');
    await createIngress('other', { 'group.name': uniqueName('group') });
    await settled('other');
    expect((await reload('keeper'))?.metadata.finalizers).toBeUndefined();
    knobs().neverReconcile = false;
    await settled('keeper');
  });
});

test('TargetGroupBindings are made and removed where their kind exists', async () => {
  const bindings: Resource = {
    group: 'elbv2.k8s.aws',
    version: 'v1beta1',
    plural: 'targetgroupbindings',
    kind: 'TargetGroupBinding',
    namespaced: true,
  };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const existing = await client.find(
    pathOf(resources.customResourceDefinitions, undefined, 'targetgroupbindings.elbv2.k8s.aws'),
  );
  if (!existing) {
    await client.create(pathOf(resources.customResourceDefinitions), {
      metadata: { name: 'targetgroupbindings.elbv2.k8s.aws' },
      spec: {
        group: 'elbv2.k8s.aws',
        scope: 'Namespaced',
        names: {
          plural: 'targetgroupbindings',
          kind: 'TargetGroupBinding',
          singular: 'targetgroupbinding',
          listKind: 'TargetGroupBindingList',
        },
        versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
      },
    });
  }
  await eventually(async () => Array.isArray(await ns.list(bindings)));
  await createService('blue');
  await createIngress('web', {}, { name: 'blue', port: { number: 80 } });
  await settled('web');
  const [binding] = await ns.list<Service & { spec: unknown }>(bindings);
  expect(binding?.metadata.name).toBe(targetGroups()[0]?.name);
  expect(binding?.spec).toMatchObject({
    targetGroupARN: targetGroups()[0]?.arn,
    targetType: 'ip',
    serviceRef: { name: 'blue', port: 80 },
  });
  await ns.remove(ingresses, 'web');
  await eventually(async () => (await ns.list(bindings)).length === 0);
});
