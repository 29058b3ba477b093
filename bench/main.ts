import { readFile } from 'node:fs/promises';
import type { Bench, BenchRun } from './bench.ts';
import { findBench } from './benches.ts';
import { type Options, readOptions, USAGE, WrongUsage } from './options.ts';
import { writeReport } from './report.ts';

/**
 * npm run bench -- ROOM [--quick] [--json] [--report [--from FILE]]
 *   --quick   fewer of everything, a minute or two on an idle machine; the default takes some minutes
 *   --json    one JSON document on the last line of stdout, the account on stderr
 *   --report  writes its section of docs/performance.md and its charts from this run, or from a run's JSON in FILE
 * Exit code 0 when everything was counted right and measured, whatever the goals; 1 when a count was wrong or something could
 * not be started; 2 for wrong usage.
 */

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options === 'help') {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const bench = await findBench(options.room);
    const account = options.json ? process.stderr : process.stdout;
    const result = await measureOrRead(bench, options, (line) => account.write(`${line}\n`));
    for (const line of bench.lines(result)) account.write(`${line}\n`);
    if (options.report) for (const file of await writeReport(bench, result)) account.write(`written: ${file}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof WrongUsage ? 2 : 1;
  }
}

async function measureOrRead(
  bench: Bench<BenchRun>,
  options: Options,
  tell: (line: string) => void,
): Promise<BenchRun> {
  if (options.from !== undefined) return readRun(options.room, options.from);
  const began = performance.now();
  const report = (line: string) => tell(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  return bench.measure(options.quick ? 'quick' : 'full', report);
}

/** A run as `--json` printed it: the last line counts. */
async function readRun(room: string, file: string): Promise<BenchRun> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new WrongUsage(`--from ${file} cannot be read`);
  });
  try {
    const run = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as Partial<BenchRun>;
    if (run.bench === room && run.goals !== undefined) return run as BenchRun;
  } catch {
    // told below
  }
  throw new WrongUsage(`--from ${file} does not end with the JSON of a run of ${room}`);
}
