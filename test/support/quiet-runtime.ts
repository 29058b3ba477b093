import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

let installed = false;

/**
 * The SDK of this process writes errors alone, not that it repeats a call to a server which a test took away. With
 * TEST_LOG set it writes everything.
 */
export function quietRuntime(): void {
  if (installed) return;
  installed = true;
  const all = Boolean(process.env.TEST_LOG);
  const filter = makeTelemetryFilterString({ core: all ? 'DEBUG' : 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger(all ? 'DEBUG' : 'ERROR'), telemetryOptions: { logging: { filter } } });
}
