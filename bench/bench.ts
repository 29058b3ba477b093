import type { Report } from '../sandbox/binaries/progress.ts';
import type { Machine } from './machine.ts';

/** What every benchmark has; bench/benches.ts lists them. */

/** Under what the figures were taken: without it they mean nothing. */
export interface Profile {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Dynamic configuration of the Temporal server. */
  readonly temporalFlags: readonly string[];
  /** Durability settings of PostgreSQL. */
  readonly postgres: Readonly<Record<string, string>>;
  /** Slots, cache and pool of the worker. */
  readonly worker: Readonly<Record<string, number>>;
}

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** One run, as `--json` prints it. */
export interface BenchRun {
  readonly bench: string;
  readonly goals: readonly Goal[];
}

/** A table: the head, then the rows. */
export type Rows = readonly (readonly string[])[];

export interface Bench<Run extends BenchRun> {
  /** Boots what it needs, measures, takes it down. Throws when a count is wrong, before a figure of it is given. */
  measure(shape: 'full' | 'quick', report: Report): Promise<Run>;
  /** A run for the terminal. */
  lines(run: Run): string[];
  /** Its section of docs/performance.md, without the heading of the page. */
  section(run: Run): string;
  /** SVG charts of the section: file name in docs/ to content. */
  charts(run: Run): Readonly<Record<string, string>>;
}

/** The table in Markdown. */
export function markdownTable([head = [], ...rows]: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
