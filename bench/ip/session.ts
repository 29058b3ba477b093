import { randomUUID } from 'node:crypto';
import pg from 'pg';

export const OWNER = 'bench';
export const POOL = 'perf';
/** What every claim asks for. */
export const LENGTH = 28;

/** A block that was given, and how long that took. */
export interface Given {
  readonly uid: string;
  readonly cidr: string;
  readonly milliseconds: number;
}

export const CLAIM = 'select * from ipam_claim($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)';
const RELEASE = 'select * from ipam_release($1,$2,$3,$4,$5)';
const HASH = Buffer.alloc(32, 1);

/** Arguments of `ipam_claim` for blocks of the bench's pool, with uids that no other call has. */
export function claimArguments(names: readonly string[]): unknown[] {
  const uids = names.map(() => randomUUID());
  const where = [null, POOL, null, 4, LENGTH, null];
  return [uids, OWNER, 'load', names, ...where, HASH, 'Delete', null, false, false, 'bench', 'bench'];
}

/** One connection that calls the allocator as the worker does: prepared once, one round trip a call, autocommit. */
export class Session {
  readonly client: pg.Client;

  private constructor(client: pg.Client) {
    this.client = client;
  }

  static async open(url: string): Promise<Session> {
    const client = new pg.Client({ connectionString: url, application_name: 'groundwork bench' });
    await client.connect();
    return new Session(client);
  }

  close(): Promise<void> {
    return this.client.end();
  }

  async claim(name: string): Promise<Given> {
    const { rows, milliseconds } = await this.#claim([name]);
    const [row] = rows;
    if (row?.status !== 'bound') throw new Error(`a claim was answered "${row?.status}"`);
    return { uid: row.claim_uid, cidr: row.cidr, milliseconds };
  }

  /** A claim that must be refused, and how long that took. */
  async denied(name: string): Promise<number> {
    const { rows, milliseconds } = await this.#claim([name]);
    if (rows[0]?.status !== 'exhausted') throw new Error(`a claim on a full pool was answered "${rows[0]?.status}"`);
    return milliseconds;
  }

  async batch(names: readonly string[]): Promise<{ uids: string[]; milliseconds: number }> {
    const { rows, milliseconds } = await this.#claim(names);
    if (rows.length !== names.length) throw new Error(`a batch was answered "${rows[0]?.status}"`);
    return { uids: rows.map(({ claim_uid }) => claim_uid), milliseconds };
  }

  async #claim(names: readonly string[]) {
    const values = claimArguments(names);
    const began = performance.now();
    const { rows } = await this.client.query<{ status: string; claim_uid: string; cidr: string }>({
      name: 'claim',
      text: CLAIM,
      values,
    });
    return { rows, milliseconds: performance.now() - began };
  }

  /** How long it took. */
  async release(uid: string): Promise<number> {
    const began = performance.now();
    const { rows } = await this.client.query<{ status: string }>({
      name: 'release',
      text: RELEASE,
      values: [uid, OWNER, 'Delete', 'bench', 'bench'],
    });
    const milliseconds = performance.now() - began;
    if (rows[0]?.status !== 'released') throw new Error(`a release was answered "${rows[0]?.status}"`);
    return milliseconds;
  }
}
