import type { Rows } from '../bench.ts';
import { sum } from '../statistics.ts';
import type { CaseFigures, FastCase, FastFigures, LiveFigures, Outcome, WorkshopBench } from './result.ts';
import { type ArmName, arms, crowdNames, crowds, failRates, sizes } from './shape.ts';

const HEAD = [
  'rule',
  'rejected log-ins',
  'idle claim-minutes',
  'count writes',
  'count at the end',
  'threshold to write, s (p95)',
];

/** One table per crowd and size; a cell is mean (p95). */
export function tables(run: WorkshopBench): { title: string; rows: Rows }[] {
  return crowdNames.flatMap((crowd) =>
    sizes.flatMap(({ seatsPerClaim, count }) =>
      failRates.map((failRate) => ({
        title: `${crowds[crowd].words}; ${count * seatsPerClaim} seats in ${count === 1 ? 'one claim' : `${count} claims`}; ${failRate === 0 ? 'no claim fails' : `${failRate * 100} % of claims fail`}`,
        rows: [
          HEAD,
          ...run.cases
            .filter((one) => one.crowd === crowd && one.seatsPerClaim === seatsPerClaim && one.failRate === failRate)
            .map(row),
        ],
      })),
    ),
  );
}

function row(figures: CaseFigures): string[] {
  const both = ({ mean, p95 }: { mean: number; p95: number }) => `${round(mean)} (${round(p95)})`;
  return [
    arms[figures.arm].words,
    `${both(figures.rejected)} of ${round(figures.arrived)}`,
    both(figures.idleClaimMinutes),
    both(figures.writes),
    both(figures.finalCount),
    figures.reaction ? round(figures.reaction.p95) : 'no write',
  ];
}

/** The worker at rest and while people come and go. */
export function liveTable({ idle, busy, reaction }: LiveFigures): { title: string; rows: Rows } {
  const both = (what: string, figure: (traffic: LiveFigures['idle']) => number) => [
    what,
    round(figure(idle)),
    round(figure(busy)),
  ];
  const methods = [...new Set([idle, busy].flatMap(({ requestsPerMinute }) => Object.keys(requestsPerMinute)))].sort();
  const all = ({ requestsPerMinute }: LiveFigures['idle']) => sum(Object.values(requestsPerMinute));
  return {
    title: `one worker, threshold to count write: p50 ${reaction.p50.toFixed(2)} s, p95 ${reaction.p95.toFixed(2)} s, p99 ${reaction.p99.toFixed(2)} s, at most ${reaction.max.toFixed(2)} s`,
    rows: [
      ['one worker process', 'idle', 'log-ins and log-outs'],
      both('requests to the API server a minute', all),
      ...methods.map((method) => both(`of them ${method}`, ({ requestsPerMinute }) => requestsPerMinute[method] ?? 0)),
      both('resident memory, MB, largest', ({ largestResidentMb }) => largestResidentMb),
      both('share of one processor', ({ cpuShare }) => cpuShare),
      both('events of a history an hour, mean', ({ eventsPerProvisionAndHour }) => eventsPerProvisionAndHour.mean),
    ],
  };
}

/** Every rule on every crowd that was played; a cell is on real servers, and in memory. */
export function fastTable({ cases, speed, seed }: FastFigures): { title: string; rows: Rows } {
  const words = (value: number | undefined) => (value === undefined ? 'none' : round(value));
  const cell = ({ served, memory }: FastCase, figure: (outcome: Outcome) => number | undefined) =>
    `${words(figure(served))} (${words(figure(memory))})`;
  return {
    title: `ten single seats, 10 % of claims fail, seed ${seed}; on real servers ${speed} times as fast (the same in memory)`,
    rows: [
      ['crowd', ...HEAD.slice(0, -1), 'threshold to write, s'],
      ...cases.map((one) => [
        one.crowd,
        arms[one.arm].words,
        `${cell(one, ({ rejected }) => rejected)} of ${one.served.arrived}`,
        cell(one, ({ idleClaimMinutes }) => idleClaimMinutes),
        cell(one, ({ writes }) => writes),
        cell(one, ({ finalCount }) => finalCount),
        cell(one, ({ reaction }) => reaction),
      ]),
    ],
  };
}

export function workshopLines(run: WorkshopBench): string[] {
  const all = [...tables(run), ...(run.live ? [liveTable(run.live)] : []), ...(run.fast ? [fastTable(run.fast)] : [])];
  const aligned = all.flatMap(({ title, rows }) => {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
    const lines = rows.map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    return ['', title, ...lines.map((line) => `  ${line}`)];
  });
  const goals = run.goals.map(({ goal, measured, met }) => `${met ? 'met    ' : 'NOT MET'} ${goal}: ${measured}`);
  return [...aligned, '', ...goals];
}

export function figuresOf(run: WorkshopBench, arm: ArmName, crowd: CaseFigures['crowd']): CaseFigures | undefined {
  return run.cases.find(
    (one) => one.arm === arm && one.crowd === crowd && one.seatsPerClaim === 1 && one.failRate === 0.1,
  );
}

export function round(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value < 1 ? value.toFixed(2) : value.toFixed(1);
}
