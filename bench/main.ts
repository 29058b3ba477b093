import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { writeScopeReport } from './report.ts';
import { scopeLines } from './scope/print.ts';
import type { ScopeBench } from './scope/result.ts';
import { benchScopes } from './scope/run.ts';
import { shapes } from './scope/shape.ts';

/**
 * npm run bench -- scope [--quick] [--json] [--report [--from FILE]]
 *   --quick   fewer creations, under a minute on an idle machine; the default takes some minutes
 *   --json    one JSON document on the last line of stdout, the account on stderr
 *   --report  writes docs/performance.md and its chart from this run, or from a run's JSON in FILE
 * Exit code 0 when everything was counted right and measured, whatever the goals; 1 when a count was wrong or something could
 * not be started; 2 for wrong usage.
 */

const USAGE = 'usage: npm run bench -- scope|ip|deployment|workshop [--json] [--quick] [--report [--from FILE]]';
const LATER = ['ip', 'deployment', 'workshop'];

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
    const account = options.json ? process.stderr : process.stdout;
    const result = await measureOrRead(options, (line) => account.write(`${line}\n`));
    for (const line of scopeLines(result)) account.write(`${line}\n`);
    if (options.report) for (const file of await writeScopeReport(result)) account.write(`written: ${file}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof WrongUsage ? 2 : 1;
  }
}

interface Options {
  readonly json: boolean;
  readonly quick: boolean;
  readonly report: boolean;
  readonly from: string | undefined;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parsed(args);
  const { json = false, quick = false, report = false, help = false, from } = values;
  if (help) return { json, quick, report, from, help };
  const [what, ...rest] = positionals;
  if (what === undefined || rest.length > 0) throw new WrongUsage(USAGE);
  if (LATER.includes(what)) throw new WrongUsage(`this version has no benchmark of "${what}" yet; "scope" is there`);
  if (what !== 'scope') throw new WrongUsage(`there is no benchmark "${what}"; ${USAGE}`);
  if (from !== undefined && !report) throw new WrongUsage('--from goes with --report');
  if (from !== undefined && quick)
    throw new WrongUsage('--from takes a run that was made: --quick does not go with it');
  return { json, quick, report, from, help };
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

async function measureOrRead(options: Options, tell: (line: string) => void): Promise<ScopeBench> {
  if (options.from !== undefined) return readRun(options.from);
  const began = performance.now();
  const report = (line: string) => tell(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  return benchScopes(options.quick ? shapes.quick : shapes.full, report);
}

/** A run as `--json` printed it: the last line counts. */
async function readRun(file: string): Promise<ScopeBench> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new WrongUsage(`--from ${file} cannot be read`);
  });
  try {
    const run = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as Partial<ScopeBench>;
    if (run.bench === 'scope' && run.goals !== undefined) return run as ScopeBench;
  } catch {
    // told below
  }
  throw new WrongUsage(`--from ${file} does not end with the JSON of a run`);
}
