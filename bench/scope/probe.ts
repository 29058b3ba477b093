import { createServer } from 'node:http';
import { isMainThread } from 'node:worker_threads';
import pg from 'pg';

/**
 * Loaded into the worker process before `worker/main.ts`, which is measured as it is: counts and times every statement to
 * PostgreSQL as its caller waits for it, and tells that, the memory and the processor time on BENCH_PROBE_PORT.
 */

export interface ProbeReading {
  /** Statements, `begin` and `commit` among them, and milliseconds until their answers. */
  readonly statements: number;
  readonly statementMs: number;
  /** Bytes of resident memory. */
  readonly rss: number;
  /** Milliseconds of processor time since the start. */
  readonly cpuMs: number;
}

let statements = 0;
let statementMs = 0;

type Query = (...args: unknown[]) => unknown;

/** Callers end their wait by a callback (the pool) or by a promise (a client in a transaction). */
function timed(query: Query): Query {
  return function (this: unknown, ...args) {
    const began = performance.now();
    const end = () => {
      statements += 1;
      statementMs += performance.now() - began;
    };
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
  return { statements, statementMs, rss: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
}

// Temporal runs workflow code in threads, which inherit what is preloaded.
if (isMainThread) {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  prototype.query = timed(prototype.query);
  createServer((_, response) => response.end(JSON.stringify(reading())))
    .listen(Number(process.env.BENCH_PROBE_PORT), '127.0.0.1')
    .unref();
}
