import type { Rows } from '../bench.ts';
import type { CallCount } from './calls.ts';
import type { LoadFigures } from './load.ts';
import type { ScopeBench } from './result.ts';
import type { SingleFigures } from './single.ts';

/** The rows that the terminal and the page have in common; the first row of each is its head. */

export const milliseconds = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
const seconds = (value: number) => (value / 1000).toFixed(2);
const thousands = (value: number) => value.toLocaleString('en-US');

export function callRows(counts: readonly CallCount[]): Rows {
  return [
    [
      'balancers M',
      'creations N',
      'DNS',
      'calls',
      '3 M + 6 N',
      'goal',
      'for each creation',
      'plain algorithm',
      'plain / ours',
    ],
    ...counts.map((count) => [
      String(count.balancers),
      String(count.creations),
      `${count.zones}, ${count.awsTime === 'at once' ? 'in sync at once' : `in sync after 30 s (${count.repeatedLooks} repeated looks)`}`,
      thousands(count.calls),
      thousands(count.goal),
      count.calls <= count.goal ? 'met' : `not met, by ${count.calls - count.goal}`,
      (count.calls / count.creations).toFixed(1),
      thousands(count.plain),
      (count.plain / count.calls).toFixed(1),
    ]),
  ];
}

export function singleRows(singles: readonly SingleFigures[]): Rows {
  const row = (name: string, of: (single: SingleFigures) => string) => [name, ...singles.map(of)];
  return [
    row('one creation after the other, milliseconds', ({ observation }) => `observation: ${observation}`),
    row('from start to result, p50', ({ latency }) => milliseconds(latency.p50)),
    row('p95', ({ latency }) => milliseconds(latency.p95)),
    row('max', ({ latency }) => milliseconds(latency.max)),
    row('calls to AWS', ({ awsCalls, awsMs }) => `${awsCalls.toFixed(0)} calls, ${milliseconds(awsMs)}`),
    row(
      'PostgreSQL, a statement under way',
      ({ statements, databaseMs }) => `${statements.toFixed(0)} statements, ${milliseconds(databaseMs)}`,
    ),
    row('processor time of the worker', ({ cpuMs }) => milliseconds(cpuMs)),
    row('tasks waiting to be started', ({ queuedMs }) => milliseconds(queuedMs)),
    row(
      'workflow tasks, local activities inside',
      ({ workflowTasks, workflowTasksMs }) => `${workflowTasks.toFixed(0)} tasks, ${milliseconds(workflowTasksMs)}`,
    ),
    ...Object.keys(singles[0]?.activityMs ?? {}).map((name) =>
      row(`activity ${name}`, ({ activityMs }) => milliseconds(activityMs[name] ?? 0)),
    ),
    row('events of the history', ({ events }) => String(events.max)),
  ];
}

export function statementRows({ topStatements }: SingleFigures): Rows {
  return [
    ['statement', 'times', 'ms'],
    ...topStatements.map(({ statement, count, ms }) => [statement, count.toFixed(1), ms.toFixed(1)]),
  ];
}

export function loadRows(burst: LoadFigures, arrivals: LoadFigures): Rows {
  const row = (load: LoadFigures) => [
    String(load.creations),
    load.arrivalsPerSecond === undefined ? 'at once' : `${load.arrivalsPerSecond.toFixed(1)} a second`,
    seconds(load.elapsedMs),
    load.perSecond.toFixed(1),
    seconds(load.latency.p50),
    seconds(load.latency.p95),
    seconds(load.latency.p99),
    seconds(load.latency.max),
    milliseconds(load.cpuMs),
    `${Math.round(load.machineBusy * 100)} %`,
    `${Math.round(load.rssBefore / 1e6)} to ${Math.round(load.rssMost / 1e6)}`,
  ];
  return [
    [
      'creations',
      'sent',
      'all done, s',
      'a second',
      'p50, s',
      'p95, s',
      'p99, s',
      'max, s',
      'worker CPU each, ms',
      'machine busy',
      'memory, MB',
    ],
    row(burst),
    row(arrivals),
  ];
}

export function fullPoolRows({ fullPool }: ScopeBench): Rows {
  return [
    [
      'creations',
      'room in a new balancer',
      'balancers required',
      'made',
      'events, making',
      'events, joining',
      'calls',
      'p95, s',
    ],
    [
      String(fullPool.creations),
      String(fullPool.perBalancer),
      String(fullPool.required),
      String(fullPool.made),
      String(fullPool.eventsMaking.max),
      String(fullPool.eventsJoining.max),
      thousands(fullPool.calls),
      seconds(fullPool.latency.p95),
    ],
  ];
}

export function goalRows({ goals }: ScopeBench): Rows {
  return [
    ['goal', 'measured', ''],
    ...goals.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'NOT MET']),
  ];
}

export function profileLines({ profile, shape, startedAt, seconds: took }: ScopeBench): string[] {
  const { machine, versions, temporalFlags, postgres, worker } = profile;
  const list = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    `Run: ${startedAt.slice(0, 19).replace('T', ' ')} UTC, shape ${shape.name}, ${took} s`,
    `Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.os}`,
    `Load: ${Math.round(machine.busyBefore * 100)} % of the processors were busy before the run; load average ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
    `Versions: ${list(versions)}`,
    `Temporal dev server, in memory: ${temporalFlags.join(', ')}`,
    `PostgreSQL: ${list(postgres)}`,
    `Worker, one process, compiled: ${list(worker)}`,
    `Time scale where AWS takes its time: ${shape.timeScale} real seconds for one`,
  ];
}

/** Whether others used the machine so much that times say little. */
export const wasBusy = ({ profile: { machine } }: ScopeBench) =>
  machine.busyBefore > 0.25 || machine.loadBefore > machine.cores;
