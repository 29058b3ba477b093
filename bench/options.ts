import { parseArgs } from 'node:util';
import { type BenchName, benchNames } from './benches.ts';

/** The arguments of `npm run bench`. */

export const USAGE = `usage: npm run bench -- ${benchNames.join('|')} [--json] [--quick] [--report [--from FILE]]`;

export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}

/** What was asked for. */
export interface Options {
  readonly room: BenchName;
  readonly json: boolean;
  readonly quick: boolean;
  readonly report: boolean;
  readonly from: string | undefined;
}

/** From the arguments of the command; 'help' when that is all that was asked for. Throws `WrongUsage`. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values, positionals } = parsed(args);
  const { json = false, quick = false, report = false, help = false, from } = values;
  if (help) return 'help';
  const [room, ...rest] = positionals;
  if (room === undefined || rest.length > 0) throw new WrongUsage(USAGE);
  const known = benchNames.find((name) => name === room);
  if (known === undefined) throw new WrongUsage(`there is no benchmark "${room}"; ${USAGE}`);
  if (from !== undefined && !report) throw new WrongUsage('--from goes with --report');
  if (from !== undefined && quick)
    throw new WrongUsage('--from takes a run that was made: --quick does not go with it');
  return { room: known, json, quick, report, from };
}

function parsed(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: flag, quick: flag, report: flag, help: { ...flag, short: 'h' }, from: { type: 'string' } },
    });
  } catch (error) {
    throw new WrongUsage(`${error instanceof Error ? error.message.split('. ')[0] : String(error)}; ${USAGE}`);
  }
}
