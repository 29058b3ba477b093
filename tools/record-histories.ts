// `npm run record [-- ROOM]`: records the histories that test/replay replays, from runs on the real servers of the sandbox. Do
// it for a version that is released; a change that breaks the histories of an earlier one needs a patch, not a new recording.
import { spawn } from 'node:child_process';
import { RECORD } from '../test/support/replay/histories.ts';
import { command, ROOT } from './checks.ts';

const [room] = process.argv.slice(2);
const tests = room === undefined ? 'uncached.test.ts' : `test/workflows/${room}/uncached.test.ts`;
const argv = [command('vitest', 'vitest'), 'run', '--project', 'servers', tests];
const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, [RECORD]: 'yes' } });
child.on('error', (error) => {
  throw error;
});
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
