import { describe, expect, test } from 'vitest';
import { expectedRouting } from '../../../domain/deployment/expected.ts';
import { compareRules } from '../../../domain/deployment/gate.ts';
import { type FoundRoute, judgeRoutes, routingOfRoutes, rulesOfRoutes } from '../../../domain/deployment/http-route.ts';
import { httpRoute } from '../../../domain/deployment/objects/routing.ts';
import { greenAlone, type OwnRouting, weighted } from '../../../domain/deployment/rollout/routing.ts';
import { routeShape } from '../../../domain/deployment/shape.ts';
import { blueMain, input, problems, request } from './build.ts';

const scope = { ...input().scope, dnsType: 'external_dns' as const };
const read = request({ scope, hosts: { domain: 'app.example.com', custom: ['tls.shop.example'] } });
const shape = routeShape(read, [blueMain, { name: 'd-7-41-http-8081', port: 8081 }]);
const routeOf = (routing: OwnRouting) => httpRoute(read, shape, routing) as unknown as FoundRoute;

type Backend = NonNullable<NonNullable<NonNullable<FoundRoute['spec']>['rules']>[number]['backendRefs']>[number];
const withBackends = (...backendRefs: Backend[]): FoundRoute[] => [
  {
    metadata: { namespace: 'groundwork' },
    spec: { hostnames: ['App.example.com', 'tls.shop.example'], rules: [{ backendRefs }] },
  },
];

describe('what an HTTPRoute asks for', () => {
  test.each([weighted(0), weighted(25), weighted(100), greenAlone])('of ours is what is expected: %o', (routing) => {
    const expected = expectedRouting(shape, routing);
    expect(expected.map(({ port }) => port)).toEqual([443, 443]);
    const routes = [routeOf(routing)];
    expect(compareRules(expected, rulesOfRoutes(routes))).toMatchObject({ converged: true, actual: expected });
    expect(routingOfRoutes(routes)).toEqual(expected);
    expect(compareRules(expectedRouting(shape, weighted(26)), rulesOfRoutes(routes)).converged).toBe(false);
  });

  test.each<[string, FoundRoute[], string]>([
    ['is absent', [], 'no rule'],
    ['has a single backend of weight 0', withBackends({ name: 'd-7-42', weight: 0 }), 'a rule that does not forward'],
    [
      'has a Service of another namespace',
      withBackends({ name: 'd-7-42', namespace: 'other' }),
      'Service other/d-7-42 100 %',
    ],
    [
      'has another kind',
      withBackends({ name: 'd-7-42', kind: 'ServiceImport' }),
      'ServiceImport groundwork/d-7-42 100 %',
    ],
    [
      'has weights that are left out',
      withBackends({ name: 'd-7-41' }, { name: 'd-7-42', weight: 3 }),
      'd-7-41 25 %, d-7-42 75 %',
    ],
    [
      'has a second rule',
      [
        {
          ...routeOf(greenAlone),
          spec: {
            ...routeOf(greenAlone).spec,
            rules: [...(routeOf(greenAlone).spec?.rules ?? []), { backendRefs: [{ name: 'admin' }] }],
          },
        },
      ],
      'admin 100 %',
    ],
  ])('is told when it %s', (_, routes, actual) => {
    const { converged, differences } = compareRules(expectedRouting(shape, greenAlone), rulesOfRoutes(routes));
    expect(converged).toBe(false);
    expect(differences).toHaveLength(2);
    expect(differences[0]).toBe(`443 app.example.com: expected d-7-42 100 %, actual ${actual}`);
  });

  test('it takes sixteen hosts', () => {
    const custom = (count: number) => Array.from({ length: count }, (_, index) => `h${index}.shop.example`);
    expect(problems({ scope, hosts: { domain: 'app.example.com', custom: custom(15) } })).toEqual([]);
    expect(problems({ scope, hosts: { domain: 'app.example.com', custom: custom(16) } })).toEqual([
      'hosts.custom: an HTTPRoute takes 16 hosts, and these are 17',
    ]);
    expect(problems({ hosts: { domain: 'app.example.com', custom: custom(16) } })).toEqual([]);
  });
});

describe('what gateways say of it', () => {
  const parentRef = { name: 'gateway-public', namespace: 'gateways' };
  const condition = (type: string, status: string, message = '', observedGeneration = 2, reason = 'Because') => ({
    type,
    status,
    reason,
    message,
    observedGeneration,
  });
  const good = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')];
  type Parents = NonNullable<NonNullable<FoundRoute['status']>['parents']>;
  const routeWith = (parents: Parents, generation = 2): FoundRoute => ({
    ...routeOf(weighted(25)),
    metadata: { name: 'r', namespace: 'groundwork', generation },
    status: { parents },
  });
  const judge = (conditions: typeof good) => judgeRoutes([routeWith([{ parentRef, conditions }])]);

  test('all say yes to this generation: accepted; so is a route that is not there', () => {
    expect(judge(good)).toEqual({ kind: 'accepted' });
    expect(judgeRoutes([])).toEqual({ kind: 'accepted' });
  });

  test.each([
    ['an older generation', [condition('Accepted', 'True', '', 1), condition('ResolvedRefs', 'True')]],
    ['an older refusal', [condition('Accepted', 'False', 'no listener', 1), condition('ResolvedRefs', 'True')]],
    ['Unknown', [condition('Accepted', 'Unknown'), condition('ResolvedRefs', 'True')]],
    ['one condition', [condition('Accepted', 'True')]],
  ])('waits with %s', (_, conditions) => {
    expect(judge(conditions)).toMatchObject({ kind: 'waiting', missing: [] });
  });

  test('waits for a parent that has said nothing, whatever another one says', () => {
    expect(judgeRoutes([routeWith([])])).toMatchObject({ kind: 'waiting', missing: ['gateways/gateway-public'] });
    const other = { name: 'gateway-internal', namespace: 'gateways' };
    expect(judgeRoutes([routeWith([{ parentRef: other, conditions: good }])])).toMatchObject({
      kind: 'waiting',
      message: 'gateway gateways/gateway-public has not looked at the HTTPRoute yet',
    });
  });

  test('what is said for a parent that the route no longer names does not count', () => {
    const left = { parentRef: { ...parentRef, sectionName: 'old' }, conditions: [condition('Accepted', 'False')] };
    expect(judgeRoutes([routeWith([left, { parentRef, conditions: good }])])).toEqual({ kind: 'accepted' });
  });

  test('every controller that speaks for a parent must agree', () => {
    const refused = { parentRef, conditions: [condition('Accepted', 'False', 'not mine')] };
    expect(judgeRoutes([routeWith([{ parentRef, conditions: good }, refused])]).kind).toBe('refused');
  });

  test.each([
    ['Service groundwork/d-7-42 not found', 'BackendNotFound', 'RouteNotAccepted'],
    ['Secret gateways/wildcard was not found', 'InvalidCertificateRef', 'CertificateMissing'],
    ['listener https: TLS certificate was not found', 'NoReadyListeners', 'CertificateMissing'],
    // A host of the scope is no word about TLS.
    ['no listener has tls.shop.example', 'NoMatchingListenerHostname', 'RouteNotAccepted'],
  ])('refused with "%s" (%s): %s', (message, reason, type) => {
    const verdict = judge([condition('Accepted', 'True'), condition('ResolvedRefs', 'False', message, 2, reason)]);
    expect(verdict).toEqual({
      kind: 'refused',
      type,
      message: `gateway gateways/gateway-public: ResolvedRefs is False, ${reason}, ${message}`,
    });
  });
});
