// A parent for the watchdog's tests: starts two children under a supervisor, says their pids, and waits to be killed.
import { claimRunFolder } from '../../../sandbox/processes/run-folder.ts';

const [folder = '', keep, elsewhere] = process.argv.slice(2);
const { supervisor } = await claimRunFolder(folder, { keep: keep === 'keep' });
if (elsewhere !== undefined) supervisor.removeAtEnd(elsewhere);
const sleeper = (name: string, program: string) =>
  supervisor.start({
    name,
    command: process.execPath,
    args: ['-e', program],
    stop: { signal: 'SIGTERM', graceMs: 300, order: name === 'polite' ? 0 : 1 },
    ready: async () => true,
    readyWithinMs: 10_000,
  });
const polite = await sleeper('polite', 'setInterval(() => {}, 1000)');
const stubborn = await sleeper(
  'stubborn',
  "process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000)",
);
process.stdout.write(`${JSON.stringify({ polite, stubborn, watchdog: supervisor.watchdogPid })}\n`);
setInterval(() => {}, 1_000);
