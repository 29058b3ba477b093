import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { membersOf } from '../../starter/cli/ip/batch.ts';
import { importRows } from '../../starter/cli/ip/import-file.ts';
import { labels, poolRef, poolSelector } from '../../starter/cli/ip/options.ts';
import { addressesOf, change } from '../../starter/cli/ip/print.ts';
import type { IpClaim } from '../../starter/client.ts';
import { NotFound } from '../../starter/errors.ts';
import { cli } from './io.ts';

describe('groundwork ip', () => {
  test.each([
    [['claim', 'a', '--prefix-length', '24', '--pool', 'p'], /^groundwork: say on whose behalf: --owner NAME/],
    [['claim', 'a', '--owner', 'o', '--prefix-length', 'x'], /positive/],
    [['claim', 'a', '--owner', 'o', '--family', '5'], /IPv4, IPv6/],
    [['claim', '--owner', 'o'], /missing required argument 'name'/],
    [['release', '--owner', 'o', '--strange'], /unknown option '--strange'/],
    [['verify', '--owner', 'o', '--rebuild'], /--rebuild needs the name of a pool/],
    [['import', 'p', '/there/is/none', '--owner', 'o'], /there is no such file/],
    [['pool', 'set', 'p', '--strategy', 'Random', '--owner', 'o'], /FirstFit, BestFit, LeastUtilized, Sparse/],
  ])('%j is wrong usage in one line', async (argv, words) => {
    const { code, stdout, stderr } = await cli(['ip', ...argv]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(words);
  });
});

describe('selectors as kubectl writes them', () => {
  test.each([
    ['env=prod', { matchLabels: { env: 'prod' } }],
    ['env==prod,region=us', { matchLabels: { env: 'prod', region: 'us' } }],
    [
      'env in (a, b),!old,tier!=free,zone,x notin (1)',
      {
        matchExpressions: [
          { key: 'env', operator: 'In', values: ['a', 'b'] },
          { key: 'old', operator: 'DoesNotExist' },
          { key: 'tier', operator: 'NotIn', values: ['free'] },
          { key: 'zone', operator: 'Exists' },
          { key: 'x', operator: 'NotIn', values: ['1'] },
        ],
      },
    ],
  ])('%s', (text, expected) => {
    expect(poolSelector(text, undefined)).toEqual(expected);
    expect(poolSelector(text, 'alpha')).toEqual({ ...expected, projectRef: { name: 'alpha' } });
  });

  test('what is none is said', () => {
    expect(() => poolSelector('env prod', undefined)).toThrow(/env prod is not understood/);
  });

  test.each([
    ['env=a=b', '--selector env=a=b: env=a=b is not understood; write a=b, a!=b, a in (b,c), a or !a'],
    ['zone,env!=a!=b', '--selector zone,env!=a!=b: env!=a!=b is not understood; write a=b, a!=b, a in (b,c), a or !a'],
    ['env=a===b', '--selector env=a===b: env=a===b is not understood; write a=b, a!=b, a in (b,c), a or !a'],
    ['env=prod,env=dev', '--selector env=prod,env=dev: env is there twice; write env in (b,c) for one of several'],
  ])('%s: no part of it is dropped', (text, message) => {
    expect(() => poolSelector(text, undefined)).toThrow(message);
  });
});

test('labels are key=value, each key once', () => {
  expect(labels(['env=prod', 'note=a=b'])).toEqual({ env: 'prod', note: 'a=b' });
  expect(() => labels(['env=prod', 'env=dev'])).toThrow('label env=dev: env is there twice');
  expect(() => labels(['=dev'])).toThrow('label =dev: write it as key=value');
});

test('a pool is NAME, or OWNER/NAME for one of another owner', () => {
  expect(poolRef('net')).toEqual({ name: 'net' });
  expect(poolRef('alpha/net')).toEqual({ name: 'net', projectRef: { name: 'alpha' } });
});

test('utilization before and after is told with four decimals', () => {
  const capacity = { total: '16', allocated: '3', available: '13' };
  expect(change(capacity, 1n)).toBe('12.5000 % -> 18.7500 %');
  expect(change(capacity, -1n)).toBe('25.0000 % -> 18.7500 %');
  expect([addressesOf('10.0.0.0/24'), addressesOf('fd00::/64')]).toEqual([256n, 1n << 64n]);
});

describe('the members of a batch', () => {
  const claim = (name: string, batchCount?: number) =>
    ({ name, uid: `uid of ${name}`, ...(batchCount === undefined ? {} : { batchCount }) }) as IpClaim;
  const alone = ['web', 'web-2024', 'web-007', 'web-256', 'web-1x', 'xweb-1'].map((name) => claim(name));
  const ofAnother = claim('web-1-1', 256);
  const names = (claims: readonly IpClaim[], batch = 'web') => membersOf(batch, claims).map(({ name }) => name);

  test('are what was claimed together under its name, and nothing that is called alike', () => {
    const batch = [claim('web-10', 256), claim('web-0', 256), claim('web-255', 256)];
    expect(names([...alone, ofAnother, ...batch, claim('web-3')])).toEqual(['web-0', 'web-10', 'web-255']);
  });

  test('are also the one that an interrupted release left', () => {
    expect(names([claim('web-0'), claim('web-2', 3)])).toEqual(['web-2']);
  });

  test.each([
    ['no claim of such a name', 'web', alone, /^there is no batch web$/],
    ['a name that is no pattern', 'web(', alone, /^there is no batch web\($/],
    ['claims made one by one', 'web', [claim('web-0'), claim('web-1')], /only called alike: web-0, web-1/],
  ])('there are none: %s', (_, name, claims, words) => {
    expect(() => names(claims, name)).toThrow(NotFound);
    expect(() => names(claims, name)).toThrow(words);
  });

  test('are not guessed when there are two batches', () => {
    const two = [claim('web-0', 2), claim('web-1', 2), claim('web-2', 3)];
    expect(() => names(two)).toThrow(/several batches. Release each by its own name/);
  });
});

describe('the file of an import', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundwork-import-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  test('is CSV with a header, a JSON array, or JSON lines, and every row knows its line', async () => {
    const csv = await file('a.csv', 'name,namespace,cidr,ttlSeconds\na,ns,10.0.0.0/24,60\n\n"b",ns,10.0.1.0/24,\n');
    expect(await importRows(csv)).toEqual([
      { namespace: 'ns', name: 'a', cidr: '10.0.0.0/24', ttlSeconds: 60, line: 2 },
      { namespace: 'ns', name: 'b', cidr: '10.0.1.0/24', line: 4 },
    ]);
    const unread = await file('b.csv', 'name,namespace,cidr,ttlSeconds\na,ns,10.0.0.0/24,1h\n');
    expect(await importRows(unread)).toMatchObject([{ ttlSeconds: '1h', line: 2 }]);
    const row = { namespace: 'ns', name: 'a', cidr: '10.0.0.0/24' };
    expect(await importRows(await file('a.json', JSON.stringify([row])))).toEqual([{ ...row, line: 1 }]);
    expect(await importRows(await file('a.jsonl', `\n${JSON.stringify(row)}\n`))).toEqual([{ ...row, line: 2 }]);
  });

  test.each([
    ['no.csv', 'a,b\n1,2\n', /first line must name the columns/],
    ['empty.csv', 'namespace,name,cidr\n', /holds no rows/],
    ['bad.jsonl', '{"namespace":"a"}\n{x\n', /line 2: is no JSON/],
    ['bad.json', '[1]', /line 1: must be an object/],
  ])('%s is refused with the line', async (name, text, words) => {
    await expect(importRows(await file(name, text))).rejects.toThrow(words);
  });
});
