import { describe, expect, test } from 'vitest';
import { build, errorOf, HTTPS, ingress, service, stackOf } from './objects.ts';

const forward = (...groups: [service: string, weight: number | undefined][]) =>
  JSON.stringify({
    type: 'forward',
    forwardConfig: {
      targetGroups: groups.map(([serviceName, weight]) => ({
        serviceName,
        servicePort: 80,
        ...(weight === undefined ? {} : { weight }),
      })),
    },
  });
const weighted = (name: string, ...groups: [string, number | undefined][]) =>
  ingress({
    name,
    annotations: { ...HTTPS, 'actions.split': forward(...groups) },
    rules: [{ host: `${name}.example.com`, service: 'split', port: 'use-annotation' }],
  });

describe('a keeper', () => {
  const keeper = ingress({
    name: 'keeper',
    annotations: {
      'group.name': 'web',
      'load-balancer-name': 'k8s-web',
      scheme: 'internet-facing',
      'listen-ports': '[{"HTTP":80},{"HTTPS":443}]',
      'ssl-redirect': '443',
      tags: 'owner=groundwork,groundwork:pool=public',
      'actions.keeper':
        '{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"404"}}',
    },
    rules: [{ host: 'keeper.example.com', service: 'keeper', port: 'use-annotation' }],
  });
  const stack = stackOf([keeper]);

  test('asks for a balancer with its name, scheme and tags', () => {
    expect(stack.loadBalancer).toMatchObject({
      name: 'k8s-web',
      scheme: 'internet-facing',
      subnets: ['subnet-1', 'subnet-2'],
    });
    expect(stack.loadBalancer?.tags).toEqual({
      owner: 'groundwork',
      'groundwork:pool': 'public',
      'elbv2.k8s.aws/cluster': 'test',
      'ingress.k8s.aws/stack': 'web',
      'ingress.k8s.aws/resource': 'LoadBalancer',
    });
  });

  test('redirects port 80 without rules and answers 404 on port 443', () => {
    const [http, https] = stack.listeners;
    expect(http).toMatchObject({
      port: 80,
      protocol: 'HTTP',
      rules: [],
      defaultAction: { type: 'redirect', port: '443', statusCode: 'HTTP_301' },
    });
    expect(https).toMatchObject({ port: 443, protocol: 'HTTPS', certificates: ['arn:cert/wildcard'] });
    expect(https?.defaultAction).toEqual({ type: 'fixed-response', contentType: 'text/plain', statusCode: '404' });
  });

  test('costs one rule with host and path, and no target group', () => {
    expect(stack.targetGroups).toEqual([]);
    expect(stack.listeners[1]?.rules).toMatchObject([
      {
        conditions: [
          { field: 'host-header', values: ['keeper.example.com'] },
          { field: 'path-pattern', values: ['/*'] },
        ],
        action: { type: 'fixed-response', statusCode: '404' },
        tags: { 'ingress.k8s.aws/resource': '443:1', owner: 'groundwork' },
      },
    ]);
  });
});

describe('rules', () => {
  test('stand in member order with priorities without gaps', () => {
    const members = ['a', 'b', 'c'].map((name) =>
      ingress({ name, annotations: HTTPS, rules: [{ host: `${name}.example.com`, service: name }] }),
    );
    const rules = stackOf(members).listeners[0]?.rules ?? [];
    expect(rules.map(({ conditions }) => conditions[0])).toMatchObject([
      { values: ['a.example.com'] },
      { values: ['b.example.com'] },
      { values: ['c.example.com'] },
    ]);
    expect(rules.map(({ tags }) => tags['ingress.k8s.aws/resource'])).toEqual(['443:1', '443:2', '443:3']);
  });

  test.each([
    ['Prefix', '/', ['/*']],
    ['Prefix', '/x', ['/x', '/x/*']],
    ['Prefix', '/x/', ['/x', '/x/*']],
    ['Exact', '/x', ['/x']],
    ['ImplementationSpecific', '/x/*', ['/x/*']],
    ['ImplementationSpecific', '', ['/*']],
  ])('path %s %s becomes %j', (pathType, path, values) => {
    const [listener] = stackOf([ingress({ name: 'a', rules: [{ path, pathType, service: 'a' }] })]).listeners;
    expect(listener?.rules[0]?.conditions).toEqual([{ field: 'path-pattern', values }]);
  });

  test('a redirect to its own listener is dropped, one to another port is kept', () => {
    const action = '{"type":"redirect","redirectConfig":{"protocol":"HTTPS","port":"443","statusCode":"HTTP_301"}}';
    const member = ingress({
      name: 'a',
      annotations: { 'listen-ports': '[{"HTTP":80},{"HTTPS":443}]', 'actions.up': action },
      rules: [{ host: 'a.example.com', service: 'up', port: 'use-annotation' }],
    });
    const stack = stackOf([member]);
    expect(stack.listeners.map(({ port, rules }) => [port, rules.length])).toEqual([
      [80, 1],
      [443, 0],
    ]);
  });

  test('conditions of an annotation are added to host and path', () => {
    const conditions = '[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"x-tenant","values":["blue"]}}]';
    const member = ingress({
      name: 'a',
      annotations: { 'conditions.a': conditions },
      rules: [{ host: 'a.example.com', service: 'a' }],
    });
    expect(stackOf([member]).listeners[0]?.rules[0]?.conditions[2]).toEqual({
      field: 'http-header',
      name: 'x-tenant',
      values: ['blue'],
    });
  });
});

describe('backends', () => {
  test('a weighted forward keeps its weights, 0 among them, and has a target group for each Service', () => {
    const stack = stackOf([weighted('a', ['blue', 100], ['green', 0])], [service('blue'), service('green')]);
    expect(stack.targetGroups.map(({ id }) => id)).toEqual(['shop/a-blue:80', 'shop/a-green:80']);
    expect(stack.listeners[0]?.rules[0]?.action).toEqual({
      type: 'forward',
      targets: [
        { targetGroup: 'shop/a-blue:80', weight: 100 },
        { targetGroup: 'shop/a-green:80', weight: 0 },
      ],
    });
  });

  test('plain and weighted use of a Service share the target group', () => {
    const blue = service('blue');
    const plain = ingress({ name: 'a', rules: [{ service: 'blue' }] });
    const before = stackOf([plain], [blue]).targetGroups[0];
    const after = stackOf([weighted('a', ['blue', 100], ['green', 0])], [blue, service('green')]).targetGroups[0];
    expect(after?.name).toBe(before?.name);
  });

  test('a recreated Service is another target group', () => {
    const member = ingress({ name: 'a', rules: [{ service: 'blue' }] });
    const [first] = stackOf([member], [service('blue')]).targetGroups;
    const [second] = stackOf([member], [service('blue')]).targetGroups;
    expect(first?.name).toMatch(/^k8s-shop-blue-[0-9a-f]{10}$/);
    expect(second?.name).not.toBe(first?.name);
  });

  test.each([
    [
      'a plain backend without its Service',
      ingress({ name: 'a', rules: [{ service: 'gone' }] }),
      'Backend service does not exist',
    ],
    [
      'an action without its annotation',
      ingress({ name: 'a', rules: [{ service: 'x', port: 'use-annotation' }] }),
      'Backend action does not exist',
    ],
  ])('%s answers 503', (_case, member, messageBody) => {
    expect(stackOf([member]).listeners[0]?.rules[0]?.action).toMatchObject({
      type: 'fixed-response',
      statusCode: '503',
      messageBody,
    });
  });

  test('annotations of the Service outrank those of the Ingress', () => {
    const member = ingress({
      name: 'a',
      annotations: { 'target-type': 'instance', 'healthcheck-path': '/no' },
      rules: [{ service: 'blue' }],
    });
    const [group] = stackOf(
      [member],
      [service('blue', { annotations: { 'target-type': 'ip', 'healthcheck-path': '/ready' } })],
    ).targetGroups;
    expect(group).toMatchObject({
      targetType: 'ip',
      port: 8080,
      healthCheck: { path: '/ready', intervalSeconds: 15, successCodes: '200' },
    });
  });
});

describe('one bad member is an error for the whole group', () => {
  const good = ingress({ name: 'good', annotations: HTTPS, rules: [{ host: 'good.example.com', service: 'good' }] });
  const named = (name: string, annotations: Record<string, string>) =>
    ingress({
      name,
      annotations: { ...HTTPS, ...annotations },
      rules: [{ host: `${name}.example.com`, service: name }],
    });

  test.each([
    [
      'a Service of a weighted forward is missing',
      weighted('bad', ['blue', 100], ['green', 0]),
      'ingress: shop/bad: Service "green" not found',
    ],
    ['a weight is missing', weighted('bad', ['blue', 1], ['blue', undefined]), 'missing weight'],
    [
      'broken JSON',
      named('bad', {}),
      'failed to parse json annotation, alb.ingress.kubernetes.io/actions.x: {',
      { 'actions.x': '{' },
    ],
    [
      'no certificate',
      ingress({ name: 'bad', annotations: HTTPS, rules: [{ host: 'a.b.example.com', service: 'x' }] }),
      'ingress: shop/bad: no certificate found for host: a.b.example.com',
    ],
    [
      'a name of 33 characters',
      named('bad', { 'load-balancer-name': 'x'.repeat(33) }),
      'load balancer name cannot be longer than 32 characters',
    ],
    ['an unknown scheme', named('bad', { scheme: 'public' }), 'unknown scheme: public'],
    [
      'a redirect to a missing listener',
      named('bad', { 'ssl-redirect': '8443' }),
      'listener does not exist for SSLRedirect port: 8443',
    ],
    [
      'another protocol on a port',
      named('bad', { 'listen-ports': '[{"HTTP":443}]' }),
      'conflicting protocol on port 443',
    ],
    [
      'an unknown port',
      ingress({ name: 'bad', rules: [{ service: 'blue', port: 9999 }] }),
      'unable to find port 9999 on service shop/blue',
    ],
  ])('%s', (_case, bad, text, more: Record<string, string> = {}) => {
    for (const [key, value] of Object.entries(more)) {
      const first = bad.spec?.rules?.[0]?.http?.paths[0];
      if (first) first.backend = { service: { name: key.replace('actions.', ''), port: { name: 'use-annotation' } } };
      bad.metadata.annotations = { ...bad.metadata.annotations, [`alb.ingress.kubernetes.io/${key}`]: value };
    }
    expect(build([good], [service('blue')]).ok).toBe(true);
    expect(errorOf([bad, good], [service('blue')])).toContain(text);
  });

  test.each([
    ['scheme', 'internal', 'internet-facing', 'conflicting scheme: [internal internet-facing]'],
    ['load-balancer-name', 'one', 'two', 'conflicting load balancer name: [one two]'],
    ['tags', 'owner=a', 'owner=b', 'conflicting tag owner: a | b'],
    ['ssl-redirect', '443', '8443', 'conflicting sslRedirect port: 443 | 8443'],
  ])('members contradict each other about %s', (annotation, a, b, text) => {
    expect(errorOf([named('a', { [annotation]: a }), named('b', { [annotation]: b })])).toContain(text);
  });

  test('two default backends', () => {
    const members = ['a', 'b'].map((name) => ingress({ name, defaultBackend: 'blue' }));
    expect(errorOf(members, [service('blue')])).toBe('multiple ingress defined default backend: [shop/a shop/b]');
  });
});

test('an explicit certificate is used as it is and makes 443 the default port', () => {
  const member = ingress({
    name: 'a',
    annotations: { 'certificate-arn': 'arn:cert/own' },
    rules: [{ host: 'no.certificate', service: 'a' }],
  });
  expect(stackOf([member]).listeners).toMatchObject([{ port: 443, protocol: 'HTTPS', certificates: ['arn:cert/own'] }]);
});

test('a group without members asks for nothing', () => {
  expect(stackOf([])).toEqual({ group: 'web', listeners: [], targetGroups: [] });
});

test('names of balancers without a wish are made of the group and differ by cluster and scheme', () => {
  const name = (annotations: Record<string, string>, id: string) =>
    stackOf([ingress({ name: 'a', annotations })], [], [], id).loadBalancer?.name ?? '';
  expect(name({}, 'a-very-long.group-name-indeed')).toMatch(/^k8s-averylonggroupnam-[0-9a-f]{10}$/);
  expect(name({}, 'shop/a')).toMatch(/^k8s-shop-a-[0-9a-f]{10}$/);
  expect(name({ scheme: 'internet-facing' }, 'web')).not.toBe(name({}, 'web'));
});
