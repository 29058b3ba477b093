import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../contract/canonical.ts';
import { livePollers } from '../../contract/pollers.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { IMPORT_ROWS, ipPoolChangeInputSchema } from '../../contract/schemas/ip.ts';
import { scopeCreationInputSchema, scopeDeletionInputSchema } from '../../contract/schemas/scope.ts';

const slugs = { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' };

describe('reading an input', () => {
  test('names every wrong field in words', () => {
    const given = {
      scopeId: '-1',
      slugs: { ...slugs, scope: 'Prod', application: 7 },
      visibility: 'all',
      additionalDomains: ['a', 1],
      networking: { scope: { albMaxCapacity: true, balancerPublicName: 3 }, platform: null },
      dryRun: 'yes',
    };
    const reading = readWith(scopeCreationInputSchema, given);
    expect(reading.ok ? [] : reading.fields.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'scopeId: must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
      'slugs.application: must be a string',
      'slugs.scope: must be 1 to 63 of a-z, 0-9 and "-"',
      'visibility: must be one of "public", "private", "internal"',
      'additionalDomains.1: must be a string',
      'networking.scope.balancerPublicName: must be a string',
      'networking.scope.albMaxCapacity: must be a number or a string',
      'networking.platform: must be an object',
      'dryRun: must be a boolean',
    ]);
  });

  test.each([undefined, null, {}])('says of %s what is required', (given) => {
    const reading = readWith(scopeCreationInputSchema, given);
    expect(reading).toEqual({
      ok: false,
      fields: ['scopeId', 'slugs', 'visibility'].map((path) => ({ path, message: 'is required' })),
    });
  });

  test.each([[7], ['text'], [[]]])('refuses %s, which is no object', (given) => {
    expect(readWith(scopeDeletionInputSchema, given)).toEqual({
      ok: false,
      fields: [{ path: '', message: 'must be an object' }],
    });
  });

  test('names what adopt needs together with every other wrong field', () => {
    const reading = readWith(scopeDeletionInputSchema, { scopeId: 4, adopt: true, region: 'eu-west-1' });
    expect(reading.ok ? [] : reading.fields.map(({ path }) => path)).toEqual(['scopeId', 'domain', 'hostedZones']);
  });

  test('names texts and keys with control characters, once each; lines and tabs are text', () => {
    const given = {
      scopeId: 's\0',
      slugs,
      visibility: 'public',
      nrn: 'account=\u001b1',
      networking: {
        scope: {
          gatewayPublicName: 'gw\0',
          objectModifiers: { ingress: { annotations: { note: 'a\ud800b', lines: 'a\n\tb\r\n', 'k\0': 'v' } } },
        },
      },
    };
    const reading = readWith(scopeCreationInputSchema, given);
    expect(reading.ok ? [] : reading.fields.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'scopeId: must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
      ...[
        'nrn',
        'networking.scope.gatewayPublicName',
        'networking.scope.objectModifiers.ingress.annotations.k\ufffd',
        'networking.scope.objectModifiers.ingress.annotations.note',
      ].map((path) => `${path}: must not hold control characters`),
    ]);
  });

  test('leaves the rows of an import to whoever judges them one by one, and nothing else', () => {
    const rows = [{ namespace: 'n', name: 'b\u0001', cidr: '10.0.0.0/24' }];
    const given = { owner: 'acme', name: 'net', change: { kind: 'import', rows } };
    expect(readWith(ipPoolChangeInputSchema, given, IMPORT_ROWS)).toEqual({ ok: true, value: given });
    expect(readWith(ipPoolChangeInputSchema, { ...given, actor: 'a\u0001' }, IMPORT_ROWS)).toEqual({
      ok: false,
      fields: [{ path: 'actor', message: 'must not hold control characters' }],
    });
  });

  test('reads a document that is nested without end', () => {
    let nested: unknown = 'a\0';
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];
    const reading = readWith(scopeDeletionInputSchema, { scopeId: '1', later: nested });
    expect(reading.ok ? '' : reading.fields[0]?.message).toBe('must not hold control characters');
  });

  test('drops fields that are not known', () => {
    const reading = readWith(scopeDeletionInputSchema, { scopeId: '1', later: true });
    expect(reading).toEqual({ ok: true, value: { scopeId: '1' } });
  });
});

test('canonical JSON does not depend on the order of fields, and does on that of items', () => {
  expect(canonicalJson({ b: [1, 2], a: { d: null, c: undefined } })).toBe('{"a":{"d":null},"b":[1,2]}');
  expect(canonicalJson({ a: { d: null }, b: [1, 2] })).toBe('{"a":{"d":null},"b":[1,2]}');
  expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
});

test('a poller that has not polled for two minutes is dead', () => {
  const now = Date.UTC(2026, 0, 1);
  const at = (secondsAgo: number) => ({ lastAccessTime: { seconds: now / 1000 - secondsAgo } });
  expect(livePollers([at(1), at(60), at(120), {}], now)).toEqual([at(1), at(60)]);
  expect(livePollers(undefined, now)).toEqual([]);
});
