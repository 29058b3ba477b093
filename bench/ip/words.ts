import type { Rows } from '../bench.ts';
import { OURS } from './arms/measure.ts';
import type { IpBench } from './result.ts';

/** The rows that the terminal and the page have in common; the first row of each is its head. */

const thousands = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
const ms = (value: number) => (value < 10 ? value.toFixed(2) : thousands(value));

/** Share of the processors that others may use without our saying so. */
const IDLE = 0.2;
export const wasBusy = ({ profile }: IpBench) => profile.machine.busyBefore > IDLE;

export function profileLines({ profile, shape, startedAt, seconds }: IpBench): string[] {
  const { machine, versions, postgres, worker, temporalFlags } = profile;
  const pairs = (record: Readonly<Record<string, string | number>>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.os}`,
    `others used ${Math.round(machine.busyBefore * 100)} % of the processors before the run; load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
    pairs(versions),
    `PostgreSQL: ${pairs(postgres)}`,
    `Temporal dev server, in memory: ${temporalFlags.join(', ')}; eager dispatch of activities as the server has it`,
    `worker, one process, compiled: ${pairs(worker)}; pollers as the SDK has them`,
    `shape "${shape.name}", begun ${startedAt}, ${seconds} s`,
  ];
}

export function occupancyRows({ occupancies }: IpBench): Rows {
  const base = occupancies[0]?.claim.p50 ?? Number.NaN;
  return [
    [
      'live blocks',
      'in',
      'claim p50',
      'p95',
      'x the first',
      'release p50',
      'read for a claim',
      'pages of the constraint',
      'its search alone',
      'search p50',
      'search / claim',
    ],
    ...occupancies.map(({ live, held, claim, release, tuples, constraintPages, constraintMs, search }) => [
      thousands(live),
      held,
      `${ms(claim.p50)} ms`,
      `${ms(claim.p95)} ms`,
      (claim.p50 / base).toFixed(2),
      `${ms(release.p50)} ms`,
      tuples.toFixed(0),
      constraintPages.toFixed(1),
      `${ms(constraintMs)} ms`,
      `${ms(search.p50)} ms`,
      (search.p50 / claim.p50).toFixed(1),
    ]),
  ];
}

export function crowdRows({ crowd }: IpBench): Rows {
  const { clients, claim, release, perSecond, denial, single, batchOf100 } = crowd;
  const row = (what: string, { p50, p95, max, count }: typeof claim) => [
    what,
    ms(p50),
    ms(p95),
    ms(max),
    thousands(count),
  ];
  return [
    ['ms', 'p50', 'p95', 'most', 'calls'],
    row(`claim, ${clients} clients on one pool (${thousands(perSecond)} a second together)`, claim),
    row(`release, ${clients} clients on one pool`, release),
    row('claim, one client', single),
    row(`batch of 100, one client (${(batchOf100.p50 / single.p50).toFixed(1)} x a single claim)`, batchOf100),
    row('denial of a full pool whose lock another connection holds', denial),
  ];
}

export function armRows({ arms: { arms, clients, batchOf100 } }: IpBench): Rows {
  const ours = arms.find(({ arm }) => arm === OURS)?.one.p50 ?? Number.NaN;
  return [
    [
      'way',
      'one client p50',
      'p95',
      'p50 by round',
      `${clients} clients p50`,
      'p95',
      'events of a history',
      'writing transactions',
    ],
    ...arms.map(({ arm, one, several, medians, events, transactions }) => [
      arm,
      ms(one.p50),
      ms(one.p95),
      medians.map(ms).join(' to '),
      ms(several.p50),
      ms(several.p95),
      events === undefined ? '-' : String(events),
      transactions.toFixed(1),
    ]),
    [
      `the same, a batch of 100 (${(batchOf100.p50 / ours).toFixed(1)} x a single claim)`,
      ms(batchOf100.p50),
      ms(batchOf100.p95),
      '',
      '',
      '',
      '',
      '',
    ],
  ];
}

const CALLS = ['create', 'delete', 'deny', 'list'] as const;

export function loadRows({ load: { rows } }: IpBench): Rows {
  return [
    ['load', 'clients', 'calls', 'a second', 'failed', ...CALLS.map((call) => `${call} p50 / p95 / p99`)],
    ...rows.map(({ shape, clients, calls, seconds, failures, times }) => [
      shape,
      String(clients),
      thousands(calls),
      thousands(calls / seconds),
      String(failures),
      ...CALLS.map((call) => {
        const time = times[call];
        return time === undefined ? '-' : `${ms(time.p50)} / ${ms(time.p95)} / ${ms(time.p99)}`;
      }),
    ]),
  ];
}

export function goalRows({ goals }: IpBench): Rows {
  return [
    ['goal', 'measured', ''],
    ...goals.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'not met']),
  ];
}
