import { processIo } from './io.ts';
import { runCli } from './program.ts';

/** Entry of the `groundwork` command; bin.js starts it. */
process.exitCode = await runCli(process.argv.slice(2), processIo());
