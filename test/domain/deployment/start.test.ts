import { describe, expect, test } from 'vitest';
import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import { capacityProblem, othersLoad, peakLoad } from '../../../domain/deployment/capacity.ts';
import { chooseBalancer } from '../../../domain/deployment/drift.ts';
import { expectedRouting, type FoundIngress, routingOf } from '../../../domain/deployment/expected.ts';
import { ingresses } from '../../../domain/deployment/objects/routing.ts';
import { greenAlone, type OwnRouting, weighted } from '../../../domain/deployment/rollout/routing.ts';
import { portsOnlyBlue, routeShape, servicesLeft, wholeShape } from '../../../domain/deployment/shape.ts';
import { type FoundScope, judgeStart } from '../../../domain/deployment/start.ts';
import { blueMain, request } from './build.ts';

const green = { name: 'd-7-42', port: 8080 };

function ingressesOf(
  routing: OwnRouting,
  fields: Partial<DeploymentInput> = {},
  services = [blueMain],
): FoundIngress[] {
  const read = request(fields);
  return ingresses(read, 'k8s-groundwork-public', routeShape(read, services), routing);
}

const existing = (...given: Parameters<typeof ingressesOf>) => routingOf(ingressesOf(...given));

const found = (fields: Partial<FoundScope> = {}): FoundScope => ({
  routing: existing({ form: 'single', side: 'blue' }),
  services: [blueMain],
  deployments: [{ name: 'd-7-41', count: 6 }],
  ending: [],
  deploymentIds: ['41'],
  ...fields,
});

const start = (facts: FoundScope, fields: Partial<DeploymentInput> = {}) => judgeStart(request(fields), facts);
const failureOf = (facts: FoundScope, fields: Partial<DeploymentInput> = {}) => {
  const verdict = start(facts, fields);
  return verdict.ok ? undefined : verdict.failure;
};

describe('where a rollout begins', () => {
  test('blue serves alone: nothing of green is routed', () => {
    expect(start(found())).toMatchObject({
      ok: true,
      plan: { blue: '41', green: '42', replicas: 10, blueReplicas: 6, orphans: [] },
      state: { percent: 0, applied: { form: 'before' }, counts: { blue: 6, green: 10 }, greenApplied: 'no' },
    });
  });

  test('a repeat goes on at the percentage of the Ingress (N5)', () => {
    const facts = found({
      routing: existing(weighted(50)),
      services: [blueMain, green],
      deploymentIds: ['41', '42'],
    });
    expect(start(facts)).toMatchObject({
      state: { percent: 50, applied: weighted(50), greenApplied: 'begun', greenHadWeight: true },
    });
  });

  test('a repeat after blue was partly removed finalizes', () => {
    const facts = found({ routing: existing(greenAlone), services: [green], deploymentIds: ['41', '42'] });
    expect(start(facts)).toMatchObject({ ok: true, state: { finalizing: true, drained: ['blue'], percent: 100 } });
  });

  test.each<[string, Partial<FoundScope>, boolean]>([
    ['whole', {}, false],
    ['without its Service', { services: [green] }, true],
    ['without its Deployment', { deployments: [] }, true],
    ['being deleted', { ending: ['d-7-41'] }, true],
  ])('where green serves alone and blue is %s, the way back is there or closed', (_, fields, removalBegun) => {
    const facts = found({
      routing: existing(greenAlone),
      services: [blueMain, green],
      deploymentIds: ['41', '42'],
      ...fields,
    });
    expect(start(facts)).toMatchObject({ state: { finalizing: true, removalBegun } });
  });

  describe('with a Service that is being deleted', () => {
    const bluePort = { name: 'd-7-41-http-9000', port: 9000 };
    const services = [blueMain, bluePort, green];
    const ending = ['d-7-41', bluePort.name];
    const both = { routing: existing(weighted(50)), services, deploymentIds: ['41', '42'] };
    const routed = (facts: FoundScope, fields?: Partial<DeploymentInput>, routing: OwnRouting = greenAlone) => {
      const verdict = start(facts, fields);
      if (!verdict.ok) throw new Error(verdict.failure.message);
      const { shape, plan } = verdict;
      return { rules: expectedRouting(shape, routing).map(({ port, weights }) => [port, weights]), shape, plan };
    };

    test.each([
      ['the main one too', { ending }],
      ['the main one gone', { services: [bluePort, green], ending: [bluePort.name] }],
      ['not yet, the main one gone', { services: [bluePort, green] }],
    ])('a repeat routes no port that only blue had, %s, and removes what leads there', (_, fields) => {
      const { rules, plan, shape } = routed(found({ ...both, routing: existing(greenAlone), ...fields }));
      expect(rules).toEqual([[443, { 'd-7-42': 100 }]]);
      expect(plan.portsOnlyBlue).toEqual([9000]);
      expect(portsOnlyBlue(shape).map(({ ingress }) => ingress)).toEqual(['k-8-s-prod-7-http-9000-internet-facing']);
    });

    test('of a port, blue gets nothing there', () => {
      const facts = found({ ...both, ending: [bluePort.name] });
      const main = [443, { 'd-7-41': 50, 'd-7-42': 50 }];
      const onlyBlue = routed(facts, {}, weighted(50));
      expect(onlyBlue.rules).toEqual([main]);
      expect(onlyBlue.plan.portsOnlyBlue).toEqual([9000]);
      const workload = { image: 'a', additionalPorts: [{ port: 9000, type: 'HTTP' as const }] };
      const { rules, plan } = routed(facts, { workload }, weighted(50));
      expect(rules).toEqual([main, [9000, { 'd-7-42-http-9000': 100 }]]);
      expect(plan.portsOnlyBlue).toEqual([]);
    });

    test('the main one while blue serves: BlueMissing', () => {
      expect(failureOf(found({ ending: ['d-7-41'] }))).toMatchObject({
        type: 'BlueMissing',
        message: expect.stringContaining('the main Service d-7-41 of 41 is being deleted'),
      });
    });
  });

  test('an initial rollout finds nothing, or what its first attempt left', () => {
    const nothing = found({ routing: [], services: [], deployments: [], deploymentIds: [] });
    expect(start(nothing, { currentDeploymentId: null })).toMatchObject({
      ok: true,
      state: { applied: { form: 'before' } },
    });
    const again = found({ routing: existing(greenAlone), services: [green], deploymentIds: ['42'] });
    expect(start(again, { currentDeploymentId: null })).toMatchObject({ ok: true, state: { applied: greenAlone } });
  });

  test('objects of a third deployment without weight are orphans (D77)', () => {
    expect(start(found({ deploymentIds: ['41', '40', '39', '40'] }))).toMatchObject({
      plan: { orphans: ['39', '40'] },
    });
  });

  test('ports that only blue has are remembered', () => {
    const services = [blueMain, { name: 'd-7-41-http-8081', port: 8081 }];
    expect(start(found({ services }))).toMatchObject({ plan: { portsOnlyBlue: [8081] } });
  });

  test('a third deployment with weight: LeftoverRollout names it (D77)', () => {
    const facts = found({ routing: existing(weighted(10), { deploymentId: '40' }) });
    expect(failureOf(facts)).toMatchObject({ type: 'LeftoverRollout', details: { deployment: '40', percent: 10 } });
    expect(failureOf(facts)?.message).toContain('finish or roll back that one');
  });

  test('an initial rollout of a scope that serves already', () => {
    expect(failureOf(found(), { currentDeploymentId: null })).toMatchObject({
      type: 'LeftoverRollout',
      details: { deployment: '41' },
    });
  });

  test.each([
    ['its main Service is missing', found({ services: [] }), 'the main Service d-7-41 of 41 is missing'],
    ['nothing routes the host', found({ routing: [] }), 'nothing routes app.example.com'],
    [
      'the Ingress has no weight of it',
      found({ routing: routingOf(ingressesOf(greenAlone).map(withoutBackends)) }),
      '41 is not what app.example.com is routed to (nothing)',
    ],
  ])('BlueMissing when %s', (_, facts, words) => {
    const failure = failureOf(facts);
    expect(failure?.type).toBe('BlueMissing');
    expect(failure?.message).toContain(words);
  });

  describe('of a repeat that goes without a port of its first attempt', () => {
    const left = { name: 'd-7-42-http-9090', port: 9090 };
    const workload = { image: 'a', additionalPorts: [{ port: 9090, type: 'HTTP' as const }] };
    const routing = existing(weighted(50), { workload });
    const facts = (fields: Partial<FoundScope> = {}) =>
      found({ routing, services: [blueMain, green, left], deploymentIds: ['41', '42'], ...fields });

    test.each<[string, FoundScope, Partial<DeploymentInput>]>([
      ['there', facts(), {}],
      ['named, and removed by somebody', facts({ services: [blueMain, green] }), {}],
      ['there, and no Ingress names it', facts({ routing: existing(weighted(50)) }), {}],
      [
        'of an initial rollout',
        facts({ routing: existing(greenAlone, { workload }), services: [green, left] }),
        { currentDeploymentId: null },
      ],
    ])('nothing is led to its Service (%s), and its Ingress goes in the end', (_, given, fields) => {
      const verdict = start(given, fields);
      if (!verdict.ok) throw new Error(verdict.failure.message);
      const { plan, shape } = verdict;
      expect(expectedRouting(shape, greenAlone).map(({ port }) => port)).toEqual([443]);
      expect(wholeShape(shape).ports.map(({ ingress }) => ingress)).toEqual([
        'k-8-s-prod-7-internet-facing',
        'k-8-s-prod-7-http-9090-internet-facing',
      ]);
      expect(plan.portsOnlyBlue).toEqual([9090]);
    });

    test('a port that blue has too goes to blue alone', () => {
      const verdict = start(facts({ services: [blueMain, { name: 'd-7-41-http-9090', port: 9090 }, green, left] }));
      expect(verdict.ok && expectedRouting(verdict.shape, weighted(50))[1]).toMatchObject({
        port: 9090,
        weights: { 'd-7-41-http-9090': 100 },
      });
    });

    test('what is left of green are the Services of ports that it goes without', () => {
      const all = [blueMain, { name: 'd-7-41-http-9090' }, green, left, { name: 'd-7-42-grpc-9090' }];
      expect(servicesLeft(request(), all)).toEqual([left, { name: 'd-7-42-grpc-9090' }]);
      expect(servicesLeft(request({ workload }), all)).toEqual([{ name: 'd-7-42-grpc-9090' }]);
    });

    test.each<[string, Partial<FoundScope>, string[]]>([
      ['routed', {}, ['workload.additionalPorts.0.type', 'workload.mainPort']],
      ['not routed yet', { routing: existing({ form: 'single', side: 'blue' }) }, []],
    ])('what is %s keeps its main port, and its additional ports their type', (_, fields, paths) => {
      const failure = failureOf(facts(fields), {
        workload: { image: 'a', mainPort: 3000, additionalPorts: [{ port: 9090, type: 'GRPC' }] },
      });
      const wrong = (failure?.details?.fields ?? []) as { path: string }[];
      expect(wrong.map(({ path }) => path)).toEqual(paths);
      if (paths.length > 0) expect(failure?.message).toContain('repeat with 8080, and roll back to change it');
    });
  });

  test('a port cannot change its type', () => {
    const services = [blueMain, { name: 'd-7-41-http-8081', port: 8081 }];
    const workload = { image: 'a', additionalPorts: [{ port: 8081, type: 'GRPC' as const }] };
    expect(failureOf(found({ services }), { workload })).toMatchObject({
      type: 'InvalidInput',
      details: { fields: [{ path: 'workload.additionalPorts.0.type' }] },
    });
  });
});

function withoutBackends(ingress: FoundIngress): FoundIngress {
  return { ...ingress, spec: { rules: [{ host: 'app.example.com' }] } };
}

describe('which balancer', () => {
  const ledger = (balancer: string) => ({ balancer, state: 'bound' as const });

  test('ledger, Ingress and alias agree, or the others do not exist yet', () => {
    expect(chooseBalancer('7', { ledger: ledger('a'), ingress: 'a', aliases: ['a', 'a'] })).toMatchObject({
      kind: 'use',
      balancer: 'a',
      adopted: false,
      follow: [],
    });
    expect(chooseBalancer('7', { ledger: ledger('a'), aliases: [] })).toMatchObject({ kind: 'use', balancer: 'a' });
  });

  test.each([
    [{ ledger: { ...ledger('a'), holder: 'scope-deletion/7@r' }, aliases: [] }, 'ScopeBusy', 'scope-deletion/7@r'],
    [{ ledger: { balancer: 'a', state: 'reserved' as const }, aliases: [] }, 'ScopeNotReady', 'not finished'],
  ])('a scope that is not at rest: %j (D1)', (sources, type, words) => {
    const choice = chooseBalancer('7', sources);
    expect(choice).toMatchObject({ kind: 'refused', failure: { type } });
    expect(choice.kind === 'refused' && choice.failure.message).toContain(words);
  });

  const drifted = { ledger: ledger('a'), ingress: 'b', aliases: ['a'] };

  test('drift tells all three values and changes nothing (N6)', () => {
    expect(chooseBalancer('7', drifted)).toMatchObject({
      kind: 'refused',
      failure: { type: 'BalancerDrift', details: { ledger: 'a', ingress: 'b', alias: 'a' } },
    });
  });

  test('adopt says which one wins and what follows (N6)', () => {
    expect(chooseBalancer('7', drifted, 'ledger')).toMatchObject({ kind: 'use', balancer: 'a', follow: ['ingress'] });
    expect(chooseBalancer('7', drifted, 'ingress')).toMatchObject({ balancer: 'b', follow: ['ledger', 'alias'] });
    const warnings = chooseBalancer('7', drifted, 'ledger');
    expect(warnings.kind === 'use' && warnings.warnings.map(({ code }) => code)).toEqual([
      'BalancerAdopted',
      'IngressMoves',
    ]);
  });

  test('zones that lead to different balancers disagree, too', () => {
    expect(chooseBalancer('7', { ledger: ledger('a'), aliases: ['a', 'c'] })).toMatchObject({
      failure: { type: 'BalancerDrift', details: { alias: 'a and c' } },
    });
  });

  test('adopt of a source that says nothing stays drift', () => {
    expect(chooseBalancer('7', { ingress: 'a', aliases: ['b'] }, 'ledger')).toMatchObject({ kind: 'refused' });
  });

  test('a scope unknown to the ledger is adopted from its Ingress, then its alias, else placed (N7)', () => {
    expect(chooseBalancer('7', { ingress: 'a', aliases: [] })).toMatchObject({ balancer: 'a', adopted: true });
    expect(chooseBalancer('7', { aliases: ['b'] })).toMatchObject({ balancer: 'b', adopted: true });
    expect(chooseBalancer('7', { aliases: [] })).toMatchObject({ kind: 'place', warnings: [{ code: 'PlacedAfresh' }] });
  });
});

describe('room for the height of the rollout', () => {
  const ports = [
    { port: 8081, type: 'HTTP' as const },
    { port: 9090, type: 'GRPC' as const },
  ];
  const services = [blueMain, { name: 'd-7-41-http-8081', port: 8081 }, { name: 'd-7-41-grpc-9090', port: 9090 }];
  const shape = routeShape(request({ workload: { image: 'a', additionalPorts: ports } }), services);
  const thresholds = { rules: 75, targetGroups: 98, listeners: 48, certificates: 24 };
  const others = { rules: 10, targetGroups: 95, listeners: 2 };

  test('counts both sides of every port, listeners that nobody else has, and rules per host', () => {
    expect(peakLoad(shape, [])).toEqual({ targetGroups: 6, listeners: 2, rules: 3 });
    expect(peakLoad(shape, [8081])).toMatchObject({ listeners: 1 });
  });

  test('95 target groups of others: two ports do not fit, none do (N8)', () => {
    const failure = capacityProblem('alb', others, peakLoad(shape, []), thresholds, 1);
    expect(failure?.type).toBe('NoCapacity');
    expect(failure?.message).toContain('target groups 95 + 6 of 98, listeners 2 + 2 of 48, rules 10 + 3 of 75');
    expect(failure?.message).toContain('cannot be raised');
    expect(
      capacityProblem('alb', others, peakLoad(routeShape(request(), [blueMain]), []), thresholds, 1),
    ).toBeUndefined();
  });

  test('a rollout that adds no rule is not refused for rules', () => {
    const full = { rules: 75, targetGroups: 0, listeners: 2 };
    const peak = { rules: 1, targetGroups: 2, listeners: 0 };
    expect(capacityProblem('alb', full, peak, thresholds, 1)).toBeUndefined();
    expect(capacityProblem('alb', full, peak, thresholds, 0)).toMatchObject({ details: { crossed: ['rules'] } });
  });

  test('listeners and target groups at the threshold refuse even what adds none', () => {
    const peak = { rules: 1, targetGroups: 0, listeners: 0 };
    const full = { rules: 0, targetGroups: 0, listeners: 48 };
    expect(capacityProblem('alb', full, peak, thresholds, 1)).toMatchObject({ details: { crossed: ['listeners'] } });
  });

  test('what the scope has there itself is not held against it', () => {
    const own = { rules: 3, targetGroups: 6, listeners: 2 };
    expect(othersLoad({ rules: 13, targetGroups: 98, listeners: 4 }, own)).toEqual({
      rules: 10,
      targetGroups: 92,
      listeners: 2,
    });
    expect(othersLoad({ rules: 1, targetGroups: 1, listeners: 1 }, own)).toEqual({
      rules: 0,
      targetGroups: 0,
      listeners: 0,
    });
  });
});
