import { reportToStderr } from './binaries/progress.ts';
import { stopOnSignals } from './processes/signals.ts';
import { forgetSandbox } from './record.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';

/**
 * Starts a sandbox in this process and keeps it until SIGINT, SIGTERM or SIGHUP. A signal during the start ends the process
 * at once, and the watchdog stops what had been started.
 */
export async function up(options: SandboxOptions): Promise<Sandbox> {
  const other = forgetSandbox(process.env);
  const { report = reportToStderr } = options;
  if (other) report(`This shell has the environment of sandbox ${other}; this sandbox gets servers of its own.`);
  let sandbox: Sandbox | undefined;
  const unregister = stopOnSignals(async () => sandbox?.stop());
  try {
    sandbox = await startSandbox(options);
  } catch (error) {
    unregister();
    throw error;
  }
  return sandbox;
}
