import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../contract/names.ts';
import { failureOf } from '../support/inspect.ts';
import { packed } from '../support/replay/histories.ts';
import { freeAddress, runWorker } from '../support/worker-process.ts';
import { region, testWorld } from '../support/world.ts';

/** Secrets of the worker's environment are found in no history, no search attribute and no log, also when things go wrong. */

const world = testWorld({ seed: region({ public: 75 }), worker: false, networks: true });

const PLANTED = {
  awsKey: 'plantedAwsSecretKey0123456789abcdef',
  awsSession: 'plantedAwsSessionToken0123456789',
};

/** Every text below: strings, and bytes decoded. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const { $bytes } = value as { $bytes?: string };
  if (typeof $bytes === 'string') return [Buffer.from($bytes, 'base64').toString('utf8')];
  return Object.values(value).flatMap(texts);
}

describe('secrets of a worker process', () => {
  test('stay out of histories, search attributes and logs of runs that succeed, fail and are refused', {
    timeout: 120_000,
  }, async () => {
    const databasePassword = decodeURIComponent(new URL(world.environment.GROUNDWORK_DATABASE_URL ?? '').password);
    expect(databasePassword.length).toBeGreaterThan(12); // random: it stands nowhere by chance
    const worker = runWorker({
      ...world.environment,
      GROUNDWORK_LOG_LEVEL: 'debug',
      GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
      GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
      AWS_SECRET_ACCESS_KEY: PLANTED.awsKey,
      AWS_SESSION_TOKEN: PLANTED.awsSession,
    });
    const full = { networking: { platform: { albMaxCapacity: 2 } } };
    const created = world.request(full);
    await world.create(created);
    await world.remove(created.scopeId);
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    const failed = world.request(full);
    expect((await failureOf(world.create(failed))).type).toBe('AccessDenied');
    world.networks.postgres.set({ refuse: true }); // errors of the driver are logged, too
    world.networks.postgres.cut();
    const waiting = await world.start(world.request());
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    world.networks.postgres.heal();
    await failureOf(world.client.workflow.getHandle(waiting.workflowId).result());
    worker.child.kill('SIGTERM');
    await worker.ended;

    const ids = [
      workflowIds.scopeCreation(created.scopeId),
      workflowIds.scopeDeletion(created.scopeId),
      workflowIds.scopeCreation(failed.scopeId),
      waiting.workflowId,
    ];
    const seen: string[] = [worker.output(), worker.errors()];
    for (const id of ids) {
      const handle = world.client.workflow.getHandle(id);
      seen.push(...texts(packed(await handle.fetchHistory())));
      const { raw } = await handle.describe();
      seen.push(...texts(packed(raw)));
    }
    expect(seen.join('\n')).toContain(created.scopeId); // the texts were really read
    const planted = [...Object.values(PLANTED), databasePassword];
    const secrets = [...planted, ...planted.map((secret) => Buffer.from(secret).toString('base64'))];
    expect(secrets.filter((secret) => seen.some((text) => text.includes(secret)))).toEqual([]);
  });
});
