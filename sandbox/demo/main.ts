import { parseArgs } from 'node:util';
import { chapterNames, pickChapters } from './chapter.ts';
import { runDemo } from './run.ts';

const USAGE = `npm run demo [-- CHAPTER ... OPTIONS]

Boots everything Groundwork needs on this machine, plays the main jobs on it, and checks every claim it makes.

  CHAPTER  play only these of ${chapterNames.join(', ')}
  --keep   leave everything running at the end until Ctrl-C, to look around
  --json   one JSON document on stdout, the account on stderr
  --help   this text

Exit code 0 when every claim holds, 1 when one does not or something cannot be started, 2 for wrong usage.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  // A reader that goes away (`npm run demo | head`) ends the demo; the watchdogs stop what runs.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean' }, keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const picked = pickChapters(positionals);
    if ('problem' in picked) throw new Error(picked.problem);
    const { ok } = await runDemo({ json: values.json ?? false, keep: values.keep ?? false, ...picked });
    return ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}
