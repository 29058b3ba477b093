import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  autocreatedBalancerName,
  balancerNameProblem,
  cutLabelValue,
  hostLabel,
  keeperHost,
  nrnIds,
  nrnProblem,
  prefixProblem,
  scopeDomain,
} from '../../../domain/scope/names.ts';

const slugs = { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' };
const scopeId = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/);

/** The formula of the specification, written down once more with another implementation of the hash. */
function lettersOf(label: string): string {
  return [...createHash('sha256').update(label).digest().subarray(0, 5)]
    .map((byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26])
    .join('');
}

describe('the domain of a scope', () => {
  test('is namespace, application and scope, five letters of the hash, and the base', () => {
    expect(scopeDomain(slugs, { base: 'apps.example.com' })).toBe(
      `payments-api-prod-${lettersOf('payments-api-prod')}.apps.example.com`,
    );
  });

  test('has the account slug before the base when applicationDomain is on', () => {
    expect(scopeDomain(slugs, { base: 'example.com', account: 'acme' })).toBe(
      `payments-api-prod-${lettersOf('payments-api-prod')}.acme.example.com`,
    );
  });

  test('hashes the label before it is cut, and leaves no hyphen at the joint', () => {
    const long = { ...slugs, application: `${'a'.repeat(47)}-b` };
    const label = `payments-${long.application}-prod`;
    expect(hostLabel(long, 'prod')).toBe(`${label.slice(0, 57).replace(/-+$/, '')}-${lettersOf(label)}`);
  });

  test('differs when a slug differs and is the same for the same slugs', () => {
    expect(hostLabel(slugs, 'prod')).toBe(hostLabel({ ...slugs }, 'prod'));
    expect(hostLabel(slugs, 'prod')).not.toBe(hostLabel(slugs, 'stage'));
  });

  test('S35: of a keeper has the balancer name in place of the scope slug', () => {
    const host = keeperHost(slugs, 'groundwork-auto-public-abc123', { base: 'apps.example.com' });
    expect(host).toMatch(/^payments-api-groundwork-auto-public-abc123-[a-z]{5}\.apps\.example\.com$/);
  });
});

describe('the name of an autocreated balancer', () => {
  const key = {
    prefix: 'groundwork-auto-',
    visibility: 'public',
    region: 'us-east-1',
    scheme: 'internet-facing',
    scopeId: '123',
  } as const;

  test('S25: is prefix, visibility and six hex digits of the hash of region, scheme and scope id', () => {
    const digest = createHash('sha256').update('us-east-1/internet-facing/123').digest('hex');
    expect(autocreatedBalancerName(key)).toBe(`groundwork-auto-public-${digest.slice(0, 6)}`);
  });

  test('N5: changes with the salt by the formula', () => {
    const digest = createHash('sha256').update('us-east-1/internet-facing/123/2').digest('hex');
    expect(autocreatedBalancerName(key, 2)).toBe(`groundwork-auto-public-${digest.slice(0, 6)}`);
  });

  test('satisfies the rules of AWS for every allowed prefix and scope', () => {
    const prefix = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,17}$/).filter((value) => prefixProblem(value) === undefined);
    fc.assert(
      fc.property(
        prefix,
        scopeId,
        fc.constantFrom('public', 'private'),
        fc.nat(5),
        (prefix, scopeId, visibility, salt) => {
          const scheme = visibility === 'public' ? 'internet-facing' : 'internal';
          expect(
            balancerNameProblem(
              autocreatedBalancerName({ prefix, visibility, region: 'eu-west-1', scheme, scopeId } as const, salt),
            ),
          ).toBeUndefined();
        },
      ),
    );
  });
});

test.each([
  ['Groundwork-', 'may contain only'],
  ['a-prefix-of-19-chars', 'at most 18'],
  ['-auto', 'may not begin with "-"'],
  ['internal-', 'may not begin with "internal-"'],
])('the prefix %s is refused', (prefix, words) => {
  expect(prefixProblem(prefix)).toContain(words);
});

test('a label value is cut to 63 characters and ends alphanumeric', () => {
  expect(cutLabelValue(`${'a'.repeat(60)}---b`)).toBe('a'.repeat(60));
  expect(cutLabelValue('x'.repeat(80))).toHaveLength(63);
});

test.each([
  ['account=1:namespace=2:application=3:scope=4', { account: '1', namespace: '2', application: '3' }],
  ['organization=9:account=1', { account: '1' }],
  ['account=1=2:namespace:application=', { account: '1=2' }],
  [undefined, {}],
  ['', {}],
])('ids of the NRN %s', (nrn, ids) => {
  expect(nrnIds(nrn)).toEqual(ids);
});

test.each([
  ['account=1=2', 'the id of the account, "1=2", may contain only letters'],
  ['account=1:application=a b', 'the id of the application, "a b", may'],
  ['namespace=-3', 'the id of the namespace, "-3", may'],
  ['namespace=_', 'must begin with a letter or digit'],
])('the NRN %s is refused', (nrn, words) => {
  expect(nrnProblem(nrn)).toContain(words);
});

test.each(['account=1:namespace=a.b_c-D', 'account=1_', 'organization=a b:account=7', 'whatever', '', undefined])(
  'the NRN %s is taken',
  (nrn) => {
    expect(nrnProblem(nrn)).toBeUndefined();
  },
);
