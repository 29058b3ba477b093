import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { canonicalJson } from '../../../contract/canonical.ts';
import { sha256Hex } from '../../../domain/canonical.ts';

/** The functions of the allocator as the worker calls them: named prepared statements, autocommit. */

export type Row = Record<string, unknown>;

export interface ClaimRequest {
  name: string;
  /** Default `alpha`, `default`. */
  owner?: string;
  namespace?: string;
  pool?: string;
  projectRef?: string;
  selector?: object;
  family?: 4 | 6;
  len?: number;
  wanted?: string;
  count?: number;
  reclaim?: 'Delete' | 'Retain';
  ttl?: number;
  dryRun?: boolean;
  record?: boolean;
  /** Of the call; minted when absent. */
  uids?: string[];
  /** Stands for the rest of the spec in the request hash. */
  hash?: string;
}

export interface ClaimAnswer {
  status: string;
  cidrs: string[];
  /** The only block of a single claim; throws when the claim was refused. */
  cidr: string;
  uid: string;
  uids: string[];
  replayed: boolean;
  rebound: boolean;
  pool: string;
  detail: Row;
  rows: Row[];
}

export interface PoolRequest {
  name: string;
  owner?: string;
  cidr?: string;
  parent?: string;
  parentOwner?: string;
  len?: number;
  wanted?: string;
  /** Allocation range, smallest and largest length. */
  range?: readonly [number, number];
  strategy?: string;
  visibility?: string;
  cooldown?: number;
  retention?: number;
  labels?: Record<string, string>;
  allowOverlap?: boolean;
  reservations?: { unitPrefixLength?: number; leading?: number; trailing?: number; cidrs?: string[] };
}

const ACTOR = 'tester';

export class Allocator {
  readonly pool: pg.Pool;

  constructor(url: string, connections = 4, settings: pg.PoolConfig = {}) {
    this.pool = new pg.Pool({ connectionString: url, max: connections, lock_timeout: 10_000, ...settings });
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  async call(name: string, args: readonly unknown[]): Promise<Row[]> {
    const places = args.map((_, index) => `$${index + 1}`).join(', ');
    const { rows } = await this.pool.query<Row>({ name, text: `select * from ${name}(${places})`, values: [...args] });
    return rows;
  }

  async one(name: string, args: readonly unknown[]): Promise<Row> {
    const [row] = await this.call(name, args);
    if (!row) throw new Error(`${name} answered nothing`);
    return row;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, [...values])).rows;
  }

  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const { name, owner = 'alpha', namespace = 'default', family = 4, count = 1, reclaim = 'Delete' } = request;
    const names = count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index}`);
    const uids = request.uids ?? names.map(() => randomUUID());
    const { pool, projectRef, selector, len, wanted, ttl, hash } = request;
    const spec = { pool, projectRef, selector, family, len, wanted, count, reclaim, ttl, hash };
    const rows = await this.call('ipam_claim', [
      uids,
      owner,
      namespace,
      names,
      projectRef ?? null,
      pool ?? null,
      selector ? JSON.stringify(selector) : null,
      family,
      len ?? null,
      wanted ?? null,
      Buffer.from(sha256Hex(canonicalJson(spec)), 'hex'),
      reclaim,
      ttl ?? null,
      request.dryRun ?? false,
      request.record ?? false,
      ACTOR,
      'claim-run',
    ]);
    const [first] = rows;
    if (!first) throw new Error('ipam_claim answered nothing');
    const bound = <T>(value: T): T => {
      if (first.status !== 'bound') throw new Error(`the claim was refused: ${JSON.stringify(first)}`);
      return value;
    };
    return {
      status: String(first.status),
      cidrs: rows.map(({ cidr }) => String(cidr)),
      get cidr() {
        return bound(String(first.cidr));
      },
      uid: String(first.claim_uid),
      uids: rows.map(({ claim_uid }) => String(claim_uid)),
      replayed: first.replayed === true,
      rebound: first.rebound === true,
      pool: String(first.pool_name),
      detail: (first.detail ?? {}) as Row,
      rows,
    };
  }

  release(uid: string, owner = 'alpha', mode = 'Policy'): Promise<Row> {
    return this.one('ipam_release', [uid, owner, mode, ACTOR, 'release-run']);
  }

  renew(uid: string, ttl?: number, owner = 'alpha'): Promise<Row> {
    return this.one('ipam_renew', [uid, owner, ttl ?? null, ACTOR, 'renewal-run']);
  }

  createPool(request: PoolRequest, run = 'pool-run'): Promise<Row> {
    const { name, owner = 'alpha', cidr, parent, parentOwner, len, wanted, range, ...rest } = request;
    return this.one('ipam_pool_create', [
      owner,
      name,
      cidr ?? null,
      parentOwner ?? null,
      parent ?? null,
      len ?? null,
      wanted ?? null,
      range?.[0] ?? null,
      range?.[1] ?? null,
      rest.strategy ?? null,
      rest.visibility ?? null,
      rest.cooldown ?? null,
      rest.retention ?? null,
      rest.labels ? JSON.stringify(rest.labels) : null,
      rest.allowOverlap ?? null,
      rest.reservations ? JSON.stringify(rest.reservations) : null,
      Buffer.from(sha256Hex(canonicalJson(request)), 'hex'),
      ACTOR,
      run,
    ]);
  }

  /** Makes a pool that must come into being, and answers its id. */
  async pooled(request: PoolRequest): Promise<number> {
    const row = await this.createPool(request);
    if (row.status !== 'created') throw new Error(`the pool was refused: ${JSON.stringify(row)}`);
    return Number(row.pool_id);
  }

  deletePool(name: string, owner = 'alpha', run = `deletion@${randomUUID()}`): Promise<Row> {
    return this.one('ipam_pool_delete', [owner, name, ACTOR, run]);
  }

  changePool(name: string, changes: object, owner = 'alpha', run = `change@${randomUUID()}`): Promise<Row> {
    return this.one('ipam_pool_change', [owner, name, JSON.stringify(changes), ACTOR, run]);
  }

  reserve(
    name: string,
    cidrs: readonly string[],
    remove = false,
    owner = 'alpha',
    run = `reservation@${randomUUID()}`,
  ): Promise<Row> {
    return this.one('ipam_reserve', [owner, name, cidrs, remove, ACTOR, run]);
  }

  grant(name: string, grantee: string, granted = true, owner = 'alpha', run = `grant@${randomUUID()}`): Promise<Row> {
    return this.one('ipam_grant_set', [owner, name, grantee, granted, ACTOR, run]);
  }

  import(
    pool: string,
    rows: readonly object[],
    options: { atomic?: boolean; dryRun?: boolean; owner?: string; run?: string } = {},
  ): Promise<Row[]> {
    const { atomic = false, dryRun = false, owner = 'alpha', run = `import@${randomUUID()}` } = options;
    return this.call('ipam_import', [owner, pool, JSON.stringify(rows), atomic, dryRun, ACTOR, run]);
  }

  sweep(poolId: number, limit = 50): Promise<Row> {
    return this.one('ipam_sweep', [poolId, limit, ACTOR, 'sweep-run']);
  }

  async due(): Promise<number[]> {
    return (await this.call('ipam_sweep_due', [100])).map(({ pool_id }) => Number(pool_id));
  }

  async capacity(poolId: number): Promise<Row> {
    return this.one('ipam_capacity', [[poolId], true]);
  }

  /** Free addresses of a pool. */
  async available(poolId: number): Promise<string> {
    return String((await this.capacity(poolId)).available);
  }

  /** Problems of all pools, as words; none when sound. */
  async problems(poolId?: number): Promise<string[]> {
    const rows = await this.call('ipam_verify', [poolId ?? null]);
    return rows.map(({ name, problem, cidr, detail }) => `${name}: ${problem} ${cidr}: ${detail}`);
  }

  async freeBlocks(poolId: number): Promise<string[]> {
    const rows = await this.query(
      'select network(set_masklen(addr, len))::text as block from ipam_free where pool_id = $1 order by addr',
      [poolId],
    );
    return rows.map(({ block }) => String(block));
  }

  async events(kind: string): Promise<Row[]> {
    return this.query('select * from ipam_event where kind = $1 order by id', [kind]);
  }

  /** Everything that the allocator knows but the event log, for "this changed nothing". */
  async state(): Promise<Row[]> {
    return this.query(
      `select 'pool' as what, to_jsonb(p) as row from ipam_pool p union all select 'block', to_jsonb(a) from ipam_alloc a
         union all select 'free', to_jsonb(f) from ipam_free f union all select 'grant', to_jsonb(g) from ipam_grant g
         union all select 'waiter', to_jsonb(w) from ipam_waiter w order by 1, 2`,
    );
  }

  async clear(): Promise<void> {
    await this.query('truncate ipam_pool, ipam_alloc, ipam_free, ipam_event, ipam_grant, ipam_waiter, ipam_unchanged');
  }
}
