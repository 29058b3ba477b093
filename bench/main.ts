import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Bench, BenchRun } from './bench.ts';
import { benchNames, findBench } from './benches.ts';
import { writeReport } from './report.ts';

/**
 * npm run bench -- ROOM [--quick] [--json] [--report [--from FILE]]
 *   --quick   fewer creations, under a minute on an idle machine; the default takes some minutes
 *   --json    one JSON document on the last line of stdout, the account on stderr
 *   --report  writes its section of docs/performance.md and its charts from this run, or from a run's JSON in FILE
 * Exit code 0 when everything was counted right and measured, whatever the goals; 1 when a count was wrong or something could
 * not be started; 2 for wrong usage.
 */

const USAGE = `usage: npm run bench -- ${benchNames.join('|')} [--json] [--quick] [--report [--from FILE]]`;

class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options.help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const bench = await findBench(options.room);
    if (bench === undefined) throw new WrongUsage(`there is no benchmark "${options.room}"; ${USAGE}`);
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

interface Options {
  readonly room: string;
  readonly json: boolean;
  readonly quick: boolean;
  readonly report: boolean;
  readonly from: string | undefined;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parsed(args);
  const { json = false, quick = false, report = false, help = false, from } = values;
  if (help) return { room: '', json, quick, report, from, help };
  const [room, ...rest] = positionals;
  if (room === undefined || rest.length > 0) throw new WrongUsage(USAGE);
  if (from !== undefined && !report) throw new WrongUsage('--from goes with --report');
  if (from !== undefined && quick)
    throw new WrongUsage('--from takes a run that was made: --quick does not go with it');
  return { room, json, quick, report, from, help };
}

function parsed(args: string[]) {
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { json: flag, quick: flag, report: flag, help: { ...flag, short: 'h' }, from: { type: 'string' } },
    });
  } catch (error) {
    throw new WrongUsage(`${error instanceof Error ? error.message.split('. ')[0] : String(error)}; ${USAGE}`);
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
