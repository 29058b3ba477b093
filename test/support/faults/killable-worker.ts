// A worker process that kills itself with SIGKILL at one boundary: before the effect of an activity, or after the effect and
// before its answer. Everything else is as in worker/main.ts. It says "ready" when everything is loaded, begins when it is told
// "begin", and when it is told "rest" stops as at SIGTERM and says "ready" again.
//   killable-worker.js <workflow bundle> [before|after <activity> <which call of it, from 1>]
// It runs as compiled beside the build (test/support/installation.ts): a compiler in it would cost seconds.
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { readConfiguration } from '../../../worker/configuration.ts';
import { createDependencies } from '../../../worker/dependencies.ts';
import { createWorkers } from '../../../worker/workers.ts';
import { type Around, surrounded } from '../around.ts';
import { quietRuntime } from '../quiet-runtime.ts';

const [bundlePath = '', when, victim, which = '1'] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');

let calls = 0;
const around: Around = async (name, run) => {
  if (name !== victim) return run();
  calls += 1;
  if (calls !== Number(which)) return run();
  if (when === 'before') die();
  const answer = await run();
  die();
  return answer;
};

quietRuntime();
const configuration = readConfiguration(process.env);
if (!configuration.ok) throw new Error(configuration.problems.join('\n'));
const { values } = configuration;
const address = process.env.TEMPORAL_ADDRESS ?? '';
const namespace = process.env.TEMPORAL_NAMESPACE ?? '';
const native = await NativeConnection.connect({ address });
const connection = await Connection.connect({ address });
const dependencies = createDependencies(values, new Client({ connection, namespace }));
process.once('disconnect', die); // who started it is gone
for (;;) {
  process.send?.('ready');
  await new Promise((begin) => process.once('message', begin));
  const workers = await createWorkers({
    connection: native,
    namespace,
    values,
    dependencies: surrounded(dependencies, around),
    workflows: { bundlePath },
  });
  process.once('message', () => {
    for (const worker of workers) worker.shutdown();
  });
  await Promise.all(workers.map((worker) => worker.run()));
}
