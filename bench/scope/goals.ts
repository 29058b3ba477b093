import type { Goal } from '../bench.ts';
import type { AwsTime } from './aws-time.ts';
import type { CallCount } from './calls.ts';
import type { Measured } from './result.ts';

/** The goals of the specification of scopes (section 13), each with what was measured. */

const MOST_EVENTS = 60;
const MOST_OWN_MS = 1_000;
const MOST_DATABASE_MS = 50;
const MOST_MEMORY_MB = 500;

export const megabytes = (bytes: number) => Math.round(bytes / 1e6);
const whole = (value: number) => String(Math.round(value));

export function judge(measured: Measured): Goal[] {
  const { calls, singles, burst, arrivals, fullPool } = measured;
  const events = Math.max(...singles.map(({ events }) => events.max), arrivals.events.max);
  const slowest = Math.max(...singles.map(({ latency }) => latency.p95));
  const database = Math.max(...singles.map(({ databaseMs }) => databaseMs));
  const memory = megabytes(burst.rssMost);
  return [
    callGoal(calls, 'at once', 'two zones'),
    ...(calls.some(({ zones }) => zones === 'one zone') ? [callGoal(calls, 'at once', 'one zone')] : []),
    callGoal(calls, 'as it is', 'two zones'),
    {
      goal: `our own time for one creation below ${MOST_OWN_MS / 1000} s (p95, calls to AWS included)`,
      measured: `${whole(slowest)} ms`,
      met: slowest < MOST_OWN_MS,
    },
    {
      goal: `of it PostgreSQL below ${MOST_DATABASE_MS} ms (mean time with a statement under way)`,
      measured: `${database.toFixed(1)} ms`,
      met: database < MOST_DATABASE_MS,
    },
    {
      goal: `history of an ordinary creation at most ${MOST_EVENTS} events`,
      measured: `${events} at most; ${burst.events.max} with ${burst.creations} at once`,
      met: Math.max(events, burst.events.max) <= MOST_EVENTS,
    },
    {
      goal: `${fullPool.creations} creations at once on a full pool make as many balancers as room requires`,
      measured: `${fullPool.made} made, ${fullPool.required} required`,
      met: fullPool.made === fullPool.required,
    },
    {
      goal: `worker process below ${MOST_MEMORY_MB} MB with ${burst.creations} creations at once`,
      measured: `${memory} MB`,
      met: memory < MOST_MEMORY_MB,
    },
  ];
}

const timeWords: Readonly<Record<AwsTime, string>> = {
  'at once': 'DNS in sync at the first look',
  'as it is': 'DNS in sync after 30 s',
};

function callGoal(all: readonly CallCount[], awsTime: AwsTime, zones: CallCount['zones']): Goal {
  const counts = all.filter((count) => count.awsTime === awsTime && count.zones === zones);
  const over = counts.filter(({ calls, goal }) => calls > goal);
  const worst = over.sort((a, b) => b.calls - b.goal - (a.calls - a.goal))[0];
  return {
    goal: `at most 3 M + 6 N calls to AWS (${zones}, ${timeWords[awsTime]})`,
    measured: worst
      ? `over in ${over.length} of ${counts.length} cases, by ${worst.calls - worst.goal} at most (M = ${worst.balancers}, N = ${worst.creations}: ${worst.calls} for ${worst.goal})`
      : `kept in all ${counts.length} cases`,
    met: over.length === 0,
  };
}
