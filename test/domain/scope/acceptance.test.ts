import { describe, expect, test } from 'vitest';
import { acceptCreation } from '../../../activities/scope/requests.ts';
import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import type { CandidateLoad } from '../../../contract/scope/status.ts';
import { keeperIngress } from '../../../domain/scope/keeper.ts';
import { autocreatedBalancerName, cutLabelValue, keeperHost } from '../../../domain/scope/names.ts';
import { type PlacementDecision, placeScope } from '../../../domain/scope/placement.ts';
import { resolveScopeRequest, type ScopeRequest } from '../../../domain/scope/request.ts';
import type { ScopeSettings } from '../../../domain/scope/settings.ts';
import { readConfiguration } from '../../../worker/configuration.ts';
import { declared, input, seen, settings } from './build.ts';

/** Rows of the specification's acceptance table that are decided without a server: from a whole input to the decision. */

function resolve(fields: Partial<ScopeCreationInput> = {}, from: ScopeSettings = settings()): ScopeRequest {
  const resolution = resolveScopeRequest(input(fields), from);
  if (!resolution.ok) throw new Error(resolution.problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return resolution.request;
}

/** What becomes of the input when the declared balancers show these numbers of rules. */
function decide(request: ScopeRequest, rules: Record<string, number>): PlacementDecision {
  const candidates = request.declared.map((name) =>
    declared(
      name,
      rules[name] === undefined ? { kind: 'absent' } : seen({ rules: rules[name], scheme: request.scheme }),
    ),
  );
  return placeScope(request, candidates, [], {
    scheme: request.scheme,
    thresholds: request.thresholds,
    autocreateEnabled: request.autocreate.enabled,
    baseDomain: request.suffix.base,
  });
}

const platform = (knobs: object) => ({ networking: { platform: { domainName: 'apps.example.com', ...knobs } } });
const shown = ({ name, rules, maxRules }: CandidateLoad) => `${name} ${rules}/${maxRules}`;

/** The message with which the input is refused before anything is called. */
function refusal(fields: object, from: ScopeSettings = settings()): string {
  try {
    acceptCreation(from, { ...input(), ...fields });
  } catch (error) {
    expect(error).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    return (error as Error).message;
  }
  throw new Error('the input was accepted');
}

describe('the pool', () => {
  test('S2: names at platform level are used by visibility', () => {
    const names = platform({ balancerPublicName: 'team-public', balancerPrivateName: 'team-private' });
    expect(resolve(names).declared).toEqual(['team-public']);
    expect(resolve({ ...names, visibility: 'private' }).declared).toEqual(['team-private']);
  });

  test.each([
    ['public', 'additionalPublicBalancers', 'k8s-groundwork-public'],
    ['private', 'additionalPrivateBalancers', 'k8s-groundwork-private'],
  ] as const)('S4: an additional balancer of the platform with fewer rules is chosen (%s)', (visibility, key, base) => {
    const request = resolve({ visibility, ...platform({ [key]: ['extra'] }) });
    expect(decide(request, { [base]: 50, extra: 10 })).toMatchObject({ kind: 'placed', balancer: 'extra' });
  });

  test('S5: the least loaded entry is chosen although another list names others: lists are merged', () => {
    const request = resolve({
      networking: {
        scope: { additionalPublicBalancers: ['of-scope'] },
        platform: { domainName: 'apps.example.com', additionalPublicBalancers: ['of-platform'] },
      },
    });
    const rules = { 'k8s-groundwork-public': 50, 'of-scope': 40, 'of-platform': 10 };
    expect(decide(request, rules)).toMatchObject({ kind: 'placed', balancer: 'of-platform' });
  });

  test.each([[{}], [{ additionalPublicBalancers: [] }], [{ additionalPublicBalancers: null }]])(
    'S15: with the list %j the base is the only candidate, and its load is judged',
    (knobs) => {
      const request = resolve(platform(knobs));
      expect(decide(request, { 'k8s-groundwork-public': 10 })).toMatchObject({ kind: 'placed' });
      expect(decide(request, { 'k8s-groundwork-public': 75 })).toMatchObject({ kind: 'no-capacity' });
    },
  );
});

describe('full', () => {
  test('S22: a base alone over the threshold is joined by a new balancer', () => {
    const request = resolve(platform({ albMaxCapacity: 50, autocreateEnabled: true }));
    expect(decide(request, { 'k8s-groundwork-public': 60 }).kind).toBe('create');
  });

  test('S23: a base alone with 16 of 10, autocreate off: no capacity, naming 16/10', () => {
    const decision = decide(resolve(platform({ albMaxCapacity: 10 })), { 'k8s-groundwork-public': 16 });
    expect(decision).toMatchObject({ kind: 'no-capacity', reason: expect.stringContaining('16/10') });
  });

  test.each([75, 90])('S48: %i of 75 is full, and the hints include autocreate', (rules) => {
    const decision = decide(resolve(), { 'k8s-groundwork-public': rules });
    expect(decision).toMatchObject({ kind: 'no-capacity' });
    expect(decision.candidates.map(shown)).toEqual([`k8s-groundwork-public ${rules}/75`]);
    expect(decision.kind === 'no-capacity' && decision.hints.join()).toContain('autocreate');
  });

  test('S47: ten rules on one listener leave room', () => {
    expect(decide(resolve(), { 'k8s-groundwork-public': 10 }).kind).toBe('placed');
  });

  test('S50: without a threshold 75 is used; S51: 60 rules are full at the worker setting of 50', () => {
    expect(decide(resolve(), { 'k8s-groundwork-public': 60 }).kind).toBe('placed');
    const decision = decide(resolve({}, settings({ albMaxCapacity: 50 })), { 'k8s-groundwork-public': 60 });
    expect(decision.candidates.map(shown)).toEqual(['k8s-groundwork-public 60/50']);
    expect(decision.kind).toBe('no-capacity');
  });
});

describe('names', () => {
  const key = { region: 'us-east-1', scheme: 'internet-facing', visibility: 'public', scopeId: '123' } as const;

  test.each([
    ['groundwork', /^groundwork-auto-public-[a-f0-9]{6}$/],
    ['nullplatform', /^nullplatform-auto-public-[a-f0-9]{6}$/],
  ] as const)('S25: the new balancer of preset %s has the same name on every repeat', (preset, pattern) => {
    const { prefix } = resolve({}, settings({}, preset)).autocreate;
    const names = [1, 2, 3].map(() => autocreatedBalancerName({ prefix, ...key }));
    expect(new Set(names).size).toBe(1);
    expect(names[0]).toMatch(pattern);
  });

  test('S26: a private one says so', () => {
    const private_ = { ...key, scheme: 'internal', visibility: 'private' } as const;
    expect(autocreatedBalancerName({ prefix: 'groundwork-auto-', ...private_ })).toMatch(
      /^groundwork-auto-private-[a-f0-9]{6}$/,
    );
  });

  test('S27: a prefix of one’s own is in the name, and the keeper bears the name', () => {
    const { prefix } = resolve(platform({ autocreateNamePrefix: 'team-a-' })).autocreate;
    const balancer = autocreatedBalancerName({ prefix, ...key });
    expect(balancer).toMatch(/^team-a-public-[a-f0-9]{6}$/);
    const host = keeperHost(resolve().slugs, balancer, { base: 'apps.example.com' });
    const keeper = keeperIngress({
      brand: 'groundwork',
      balancer,
      scheme: 'internet-facing',
      scopeId: '123',
      namespace: 'prod',
      host,
    });
    expect(keeper.metadata).toMatchObject({
      name: `groundwork-autocreate-${balancer}`,
      annotations: { 'alb.ingress.kubernetes.io/load-balancer-name': balancer },
    });
  });

  test('S82: a label value made from slugs is cut to 63 characters and ends alphanumeric', () => {
    const slugs = { account: 'acme', namespace: 'n'.repeat(61), application: '-api', scope: 'prod' };
    expect(resolve({ slugs }).labels['app.kubernetes.io/part-of']).toBe('n'.repeat(61));
    expect(cutLabelValue('x'.repeat(80))).toHaveLength(63);
  });

  test('S83: the account slug is in the host or not, as applicationDomain says', () => {
    expect(resolve().domain).toMatch(/^payments-api-prod-[a-z]{5}\.apps\.example\.com$/);
    expect(resolve(platform({ applicationDomain: true })).domain).toMatch(
      /^payments-api-prod-[a-z]{5}\.acme\.apps\.example\.com$/,
    );
  });
});

describe('refused before any call', () => {
  test.each(['Upper-', 'this-is-19-charact-', '-lead', 'internal-'])('S34: the prefix %s', (autocreateNamePrefix) => {
    expect(refusal(platform({ autocreateNamePrefix }))).toContain('networking.platform.autocreateNamePrefix');
  });

  test.each(['soon', 0, -5])('S44: an autocreate timeout of %j', (autocreateTimeoutSeconds) => {
    expect(refusal(platform({ autocreateTimeoutSeconds }))).toContain('networking.platform.autocreateTimeoutSeconds');
  });

  test.each(['soon', '0', '-5'])('S44: a worker whose autocreate timeout is %j does not start', (value) => {
    const reading = readConfiguration({ GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: value });
    expect(reading.ok).toBe(false);
    expect(!reading.ok && reading.problems.join()).toContain('GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS');
  });

  test.each(['many', '7.5', 0])('S55: a threshold of %j', (albMaxCapacity) => {
    expect(refusal(platform({ albMaxCapacity }))).toContain('networking.platform.albMaxCapacity');
  });

  test.each(['azure', 'bind'])('S67: the DNS type %s is refused, naming the two that exist', (dnsType) => {
    expect(refusal({ dnsType })).toMatch(/^dnsType: .*route53.*external_dns/);
  });

  test('S68: an empty DNS type is the default', () => {
    expect(resolve({ dnsType: '' as 'route53' }).dnsType).toBe('route53');
    expect(acceptCreation(settings(), { ...input(), dnsType: '' }).dnsType).toBe('route53');
  });

  test('S83: no base domain, except in the preset, which has one', () => {
    expect(refusal({ networking: {} })).toContain('domainName');
    expect(resolve({ networking: {} }, settings({}, 'nullplatform')).domain).toMatch(/\.nullapps\.io$/);
  });

  test.each(['account', 'namespace', 'application', 'scope'])('S86: a missing slug %s is named', (missing) => {
    const { [missing]: _gone, ...slugs } = input().slugs as unknown as Record<string, string>;
    expect(refusal({ slugs })).toContain(`slugs.${missing}: is required`);
  });
});

test('S85: the same slugs give the same letters, another slug gives others', () => {
  const letters = (scope: string) => /-([a-z]{5})\./.exec(resolve({ slugs: { ...input().slugs, scope } }).domain)?.[1];
  expect(letters('prod')).toBe(letters('prod'));
  expect(letters('prod')).not.toBe(letters('stage'));
});

test('S32: an input without nrn is accepted, and the labels with ids are left out', () => {
  expect(Object.keys(resolve().labels)).toEqual(['groundwork', 'app.kubernetes.io/part-of', 'scope_id']);
});
