import { createServer } from 'node:http';
import pg from 'pg';

/**
 * Loaded into the worker process before `worker/main.ts`, which is measured as it is: counts and times every statement to
 * PostgreSQL as its caller waits for it, and tells that, the memory and the processor time on BENCH_PROBE_PORT.
 */

export interface ProbeReading {
  /** Statements by their first words, `begin` and `commit` among them: how many, and milliseconds until their answers. */
  readonly statements: Readonly<Record<string, StatementFigures>>;
  /** Milliseconds in which at least one statement was under way. */
  readonly databaseMs: number;
  /** Bytes of resident memory. */
  readonly rss: number;
  /** Milliseconds of processor time since the start. */
  readonly cpuMs: number;
}

export interface StatementFigures {
  readonly count: number;
  readonly ms: number;
}

const statements = new Map<string, { count: number; ms: number }>();
let underWay = 0;
let busySince = 0;
let databaseMs = 0;

type Query = (...args: unknown[]) => unknown;

const WORDS = 90;

/** Notes that a statement is sent; the answer notes its end. */
function begin(statement: unknown): () => void {
  const text = (typeof statement === 'string' ? statement : ((statement as { text?: string }).text ?? '')).trim();
  const name = text.replace(/\s+/g, ' ').slice(0, WORDS);
  const began = performance.now();
  if (underWay === 0) busySince = began;
  underWay += 1;
  return () => {
    const now = performance.now();
    underWay -= 1;
    if (underWay === 0) databaseMs += now - busySince;
    const known = statements.get(name) ?? { count: 0, ms: 0 };
    statements.set(name, { count: known.count + 1, ms: known.ms + now - began });
  };
}

/** Callers end their wait by a callback (the pool) or by a promise (a client in a transaction). */
function timed(query: Query): Query {
  return function (this: unknown, ...args) {
    const end = begin(args[0]);
    const last = args.at(-1);
    if (typeof last === 'function') {
      args[args.length - 1] = (...answer: unknown[]) => {
        end();
        return (last as Query)(...answer);
      };
      return query.apply(this, args);
    }
    const answer = query.apply(this, args);
    if (answer instanceof Promise) answer.then(end, end);
    return answer;
  };
}

function reading(): ProbeReading {
  const { user, system } = process.cpuUsage();
  return {
    statements: Object.fromEntries(statements),
    databaseMs,
    rss: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
  };
}

const prototype = pg.Client.prototype as unknown as { query: Query };
prototype.query = timed(prototype.query);
createServer((_, response) => response.end(JSON.stringify(reading())))
  .listen(Number(process.env.BENCH_PROBE_PORT), '127.0.0.1')
  .unref();
