import pg from 'pg';

export interface DatabaseOptions {
  url: string;
  /** Connections; at least as many as activity slots use the database at once. */
  poolSize: number;
  /** Called for connections that break while idle; without a listener the process would end. */
  onIdleError?: (error: Error) => void;
  /** Most milliseconds that one statement may take; default 5 000. */
  statementTimeoutMs?: number;
}

/** Runs one statement. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** A pool with bounded waits everywhere: short transactions, and no caller that hangs on a dead server. */
export class Database implements Queryable {
  readonly #pool: pg.Pool;

  constructor(options: DatabaseOptions) {
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.poolSize,
      connectionTimeoutMillis: 5_000,
      query_timeout: (options.statementTimeoutMs ?? 5_000) + 3_000,
      statement_timeout: options.statementTimeoutMs ?? 5_000,
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 10_000,
      keepAlive: true,
      application_name: 'groundwork',
    });
    this.#pool.on('error', (error) => options.onIdleError?.(error));
  }

  query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
    return this.#pool.query<Row>(text, [...values]);
  }

  /** Runs a statement that each connection prepares once, under `name`: one round trip. Answers its rows. */
  async prepared<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    return (await this.#pool.query({ name, text, values: [...values] })).rows as Row[];
  }

  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  async transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    // A connection that breaks in use says so twice: to the statement, and as an event that ends the process if nobody listens.
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('begin');
      const result = await work({ query: (text, values = []) => client.query(text, [...values]) });
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.release(broken);
      client.off('error', onError);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
