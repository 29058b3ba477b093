import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import { hostProblem } from '../../../domain/scope/hosts.ts';
import { resolveScopeRequest, type ScopeRequest, zonesOf } from '../../../domain/scope/request.ts';
import type { ScopeSettings } from '../../../domain/scope/settings.ts';
import { input, settings } from './build.ts';

function resolve(fields: Partial<ScopeCreationInput> = {}, from: ScopeSettings = settings()): ScopeRequest {
  const resolution = resolveScopeRequest(input(fields), from);
  if (!resolution.ok) throw new Error(resolution.problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return resolution.request;
}

function problems(fields: Partial<ScopeCreationInput> = {}, from: ScopeSettings = settings()): string[] {
  const resolution = resolveScopeRequest(input(fields), from);
  return resolution.ok ? [] : resolution.problems.map(({ path }) => path);
}

const platform = (knobs: object) => ({ networking: { platform: { domainName: 'apps.example.com', ...knobs } } });

describe('balancers', () => {
  test.each([
    ['groundwork', 'public', 'k8s-groundwork-public'],
    ['groundwork', 'private', 'k8s-groundwork-private'],
    ['nullplatform', 'public', 'k8s-nullplatform-internet-facing'],
    ['nullplatform', 'private', 'k8s-nullplatform-internal'],
  ] as const)('S1: preset %s, %s: %s is the base', (preset, visibility, name) => {
    expect(resolve({ visibility }, settings({}, preset)).declared).toEqual([name]);
  });

  test('S3: the scope-level name wins over the platform-level one, for both visibilities', () => {
    const networking = {
      scope: { balancerPublicName: 'scope-public', balancerPrivateName: 'scope-private' },
      platform: {
        domainName: 'apps.example.com',
        balancerPublicName: 'platform-public',
        balancerPrivateName: 'platform-private',
      },
    };
    expect(resolve({ networking }).declared).toEqual(['scope-public']);
    expect(resolve({ networking, visibility: 'private' }).declared).toEqual(['scope-private']);
  });

  test('lists of all levels are merged after the base, the first mention wins', () => {
    const networking = {
      scope: { additionalPublicBalancers: ['b', 'a'] },
      platform: { domainName: 'apps.example.com', additionalPublicBalancers: ['a', 'c'] },
    };
    expect(resolve({ networking }, settings({ additionalPublicBalancers: ['d', 'b'] })).declared).toEqual([
      'k8s-groundwork-public',
      'b',
      'a',
      'c',
      'd',
    ]);
  });

  test('a name that AWS would refuse is refused with its list', () => {
    expect(problems(platform({ additionalPublicBalancers: ['internal-x'] }))).toEqual([
      'networking.additionalPublicBalancers',
    ]);
  });
});

describe('precedence', () => {
  test('S51, S87: scope over platform over worker over default', () => {
    const worker = settings({ albMaxCapacity: 50 });
    expect(resolve().thresholds.rules).toBe(75);
    expect(resolve({}, worker).thresholds.rules).toBe(50);
    expect(resolve(platform({ albMaxCapacity: 60 }), worker).thresholds.rules).toBe(60);
    const both = {
      networking: { scope: { albMaxCapacity: '70' }, platform: { domainName: 'apps.example.com', albMaxCapacity: 60 } },
    };
    expect(resolve(both, worker).thresholds.rules).toBe(70);
  });

  test('S87: null and the empty string are not set', () => {
    expect(resolve(platform({ albMaxCapacity: null }), settings({ albMaxCapacity: 50 })).thresholds.rules).toBe(50);
    expect(resolve(platform({ albMaxCapacity: '' }), settings({ albMaxCapacity: 50 })).thresholds.rules).toBe(50);
  });

  test('S87: a platform-level false turns off what the worker has on', () => {
    const worker = settings({ autocreateEnabled: true });
    expect(resolve({}, worker).autocreate.enabled).toBe(true);
    expect(resolve(platform({ autocreateEnabled: false }), worker).autocreate.enabled).toBe(false);
  });
});

describe('wrong fields are named by path', () => {
  test.each([
    ['region', { region: 'nowhere' }],
    ['networking.platform.albMaxCapacity', platform({ albMaxCapacity: 'many' })],
    ['networking.platform.albMaxTargetGroups', platform({ albMaxTargetGroups: 101 })],
    ['networking.platform.autocreateTimeoutSeconds', platform({ autocreateTimeoutSeconds: 0 })],
    ['networking.platform.autocreateTimeoutSeconds', platform({ autocreateTimeoutSeconds: 'soon' })],
    ['networking.platform.autocreateTimeoutSeconds', platform({ autocreateTimeoutSeconds: 1e15 })],
    ['networking.platform.autocreateTimeoutSeconds', platform({ autocreateTimeoutSeconds: '86401' })],
    ['networking.platform.autocreateNamePrefix', platform({ autocreateNamePrefix: 'UPPER-' })],
    ['nrn', { nrn: 'organization=1:account=a b' }],
    ['domain', { domain: 'not a host' }],
    ['additionalDomains.1', { domain: 'a.example.com', additionalDomains: ['b.example.com', 'A.example.com.'] }],
    ['additionalDomains.0', { additionalDomains: ['x.*.example.com'] }],
  ] as const)('%s', (path, fields) => {
    expect(problems(fields as Partial<ScopeCreationInput>)).toEqual([path]);
  });

  test('several at once', () => {
    expect(problems({ region: 'x', domain: '-', ...platform({ albMaxListeners: -1 }) })).toEqual([
      'region',
      'domain',
      'networking.platform.albMaxListeners',
    ]);
  });

  test('no base domain configured: domainName is required, except in the preset that has one', () => {
    expect(problems({ networking: {} })).toEqual(['networking.scope.domainName']);
    expect(resolve({ networking: {} }, settings({}, 'nullplatform')).domain).toMatch(/\.nullapps\.io$/);
  });

  test('more hosts than an empty balancer has rules', () => {
    const additionalDomains = Array.from({ length: 10 }, (_, index) => `h${index}.example.com`);
    expect(problems({ additionalDomains, ...platform({ albMaxCapacity: 10 }) })).toEqual(['additionalDomains']);
  });
});

test('a rules threshold above the quota is a warning', () => {
  expect(resolve(platform({ albMaxCapacity: 150 })).warnings).toEqual([
    expect.objectContaining({ code: 'ThresholdAboveQuota' }),
  ]);
});

test('hosts are lower-cased and lose their trailing dot', () => {
  expect(resolve({ domain: 'Shop.Example.com.', additionalDomains: ['WWW.example.com.'] }).hosts).toEqual([
    'shop.example.com',
    'www.example.com',
  ]);
});

test('S65: the placeholder domain is generated, a private base falls back to the public one', () => {
  expect(resolve({ domain: 'To be defined' }).domain).toMatch(/^payments-api-prod-[a-z]{5}\.apps\.example\.com$/);
  expect(resolve({ visibility: 'private' }).domain).toMatch(/\.apps\.example\.com$/);
  expect(resolve({ visibility: 'private', ...platform({ privateDomainName: 'corp.internal.net' }) }).domain).toMatch(
    /\.corp\.internal\.net$/,
  );
});

const slug = fc.stringMatching(/^[a-z0-9-]{1,63}$/);

test('a generated domain is a valid DNS name for all valid slugs, or the slug is named that prevents it', () => {
  const slugs = fc.record({ account: slug, namespace: slug, application: slug, scope: slug });
  fc.assert(
    fc.property(slugs, fc.boolean(), (slugs, applicationDomain) => {
      const resolution = resolveScopeRequest(input({ slugs, ...platform({ applicationDomain }) }), settings());
      const wrong = [
        ...(slugs.namespace.startsWith('-') ? ['slugs.namespace'] : []),
        ...(applicationDomain && /^-|-$/.test(slugs.account) ? ['slugs.account'] : []),
      ];
      expect(resolution.ok ? [] : resolution.problems.map(({ path }) => path)).toEqual(wrong);
      if (!resolution.ok) return;
      const { domain } = resolution.request;
      expect(hostProblem(domain)).toBeUndefined();
      expect(domain.split('.')[0]?.length).toBeLessThanOrEqual(63);
    }),
  );
});

test('a base domain that leaves no room for the generated one is named with the length that it makes', () => {
  const domainName = Array(4).fill('a'.repeat(60)).join('.');
  expect(() => resolve(platform({ domainName }))).toThrow(
    'networking.scope.domainName: makes a domain of 267 characters, at most 253 are allowed',
  );
  expect(resolve({ domain: 'shop.example.com', ...platform({ domainName }) }).domain).toBe('shop.example.com');
});

test.each([
  [{ public: 'Z1', private: 'Z2' }, ['Z2', 'Z1']],
  [{ public: 'Z1', private: 'Z1' }, ['Z1']],
  [{ public: null, private: 'Z2' }, ['Z2']],
  [{ public: '', private: '' }, []],
  [{}, []],
  [{ public: '/hostedzone/Z1', private: 'Z1' }, ['Z1']],
])('S57, S58, S69, S70: zones of %j', (ids, order) => {
  expect(zonesOf(ids).map(({ id }) => id)).toEqual(order);
});

test.each(['arn:aws:route53:::hostedzone/Z1', 'Z1 ', 'z1', 'Z'.repeat(33), 'apps.example.com'])(
  'a hosted zone %j is refused, wherever it is configured',
  (id) => {
    expect(problems({ hostedZones: { private: id } })).toEqual(['hostedZones.private']);
    expect(problems(platform({ hostedZones: { public: id } }))).toEqual(['hostedZones.public']);
    expect(problems({}, settings({ hostedZones: { public: id } }))).toEqual(['hostedZones.public']);
  },
);

test('the digest depends on the input alone, not on the order of its fields', () => {
  const one = resolve({ environment: 'prod' });
  const { slugs, scopeId, ...rest } = input({ environment: 'prod' });
  const other = resolveScopeRequest({ ...rest, slugs, scopeId }, settings());
  expect(other.ok && other.request.digest).toBe(one.digest);
  expect(resolve({ environment: 'stage' }).digest).not.toBe(one.digest);
});

test('labels carry the ids of the NRN, and leave out what it does not say', () => {
  expect(resolve({ nrn: 'account=7:application=9' }).labels).toEqual({
    groundwork: 'true',
    'app.kubernetes.io/part-of': 'payments-api',
    scope_id: '123',
    account_id: '7',
    application_id: '9',
  });
});

describe('object modifiers', () => {
  const labels = (team: string) => ({ global: { labels: { team } } });
  const base = { domainName: 'apps.example.com' };

  test('the scope outranks the platform, which outranks the worker', () => {
    const worker = settings({ objectModifiers: labels('worker') });
    const at = (scope: object, own: object) =>
      resolve({ networking: { scope, platform: { ...base, ...own } } }, worker).modifiers;
    expect(at({}, {})).toEqual(labels('worker'));
    expect(at({}, { objectModifiers: labels('platform') })).toEqual(labels('platform'));
    expect(at({ objectModifiers: labels('scope') }, { objectModifiers: labels('platform') })).toEqual(labels('scope'));
    expect(resolve().modifiers).toBeUndefined();
  });

  test('what is ours to set, and what Kubernetes would refuse, is named with its path', () => {
    const ours = { groundwork: 'no', 'groundwork-autocreate': 'no', alb_name: 'x', 'dns/zone-type': 'x' };
    const alb = 'alb.ingress.kubernetes.io';
    const objectModifiers = {
      global: { labels: { ...ours, 'a b': 'c', team: 'web' } },
      ingress: {
        annotations: { [`${alb}/scheme`]: 'internal', [`${alb}/tags`]: 'a=b', [`${alb}/wafv2-acl-arn`]: 'arn' },
      },
    };
    expect(problems({ networking: { scope: { objectModifiers }, platform: base } })).toEqual(
      [
        ...[...Object.keys(ours), 'a b'].map((key) => `global.labels.${key}`),
        ...['scheme', 'tags'].map((key) => `ingress.annotations.${alb}/${key}`),
      ].map((path) => `networking.scope.objectModifiers.${path}`),
    );
  });
});
