import { describe, expect, test } from 'vitest';
import { differencesOf, type KnownScope } from '../../../domain/deployment/same-scope.ts';

const scope = { dnsType: 'route53', visibility: 'public', region: 'eu-west-1', namespace: 'shop' } as const;
const byGateway = { ...scope, dnsType: 'external_dns' } as const;

describe('a deployment means the scope as it was created', () => {
  test.each<[string, Partial<KnownScope>, string[]]>([
    ['the same', {}, []],
    ['nothing is known', { dnsType: null, visibility: null, region: null, namespace: null }, []],
    ['private', { visibility: 'private' }, ['scope.visibility: the scope was created private, not public']],
    ['elsewhere', { region: 'eu-north-1' }, ['scope.region: the scope was created in eu-north-1, not in eu-west-1']],
    [
      'in another namespace',
      { namespace: 'sales' },
      ['scope.kubernetes.namespace: the scope was created in sales, not in shop'],
    ],
    [
      'different in several ways, all told at once',
      { visibility: 'private', dnsType: 'external_dns' },
      [
        'scope.dnsType: the scope was created with external_dns, not route53',
        'scope.visibility: the scope was created private, not public',
      ],
    ],
  ])('%s', (_, fields, problems) => {
    const told = differencesOf(scope, { ...scope, ...fields }, false).map(({ path, message }) => `${path}: ${message}`);
    expect(told).toEqual(problems);
  });

  test('what leads traffic to it in the namespace counts more than the namespace of its creation', () => {
    expect(differencesOf(scope, { ...scope, namespace: 'sales' }, true)).toEqual([]);
  });

  test('with external DNS no region counts', () => {
    expect(differencesOf(byGateway, { ...byGateway, region: 'eu-north-1' }, false)).toEqual([]);
  });
});
