import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Who may use a pool (specs: IP claims, section 4.3). Negative tests accept the refusal and nothing else. */

const server = testDatabase();
let ip: Allocator;
let shared: number;
beforeAll(() => {
  ip = new Allocator(server.url);
});
afterAll(() => ip.close());
beforeEach(async () => {
  await ip.clear();
  await ip.pooled({
    name: 'mt-alpha',
    cidr: '10.100.0.0/20',
    range: [24, 28],
    strategy: 'BestFit',
    labels: { tier: 'private' },
  });
  await ip.pooled({ name: 'mt-beta', owner: 'beta', cidr: '10.101.0.0/20', range: [24, 28], strategy: 'BestFit' });
  shared = await ip.pooled({
    name: 'mt-shared',
    cidr: '172.20.0.0/20',
    range: [24, 28],
    strategy: 'BestFit',
    visibility: 'shared',
    labels: { tier: 'shared' },
  });
});
afterEach(async () => expect(await ip.problems()).toEqual([]));

/** JSON of the rows: what the caller sees. */
const rowsOf = async (answer: Promise<{ rows: unknown }>) => (await answer).rows;

const asBeta = (request: object, name = 'c') => ip.claim({ name, owner: 'beta', len: 24, ...request });

test('each from its own', async () => {
  expect((await ip.claim({ name: 'c', pool: 'mt-alpha', len: 24 })).cidr).toBe('10.100.0.0/24');
  expect((await asBeta({ pool: 'mt-beta' })).cidr).toBe('10.101.0.0/24');
});

test('with a grant from a shared pool; its release gives the addresses back, and the grant can be taken back', async () => {
  expect(await ip.grant('mt-shared', 'beta')).toMatchObject({ status: 'granted' });
  expect(await ip.grant('mt-shared', 'beta')).toMatchObject({ status: 'unchanged' });
  const claim = await asBeta({ pool: 'mt-shared', projectRef: 'alpha' });
  expect(claim.cidr).toBe('172.20.0.0/24');
  expect(await ip.available(shared)).toBe('3840');
  expect((await ip.release(claim.uid, 'beta')).status).toBe('released');
  expect(await ip.available(shared)).toBe('4096');
  const kept = await asBeta({ pool: 'mt-shared', projectRef: 'alpha' });
  expect(await ip.grant('mt-shared', 'beta', false)).toMatchObject({ status: 'revoked' });
  expect((await asBeta({ pool: 'mt-shared', projectRef: 'alpha' }, 'd')).status).toBe('forbidden');
  expect((await asBeta({ pool: 'mt-shared', projectRef: 'alpha' })).uid).toBe(kept.uid);
  expect(await ip.available(shared)).toBe('3840');
});

test('through a selector, too: it never shows a pool that may not be used', async () => {
  const tier = (value: string) => ({ selector: { matchLabels: { tier: value } }, projectRef: 'alpha' });
  expect((await asBeta(tier('shared'))).status).toBe('no_pool_match');
  await ip.grant('mt-shared', 'beta');
  expect((await asBeta(tier('shared'))).pool).toBe('mt-shared');
  expect((await asBeta(tier('private'), 'd')).status).toBe('no_pool_match');
});

test('without projectRef the pool of another owner does not exist', async () => {
  const answer = await asBeta({ pool: 'mt-alpha' });
  expect(answer).toMatchObject({
    status: 'not_found',
    detail: { reason: 'PoolNotFound', pool: { owner: 'beta', name: 'mt-alpha' } },
  });
});

test('a pool that is private, not granted or not there at all: the same answer', async () => {
  await ip.pooled({ name: 'of-the-platform', cidr: '10.99.0.0/20', visibility: 'platform' });
  await ip.grant('of-the-platform', 'beta');
  await ip.grant('mt-alpha', 'beta'); // a grant counts on a shared pool only
  const before = await ip.state();
  for (const pool of ['mt-alpha', 'mt-shared', 'of-the-platform', 'none']) {
    const { status, detail } = await asBeta({ pool, projectRef: 'alpha' });
    expect({ status, detail }).toEqual({
      status: 'forbidden',
      detail: { reason: 'NotPermitted', pool: { owner: 'alpha', name: pool } },
    });
  }
  expect(await ip.state()).toEqual(before);
});

test('a grantee learns that an address is taken, not by whom', async () => {
  await ip.grant('mt-shared', 'beta');
  await ip.claim({ name: 'secret', pool: 'mt-shared', wanted: '172.20.4.0/24' });
  const { detail } = await asBeta({ pool: 'mt-shared', projectRef: 'alpha', len: undefined, wanted: '172.20.4.0/24' });
  expect(detail).toEqual({
    reason: 'AddressTaken',
    requested: '172.20.4.0/24',
    pool: { owner: 'alpha', name: 'mt-shared' },
  });
});

test('a child of a shared pool belongs to the carver', async () => {
  const child = { name: 'mine', owner: 'beta', parent: 'mt-shared', parentOwner: 'alpha', len: 24 };
  expect((await ip.createPool(child)).status).toBe('forbidden');
  await ip.grant('mt-shared', 'beta');
  expect(await ip.createPool(child)).toMatchObject({ status: 'created', cidr: '172.20.0.0/24', parent_owner: 'alpha' });
  expect((await asBeta({ pool: 'mine', len: 32 })).cidr).toBe('172.20.0.0/32');
  expect((await ip.claim({ name: 'c', pool: 'mine', projectRef: 'beta', len: 32 })).status).toBe('forbidden');
  expect((await ip.deletePool('mine')).status).toBe('not_found');
  expect((await ip.deletePool('mt-shared')).status).toBe('in_use');
});

describe('whatever an owner without a grant does', () => {
  const pools = fc.constantFrom('mt-alpha', 'mt-shared', 'mt-beta', 'none');
  const step = fc.record({
    what: fc.constantFrom(
      'claim',
      'dry',
      'select',
      'specific',
      'release',
      'renew',
      'child',
      'delete',
      'change',
      'reserve',
      'grant',
      'import',
    ),
    pool: pools,
    ref: fc.constantFrom(undefined, 'alpha', 'beta'),
    name: fc.constantFrom('a', 'b'),
  });

  test('nothing of another owner changes, and its answers name nothing that it did not ask for', async () => {
    const held = await ip.claim({ name: 'secret', pool: 'mt-alpha', len: 24 });
    const heldShared = await ip.claim({ name: 'secret-too', pool: 'mt-shared', len: 24, ttl: 600 });
    const ofAlpha = async () => (await ip.state()).filter(({ row }) => JSON.stringify(row).includes('alpha'));
    const before = await ofAlpha();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        for (const { what, pool, ref, name } of steps) {
          const run: Record<string, () => Promise<unknown>> = {
            claim: () => rowsOf(asBeta({ pool, projectRef: ref }, name)),
            dry: () => rowsOf(asBeta({ pool, projectRef: ref, dryRun: true }, name)),
            select: () =>
              rowsOf(
                asBeta(
                  { selector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, projectRef: ref },
                  name,
                ),
              ),
            specific: () => rowsOf(asBeta({ pool, projectRef: ref, len: undefined, wanted: held.cidr }, name)),
            release: () => ip.release(name === 'a' ? held.uid : heldShared.uid, 'beta', 'Delete'),
            renew: () => ip.renew(heldShared.uid, 1, 'beta'),
            child: () =>
              ip.createPool({
                name: `child-${name}`,
                owner: 'beta',
                parent: pool,
                ...(ref ? { parentOwner: ref } : {}),
                len: 28,
              }),
            delete: () => ip.deletePool(pool, 'beta'),
            change: () => ip.changePool(pool, { visibility: 'shared' }, 'beta'),
            reserve: () => ip.reserve(pool, ['10.100.8.0/24'], false, 'beta'),
            grant: () => ip.grant(pool, 'beta', true, 'beta'),
            import: () =>
              ip.import(pool, [{ line: 1, namespace: 'n', name, cidr: '10.100.9.0/24' }], { owner: 'beta' }),
          };
          const answer = JSON.stringify(await run[what]?.());
          expect(answer).not.toMatch(/secret|10\.100\.0\.0\/20|172\.20/);
          if (pool === 'mt-beta' || pool === 'none') expect(answer).not.toMatch(/mt-alpha|mt-shared/);
          expect(await ofAlpha()).toEqual(before);
        }
      }),
      { numRuns: 25 },
    );
  });
});
