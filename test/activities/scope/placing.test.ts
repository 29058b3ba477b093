import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../../activities/postgres/database.ts';
import { bindPlacement, readPlacement } from '../../../activities/scope/ledger/holding.ts';
import { leaveBalancer } from '../../../activities/scope/ledger/leaving.ts';
import type { PlaceAnswer, PlaceInput } from '../../../activities/scope/ledger/place-answer.ts';
import { place } from '../../../activities/scope/ledger/placing.ts';
import { noteRecord, recordRow } from '../../../activities/scope/ledger/records.ts';
import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import { resolveScopeRequest } from '../../../domain/scope/request.ts';
import { input, settings } from '../../domain/scope/build.ts';
import { testDatabase } from '../../support/servers.ts';

/** The placement transaction against the real PostgreSQL, with the facts of AWS written into the ledger by hand. */

const server = testDatabase();
let database: Database;
const pool = { account: '123456789012', region: 'us-east-1', scheme: 'internet-facing' } as const;

beforeAll(() => {
  database = new Database({ url: server.url, poolSize: 20 });
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.query(
    'truncate balancer, placement, placement_host, dns_record, region_observation restart identity cascade',
  );
});

/** Balancers as a complete reading showed them just now, by name and rules. */
async function observed(balancers: Record<string, number>): Promise<void> {
  const listed = Object.keys(balancers).map((name) => ({
    name,
    arn: `arn:${name}`,
    dnsName: `${name}.elb.amazonaws.com`,
    canonicalHostedZoneId: 'Z',
    scheme: pool.scheme,
    state: 'active',
  }));
  await database.query(
    'insert into region_observation (account, region, observation, observed_at) values ($1, $2, $3, clock_timestamp())',
    [pool.account, pool.region, JSON.stringify({ balancers: listed })],
  );
  for (const [name, rules] of Object.entries(balancers)) {
    await database.query(
      `insert into balancer (account, region, name, scheme, origin, state, observation, observed_at) values ($1, $2, $3, $4, 'declared', 'active', $5, clock_timestamp())`,
      [
        pool.account,
        pool.region,
        name,
        pool.scheme,
        JSON.stringify({
          arn: `arn:${name}`,
          rules,
          hosts: [],
          targetGroups: 0,
          listeners: [{ port: 443, protocol: 'HTTPS' }],
        }),
      ],
    );
  }
}

async function placeOne(
  scopeId: string,
  fields: {
    hold?: boolean;
    hosts?: string[];
    extra?: string[];
    run?: string;
    alias?: PlaceInput['alias'];
    dryRun?: boolean;
    request?: Partial<ScopeCreationInput>;
  } = {},
): Promise<PlaceAnswer> {
  const resolution = resolveScopeRequest(
    input({
      scopeId,
      slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: scopeId },
      ...(fields.hosts ? { domain: fields.hosts[0] ?? '', additionalDomains: fields.hosts.slice(1) } : {}),
      ...fields.request,
    }),
    settings({ autocreateEnabled: true, additionalPublicBalancers: fields.extra ?? [] }),
  );
  if (!resolution.ok) throw new Error('the request is wrong');
  const run = fields.run ?? `run-of-${scopeId}`;
  if (fields.hold !== false)
    await database.query(
      'insert into placement (scope_id, holder) values ($1, $2) on conflict (scope_id) do update set holder = excluded.holder',
      [scopeId, run],
    );
  return place(database, {
    request: resolution.request,
    pool,
    run,
    ...(fields.alias ? { alias: fields.alias } : {}),
    unreadable: {},
    owners: {},
    maxAgeSeconds: 30,
    mayCreate: true,
    dryRun: fields.dryRun ?? false,
  });
}

const chosen = (answer: PlaceAnswer) => (answer.kind === 'placed' ? answer.balancer.name : answer.kind);

describe('placing', () => {
  test('N3: 40 at once on two balancers with room for 30 each: nobody goes over a threshold', async () => {
    await observed({ 'k8s-groundwork-public': 45, extra: 45 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => placeOne(`s${index}`, { extra: ['extra'] })),
    );
    const counts = groupBy(answers.map(chosen));
    expect([...counts.keys()].sort()).toEqual(['extra', 'k8s-groundwork-public']);
    for (const group of counts.values()) expect(group.length).toBe(20);
  });

  test('N2: 10 at once on a full pool make one balancer, which nine join', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => placeOne(`s${index}`)));
    expect(new Set(answers.map(chosen)).size).toBe(1);
    expect(answers.filter((answer) => answer.kind === 'placed' && answer.createdBalancer)).toHaveLength(1);
  });

  test('a scope whose own balancer is full gets another one under the next salt', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    const first = await placeOne('one');
    if (first.kind !== 'placed') throw new Error(first.kind);
    await database.query(`update balancer set state = 'active', activated_at = now() where id = $1`, [
      first.balancer.id,
    ]);
    await leaveBalancer(database, { scopeId: 'one', run: 'run-of-one', purpose: 'delete' });
    await database.query('truncate region_observation');
    await database.query(`delete from balancer where origin = 'declared'`);
    await observed({ 'k8s-groundwork-public': 75 });
    const full = {
      arn: `arn:${first.balancer.name}`,
      rules: 75,
      hosts: [],
      listeners: [{ port: 443, protocol: 'HTTPS' }],
    };
    await database.query('update balancer set observation = $2, observed_at = clock_timestamp() where id = $1', [
      first.balancer.id,
      JSON.stringify(full),
    ]);
    await database.query(`update region_observation set observation = jsonb_set(observation, '{balancers,1}', $1)`, [
      JSON.stringify({
        name: first.balancer.name,
        arn: full.arn,
        dnsName: 'd',
        canonicalHostedZoneId: 'Z',
        scheme: pool.scheme,
        state: 'active',
      }),
    ]);
    const second = await placeOne('one');
    expect(second).toMatchObject({ kind: 'placed', createdBalancer: true });
    expect(chosen(second)).not.toBe(first.balancer.name);
  });

  test('again with the same run keeps the balancer and changes nothing', async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    const first = await placeOne('one');
    const second = await placeOne('one');
    expect([chosen(first), chosen(second)]).toEqual(['k8s-groundwork-public', 'k8s-groundwork-public']);
    const { rows } = await database.query<{ n: number }>('select count(*)::int as n from placement_host');
    expect(rows[0]?.n).toBe(1);
  });

  test('without holding the row is refused', async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    expect((await placeOne('nobody', { hold: false })).kind).toBe('lost-hold');
  });

  test('without a fresh observation is answered as stale with the names to look at', async () => {
    expect(await placeOne('early')).toEqual({ kind: 'stale', names: ['k8s-groundwork-public'] });
    await observed({ 'k8s-groundwork-public': 10 });
    await database.query(`update balancer set observed_at = observed_at - interval '1 minute'`);
    expect(await placeOne('early')).toEqual({ kind: 'stale', names: ['k8s-groundwork-public'] });
  });

  test('hosts that a bound scope keeps count, also when a repeat does not name them; a plan says the same', async () => {
    await observed({ 'k8s-groundwork-public': 60 });
    const names = (from: string) => Array.from({ length: 8 }, (_, index) => `${from}${index}.apps.example.com`);
    const domain = 'one.apps.example.com';
    await placeOne('one', { hosts: [domain, ...names('a')] });
    await bindPlacement(database, 'one', 'run-of-one');
    const repeat = { hosts: [domain, ...names('b')] };
    const refused = { kind: 'refused', type: 'NoCapacity', message: expect.stringContaining('the added domains') };
    expect(await placeOne('one', { ...repeat, dryRun: true })).toMatchObject(refused);
    expect(await placeOne('one', repeat)).toMatchObject(refused);
    const fewer = { hosts: [domain, ...names('b').slice(0, 6)] };
    expect(await placeOne('one', { ...fewer, dryRun: true })).toMatchObject({ kind: 'planned' });
    expect((await readPlacement(database, 'one')).hosts).toHaveLength(9);
    expect(await placeOne('one', fewer)).toMatchObject({ kind: 'placed' });
  });

  test('a plan that adds the host of another scope is refused as the creation would be', async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    await placeOne('other', { hosts: ['taken.apps.example.com'] });
    await placeOne('one', { hosts: ['one.apps.example.com'] });
    await bindPlacement(database, 'one', 'run-of-one');
    const hosts = ['one.apps.example.com', 'taken.apps.example.com'];
    for (const dryRun of [true, false])
      expect(await placeOne('one', { hosts, dryRun })).toMatchObject({ kind: 'refused', type: 'HostConflict' });
  });

  test('one host at the same moment by two scopes: one gets it, the other is told who', async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    const answers = await Promise.all([
      placeOne('a', { hosts: ['shop.apps.example.com'] }),
      placeOne('b', { hosts: ['shop.apps.example.com'] }),
    ]);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['placed', 'refused']);
    expect(answers.find(({ kind }) => kind === 'refused')).toMatchObject({ type: 'HostConflict' });
  });
});

describe('a balancer of ours that vanished and could not be rebuilt', () => {
  const stateOf = async (id: string) =>
    (await database.query<{ state: string }>('select state from balancer where id = $1', [id])).rows[0]?.state;

  test('keeps its bound scopes, and a repeat tries it again; a reservation goes elsewhere', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    const first = await placeOne('one');
    if (first.kind !== 'placed') throw new Error(first.kind);
    const { id, name } = first.balancer;
    await bindPlacement(database, 'one', 'run-of-one');
    expect(chosen(await placeOne('reserved'))).toBe(name);
    await database.query(
      `update balancer set state = 'failed', activated_at = now(), failure = '{"type": "BalancerQuotaExceeded"}' where id = $1`,
      [id],
    );

    expect(chosen(await placeOne('reserved'))).not.toBe(name);
    const more = { request: { additionalDomains: ['more.example.org'] } };
    expect(await placeOne('one', { ...more, dryRun: true })).toMatchObject({ kind: 'planned', balancer: { name } });
    expect(await stateOf(id)).toBe('failed');
    const again = await placeOne('one', { run: 'repeat' });
    expect(again).toMatchObject({
      kind: 'placed',
      balancer: { id, state: 'provisioning', failure: null },
      repaired: [`balancer ${name} rebuilt`],
    });
    expect(await placeOne('one', { run: 'repeat' })).toEqual(again);
    const { rows } = await database.query(
      `select state, balancer_id::text as id from placement where scope_id = 'one'`,
    );
    expect(rows).toEqual([{ state: 'bound', id }]);
  });
});

describe('leaving', () => {
  test('a balancer that never became active is taken away by the last one only, and a repeat finds its own mark', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    await placeOne('a');
    await placeOne('b');
    const leave = (scopeId: string) => leaveBalancer(database, { scopeId, run: `run-of-${scopeId}`, purpose: 'undo' });
    expect(await leave('a')).toMatchObject({ remove: [] });
    const last = await leave('b');
    expect(last).toMatchObject({ state: 'released', remove: [{ state: 'retiring' }] });
    const { released, ...repeated } = last;
    expect(released).toBeDefined();
    expect(await leave('b')).toEqual(repeated);
  });

  test('undoing does not touch what another run placed', async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    await placeOne('a');
    await database.query(`update placement set holder = 'other' where scope_id = 'a'`);
    expect(await leaveBalancer(database, { scopeId: 'a', run: 'other', purpose: 'undo' })).toEqual({
      state: 'reserved',
      hosts: [],
      remove: [],
    });
    expect(
      (await database.query<{ state: string }>(`select state from placement where scope_id = 'a'`)).rows[0]?.state,
    ).toBe('reserved');
  });

  test.each(['route53', 'external_dns'] as const)(
    'a run that is reset does not undo what it has bound (%s)',
    async (dnsType) => {
      await observed({ 'k8s-groundwork-public': 75 });
      const held = { run: 'first', request: { dnsType } };
      await placeOne('a', held);
      const of = { zoneId: 'Z', name: 'd.example.com', type: 'A' } as const;
      await noteRecord(database, { ...of, scopeId: 'a', target: 't', origin: 'made', madeBy: 'first' }, true);
      await database.query(`update balancer set state = 'active' where origin = 'autocreated'`);
      for (const _ of ['once', 'twice']) expect((await bindPlacement(database, 'a', 'first')).state).toBe('bound');
      expect(await recordRow(database, of.zoneId, of.name, of.type)).toMatchObject({ origin: 'made', madeBy: null });

      await database.query(`update placement set holder = null`);
      await placeOne('a', held);
      const undo = () => leaveBalancer(database, { scopeId: 'a', run: 'first', purpose: 'undo' });
      expect([await undo(), await undo()]).toEqual([
        { state: 'bound', hosts: [], remove: [] },
        { state: 'bound', hosts: [], remove: [] },
      ]);
      const { rows } = await database.query('select state from placement');
      expect(rows).toEqual([{ state: 'bound' }]);
    },
  );

  test('nobody is placed on a balancer that is being removed', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    await placeOne('a');
    await leaveBalancer(database, { scopeId: 'a', run: 'run-of-a', purpose: 'undo' });
    const answer = await placeOne('b');
    expect(answer).toMatchObject({ kind: 'placed', createdBalancer: true });
    const { rows } = await database.query<{ state: string }>(
      'select state from balancer where origin = $1 order by id',
      ['autocreated'],
    );
    expect(rows.map(({ state }) => state)).toEqual(['retiring', 'reserved']);
  });
});

test('a record that is noted again keeps who made it, until it is made anew or by another scope', async () => {
  const note = (scopeId: string, origin: 'made' | 'adopted', madeBy: string, anew = false) =>
    noteRecord(
      database,
      { zoneId: 'Z', name: 'd.example.com', type: 'A', scopeId, target: madeBy, origin, madeBy },
      anew,
    );
  await note('a', 'adopted', 'first');
  expect(await note('a', 'made', 'second')).toMatchObject({ origin: 'adopted', madeBy: 'first', target: 'second' });
  expect(await note('a', 'made', 'second', true)).toMatchObject({ origin: 'made', madeBy: 'second' });
  expect(await note('b', 'adopted', 'third')).toMatchObject({ scopeId: 'b', origin: 'adopted', madeBy: 'third' });
});

function groupBy(names: string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) groups.set(name, [...(groups.get(name) ?? []), name]);
  return groups;
}

test('a bound scope that follows its alias leaves its balancer idle, and follows it to none that is on its way out', async () => {
  await observed({ 'k8s-groundwork-public': 10, extra: 10 });
  await placeOne('one');
  await bindPlacement(database, 'one', 'run-of-one');
  await database.query(
    `update balancer set origin = 'autocreated', created_for_scope = 'one', salt = 0, keeper_namespace = 'n', keeper_host = 'h', brand = 'b'`,
  );
  await database.query(`update balancer set idle_since = now() where name = 'extra'`);
  const ledger = async () =>
    (
      await database.query(
        `select b.name, b.idle_since is not null as idle, p.state as placed from balancer b left join placement p on p.balancer_id = b.id order by 1`,
      )
    ).rows;
  const before = await ledger();
  const follow = () => placeOne('one', { alias: { balancer: 'extra', reason: 'it is there already', moves: true } });
  for (const state of ['failed', 'retiring', 'retired']) {
    await database.query(`update balancer set state = $1 where name = 'extra'`, [state]);
    expect(await follow()).toMatchObject({
      kind: 'refused',
      type: 'NoCapacity',
      message: expect.stringContaining(state),
    });
    expect(await ledger()).toEqual(before);
  }
  await database.query(`update balancer set state = 'active' where name = 'extra'`);
  for (const _ of ['once', 'twice']) {
    expect(chosen(await follow())).toBe('extra');
    expect(await ledger()).toEqual([
      { name: 'extra', idle: false, placed: 'bound' },
      { name: 'k8s-groundwork-public', idle: true, placed: null },
    ]);
  }
});

test('a bound scope follows its alias to a full balancer only when that has its domain in its rules already', async () => {
  await observed({ 'k8s-groundwork-public': 10, extra: 75 });
  await placeOne('one');
  const { domain } = await bindPlacement(database, 'one', 'run-of-one');
  const placed = async () => (await readPlacement(database, 'one')).balancer?.name;
  const follow = () => placeOne('one', { alias: { balancer: 'extra', reason: 'it is there already', moves: true } });
  expect(await follow()).toMatchObject({
    kind: 'refused',
    type: 'NoCapacity',
    message: expect.stringContaining('no room for the scope: full: rules 75/75'),
  });
  expect(await placed()).toBe('k8s-groundwork-public');
  await database.query(
    `update balancer set observation = jsonb_set(observation, '{hosts}', jsonb_build_array($1::text)) where name = 'extra'`,
    [domain],
  );
  for (const _ of ['once', 'twice']) {
    expect(chosen(await follow())).toBe('extra');
    expect(await placed()).toBe('extra');
  }
});

test.each(['route53', 'external_dns'] as const)(
  'a repeat tells the ledger of its namespace and slugs, and of zones besides those before (%s)',
  async (dnsType) => {
    await observed({ 'k8s-groundwork-public': 10 });
    const request = (namespace: string, scope: string, hostedZones: ScopeCreationInput['hostedZones']) => ({
      dnsType,
      domain: 'one.apps.example.com',
      kubernetes: { namespace },
      slugs: { account: 'acme', namespace: 'payments', application: 'api', scope },
      hostedZones,
    });
    const row = async () =>
      (await database.query('select state, namespace, slugs, zones, placed_by from placement')).rows[0];
    const zones = { old: { id: 'ZOLD', kind: 'public' }, priv: { id: 'ZPRIVATE', kind: 'private' } };
    await placeOne('one', { run: 'first', request: request('there', 'before', { public: 'ZOLD' }) });
    const bound = { state: 'bound', placed_by: null };
    await bindPlacement(database, 'one', 'first');
    await database.query('update placement set slugs = null');
    expect(await row()).toMatchObject({ ...bound, namespace: 'there', slugs: null, zones: [zones.old] });
    for (const _ of ['once', 'twice']) {
      await placeOne('one', { run: 'repeat', request: request('here', 'after', { private: 'ZPRIVATE' }) });
      expect(await row()).toMatchObject({
        ...bound,
        namespace: 'here',
        slugs: { scope: 'after' },
        zones: [zones.priv, zones.old],
      });
    }
  },
);

test('a scope that is bound keeps its region; a reservation of another region is decided anew', async () => {
  await observed({ 'k8s-groundwork-public': 10 });
  await placeOne('one');
  await database.query(`update placement set region = 'eu-west-1', hosts_added = hosts where scope_id = 'one'`);
  const anew = await placeOne('one', { run: 'other' });
  expect(anew).toMatchObject({ kind: 'placed', reason: expect.not.stringContaining('already placed') });
  await bindPlacement(database, 'one', 'other');
  await database.query(`update placement set region = 'eu-west-1' where scope_id = 'one'`);
  expect(await placeOne('one', { run: 'next' })).toMatchObject({
    kind: 'refused',
    type: 'ScopeMismatch',
    message: expect.stringMatching(/eu-west-1.*us-east-1/),
  });
});

describe('hosts that a repeat adds', () => {
  const hosts = async () =>
    (await database.query<{ host: string }>('select host from placement_host order by host')).rows.map(
      ({ host }) => host,
    );
  const repeat = (run: string, ...added: string[]) =>
    placeOne('a', { run, hosts: ['a.apps.example.com', ...added.map((name) => `${name}.apps.example.com`)] });
  const undo = (run: string) => leaveBalancer(database, { scopeId: 'a', run, purpose: 'undo' });

  beforeEach(async () => {
    await observed({ 'k8s-groundwork-public': 10 });
    await repeat('first', 'one');
    await bindPlacement(database, 'a', 'first');
  });

  test('stay when the run has bound them, and again with the same run are told the same', async () => {
    const answer = await repeat('second', 'one', 'two');
    expect(answer).toMatchObject({ repaired: ['host two.apps.example.com added to the placement'] });
    expect(await repeat('second', 'one', 'two')).toEqual(answer);
    await bindPlacement(database, 'a', 'second');
    expect((await undo('second')).hosts).toEqual([]);
    expect(await hosts()).toEqual(['a.apps.example.com', 'one.apps.example.com', 'two.apps.example.com']);
  });

  test('are taken back when the run is undone, and the scope stays bound', async () => {
    await repeat('second', 'two', 'three');
    expect(await undo('second')).toMatchObject({ hosts: ['two.apps.example.com', 'three.apps.example.com'] });
    expect(await undo('second')).toEqual({ state: 'bound', hosts: [], remove: [] });
    expect(await hosts()).toEqual(['a.apps.example.com', 'one.apps.example.com']);
    const { rows } = await database.query(`select state, hosts from placement where scope_id = 'a'`);
    expect(rows).toEqual([{ state: 'bound', hosts: ['a.apps.example.com', 'one.apps.example.com'] }]);
  });

  test('by a run that ended without undoing are forgotten by the next one', async () => {
    await repeat('terminated', 'two');
    expect(await repeat('next', 'three')).toMatchObject({
      repaired: ['host three.apps.example.com added to the placement'],
    });
    await bindPlacement(database, 'a', 'next');
    expect(await hosts()).toEqual(['a.apps.example.com', 'one.apps.example.com', 'three.apps.example.com']);
  });
});

describe('the rows of autocreated balancers', () => {
  const autocreated = async () =>
    (
      await database.query<{ line: string }>(
        `select created_for_scope || ' ' || state as line from balancer where origin = 'autocreated' order by id`,
      )
    ).rows.map(({ line }) => line);

  test('S29: the first one on a full pool is one row; S28: a full one is joined by a second, after it, and none is lost', async () => {
    await observed({ 'k8s-groundwork-public': 75 });
    await placeOne('one');
    expect(await autocreated()).toEqual(['one reserved']);
    for (let index = 0; index < 73; index++) await placeOne(`more${index}`);
    expect(await autocreated()).toEqual(['one reserved']); // keeper and 74 scopes: full
    expect(await placeOne('two')).toMatchObject({ kind: 'placed', createdBalancer: true });
    expect(await autocreated()).toEqual(['one reserved', 'two reserved']);
  });
});
