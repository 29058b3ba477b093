// A worker process that kills itself with SIGKILL at one boundary: before the effect of an activity, or after the effect and
// before its answer. Everything else is as in worker/main.ts. It says "ready" when everything is loaded, begins when it is told
// "begin", and when it is told "rest" stops as at SIGTERM and says "ready" again.
//   killable-worker.ts <folder of the build> [before|after <activity> <which call of it, from 1>]
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { type Around, surrounded } from '../around.ts';

const [dist = '', when, victim, which = '1'] = process.argv.slice(2);
// From the build, because the sources would take seconds to compile.
const { readConfiguration } = (await import(
  join(dist, 'worker/configuration.js')
)) as typeof import('../../../worker/configuration.ts');
const { createDependencies } = (await import(
  join(dist, 'worker/dependencies.js')
)) as typeof import('../../../worker/dependencies.ts');
const { createWorkers } = (await import(
  join(dist, 'worker/workers.js')
)) as typeof import('../../../worker/workers.ts');
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

Runtime.install({ logger: new DefaultLogger('ERROR') });
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
    workflows: { bundlePath: join(dist, 'workflow-bundle.js') },
  });
  process.once('message', () => {
    for (const worker of workers) worker.shutdown();
  });
  await Promise.all(workers.map((worker) => worker.run()));
}
