// `npm run record [-- ROOM]`: records the histories that test/replay replays, from runs on the real servers of the sandbox. Do
// it for a version that is released; a change that breaks the histories of an earlier one needs a patch, not a new recording.
import { RECORD } from '../test/support/replay/histories.ts';
import { vitest } from './vitest.ts';

/** Tests that record, by room. */
const files = ['scope/uncached', 'deployment/uncached', 'deployment/external-dns', 'ip/uncached', 'workshop/uncached'];

const [room] = process.argv.slice(2);
const tests = files.filter((file) => room === undefined || file.startsWith(`${room}/`));
const paths = tests.map((file) => `test/workflows/${file}.test.ts`);
process.exitCode = await vitest(['run', '--project', 'servers', ...paths], { [RECORD]: 'yes' });
