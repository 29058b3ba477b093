import { type Room, taskQueueName, taskQueues } from '../contract/names.ts';
import { readConfiguration } from './configuration.ts';
import { mostConnections } from './dependencies.ts';
import { examineAws } from './doctor/aws.ts';
import { examineDatabase } from './doctor/database.ts';
import { examineKubernetes } from './doctor/kubernetes.ts';
import { examineTemporal } from './doctor/temporal.ts';
import { type Finding, failed, ok, skipped } from './findings.ts';

/**
 * Looks at everything the worker of this environment needs: configuration, Temporal, PostgreSQL, Kubernetes, AWS; the
 * last two where a queue of it needs them. Changes nothing. Findings come as they are made.
 */
export async function* examine(environment: Readonly<Record<string, string | undefined>>): AsyncGenerator<Finding> {
  const reading = readConfiguration(environment);
  if (!reading.ok) {
    for (const problem of reading.problems)
      yield failed(
        'Configuration',
        'usage',
        problem,
        'Correct the setting; docs/operations/configuration.md lists all.',
      );
    yield* examineTemporal([taskQueues.scopes]);
    for (const part of ['PostgreSQL', 'Kubernetes', 'AWS'])
      yield skipped(part, 'not looked at: the configuration is wrong');
    return;
  }
  const { values } = reading;
  yield ok('Configuration', 'every setting can be read');
  yield* examineTemporal(
    values.queues.map((room) => taskQueueName(values.taskQueuePrefix, room as Room)),
    values,
  );
  yield* examineDatabase(values.databaseUrl ?? '', mostConnections(values));
  if (values.queues.some((room) => room !== 'ip'))
    yield* examineKubernetes(values.kubernetesRequestTimeoutSeconds * 1000);
  else yield skipped('Kubernetes', notNeeded(values.queues));
  if (values.queues.some((room) => room !== 'ip' && room !== 'workshops')) yield* examineAws(values);
  else yield skipped('AWS', notNeeded(values.queues));
}

function notNeeded(queues: readonly string[]): string {
  return `not looked at: what this worker serves does not need it (${queues.join(', ')})`;
}
