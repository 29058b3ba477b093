import type { Rows } from '../bench.ts';
import type { CaseFigures, WorkshopBench } from './result.ts';
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

export function workshopLines(run: WorkshopBench): string[] {
  const aligned = tables(run).flatMap(({ title, rows }) => {
    const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
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
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}
