import { exemptLoopback } from '../loopback.ts';
import { processIo } from './io.ts';
import { runCli } from './program.ts';

/** Entry of the `groundwork` command; bin.js starts it. */
exemptLoopback(process.env);
process.exitCode = await runCli(process.argv.slice(2), processIo());
