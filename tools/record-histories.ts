// `npm run record [-- ROOM]`: records the histories that test/replay replays, from runs on the real servers of the sandbox. Do
// it for a version that is released; a change that breaks the histories of an earlier one needs a patch, not a new recording.
import { RECORD } from '../test/support/replay/histories.ts';
import { vitest } from './vitest.ts';

const [room] = process.argv.slice(2);
const tests = room === undefined ? 'uncached.test.ts' : `test/workflows/${room}/uncached.test.ts`;
process.exitCode = await vitest(['run', '--project', 'servers', tests], { [RECORD]: 'yes' });
