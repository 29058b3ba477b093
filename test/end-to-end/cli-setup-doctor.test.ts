import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { searchAttributeNames } from '../../contract/names.ts';
import { type AwsEndpoint, startAwsEndpoint } from '../../sandbox/aws/server.ts';
import { simulatedClock } from '../../sandbox/clock.ts';
import { databasesOf } from '../../sandbox/postgres/databases.ts';
import type { Finding } from '../../worker/findings.ts';
import { kubernetesPermissions } from '../../worker/permissions.ts';
import { testServers, uniqueName } from '../support/servers.ts';
import { region } from '../support/world.ts';
import { groundwork, groundworkHere } from './cli.ts';

const servers = testServers();
const databases = databasesOf(servers.postgres.admin);
const TEXT = 1;
const NOWHERE = '127.0.0.1:1';

let connection: Connection;
let aws: AwsEndpoint;
let databaseUrl: string;

beforeAll(async () => {
  connection = await Connection.connect({ address: servers.temporal.address });
  aws = await startAwsEndpoint({ clock: simulatedClock(0.01), seed: region() });
  databaseUrl = await databases.createDatabase();
});
afterAll(async () => {
  await databases.dropDatabase(databaseUrl);
  await aws.close();
  await connection.close();
});

/** A Temporal namespace that has no search attributes of ours yet. */
async function newNamespace(): Promise<string> {
  const namespace = uniqueName('setup');
  const workflowExecutionRetentionPeriod = { seconds: 86_400 as unknown as Long };
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
  // Each part of the server reads its namespaces anew from time to time.
  for (;;) {
    try {
      await connection.operatorService.listSearchAttributes({ namespace });
      await connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: 'any' }, taskQueueType: 1 });
      await connection.workflowService.listSchedules({ namespace });
      return namespace;
    } catch {
      await delay(100);
    }
  }
}

type Long = NonNullable<
  NonNullable<
    Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']
  >['seconds']
>;

const temporalEnv = (namespace: string) => ({
  TEMPORAL_ADDRESS: servers.temporal.address,
  TEMPORAL_NAMESPACE: namespace,
});

describe('groundwork setup', () => {
  test('migrates and registers, also twice at once, and finds nothing to do later', async () => {
    const env = { ...temporalEnv(await newNamespace()), DATABASE_URL: databaseUrl };
    const [one, other] = await Promise.all([
      groundwork(['setup', '--json'], { env }),
      groundwork(['setup', '--json'], { env }),
    ]);
    expect([one.code, other.code], `${one.stderr}${other.stderr}`).toEqual([0, 0]);
    const applied = [one, other].flatMap(({ stdout }) => JSON.parse(stdout).database.done);
    expect(applied.filter((name) => name.includes('scope-ledger'))).toHaveLength(1);
    const again = await groundworkHere(['setup'], { env });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('database: the schema was up to date');
    expect(again.stdout).toContain('temporal: the search attributes were there');
    expect(again.stdout).toMatch(/schedules: brought balancer-retirement, ip-sweep.* up to date/);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: env.TEMPORAL_NAMESPACE,
    });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining([...searchAttributeNames]));
  });

  test('refuses a search attribute of another type, and still does the database', async () => {
    const namespace = await newNamespace();
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { Phase: TEXT } });
    const { code, stdout, stderr } = await groundworkHere(['setup'], {
      env: { ...temporalEnv(namespace), DATABASE_URL: databaseUrl },
    });
    expect(code).toBe(5);
    expect(stdout).toContain('database:');
    expect(stderr).toContain('search attribute Phase of namespace');
  });

  test('keeps what one part did when another cannot be done', async () => {
    const { code, stdout, stderr } = await groundworkHere(['setup', '--json'], {
      env: { TEMPORAL_ADDRESS: NOWHERE, DATABASE_URL: databaseUrl },
    });
    expect(code).toBe(8);
    expect(JSON.parse(stdout)).toMatchObject({
      database: { words: 'the schema was up to date' },
      temporal: { trouble: 'unavailable' },
    });
    expect(stderr).toContain('no Temporal server answers');
  });

  test('tells every part when the profile of Temporal cannot be read', async () => {
    const env = { TEMPORAL_PROFILE: 'nope', DATABASE_URL: databaseUrl };
    const { code, stdout, stderr } = await groundworkHere(['setup', '--json'], { env });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      database: { words: 'the schema was up to date' },
      temporal: { trouble: 'usage', words: expect.stringContaining('Correct TEMPORAL_PROFILE') },
      schedules: { trouble: 'usage' },
    });
    expect(stderr).toContain('nope');
    const other = await groundworkHere(['scope', 'list'], { env });
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/^groundwork: Misconfigured: .*nope.* Correct TEMPORAL_PROFILE/);
  });

  test.each([
    ['no database is named', {}, 2, 'DATABASE_URL is required'],
    ['the URL is none', { DATABASE_URL: 'postgres://user:pa#ss@db/x' }, 2, 'DATABASE_URL is not a URL of PostgreSQL'],
    ['the URL has no scheme', { DATABASE_URL: '10.0.0.5:5432/x' }, 2, 'DATABASE_URL is not a URL of PostgreSQL: write'],
    ['no PostgreSQL answers', { DATABASE_URL: `postgres://u:p@${NOWHERE}/x` }, 8, 'Start PostgreSQL'],
  ])('says what to do when %s', async (_, env, expected, words) => {
    const { code, stderr } = await groundworkHere(['setup', '--skip-temporal'], { env });
    expect(code).toBe(expected);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
  });

  test('finds the database where the worker does, in the configuration file too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'groundwork-setup-'));
    try {
      const path = join(folder, 'groundwork.yaml');
      await writeFile(path, `databaseUrl: ${databaseUrl}\n`);
      const { code, stdout } = await groundworkHere(['setup', '--skip-temporal'], {
        env: { GROUNDWORK_CONFIG_FILE: path },
      });
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'database: the schema was up to date\n' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('says what to do when the namespace does not exist', async () => {
    const { code, stderr } = await groundworkHere(['setup', '--skip-database'], {
      env: temporalEnv('no-such-namespace'),
    });
    expect(code).toBe(3);
    expect(stderr).toContain('Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE');
  });
});

describe('groundwork doctor', () => {
  const healthy = () => ({
    ...temporalEnv(servers.temporal.namespace),
    DATABASE_URL: databaseUrl,
    KUBECONFIG: servers.kubernetes.kubeconfig.worker,
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: 'AKIDDOCTOR',
    AWS_SECRET_ACCESS_KEY: 'secret',
    GROUNDWORK_REGION: 'us-east-1',
    GROUNDWORK_HOSTED_ZONE_PUBLIC: 'ZPUBLIC',
    GROUNDWORK_TASK_QUEUE_PREFIX: `${uniqueName('doctor')}-`,
    GROUNDWORK_QUEUES: 'scopes',
  });

  async function examine(env: Readonly<Record<string, string>>) {
    const { code, stdout } = await groundworkHere(['doctor', '--json'], { env });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const of = (state: Finding['state']) => findings.filter((finding) => finding.state === state);
    return { code, findings, failed: of('failed'), warned: of('warning') };
  }

  beforeAll(async () => {
    const { code, stderr } = await groundworkHere(['setup', '--skip-temporal'], { env: { DATABASE_URL: databaseUrl } });
    expect(code, stderr).toBe(0);
  });

  test('finds a complete installation in order, but for a worker', async () => {
    const { code, findings, failed, warned } = await examine(healthy());
    expect(failed).toEqual([]);
    expect(code).toBe(0);
    expect([...new Set(warned.map(({ message }) => message))]).toEqual([
      expect.stringMatching(/^missing: doctor-.*balancer-retirement/),
      'no worker polls it: runs wait until one does',
    ]);
    const subjects = findings.map(({ subject }) => subject);
    for (const part of ['Temporal server', 'PostgreSQL schema', 'Kubernetes: events', 'AWS route53:GetChange'])
      expect(subjects).toContain(part);
  });

  test('asks of a worker only what its queues need, and no zone that is not configured', async () => {
    const { GROUNDWORK_HOSTED_ZONE_PUBLIC: _, ...noZone } = healthy();
    const read = (await examine(noZone)).findings.filter(({ subject }) => subject.endsWith('ListResourceRecordSets'));
    expect(read).toMatchObject([{ state: 'skipped', message: expect.stringContaining('no zone is configured') }]);
    const nowhere = { AWS_ENDPOINT_URL: `http://${NOWHERE}`, KUBECONFIG: '/no/such/kubeconfig' };
    const ip = await examine({ ...healthy(), ...nowhere, GROUNDWORK_QUEUES: 'ip' });
    expect(ip.failed).toEqual([]);
    const workshops = await examine({
      ...healthy(),
      AWS_ENDPOINT_URL: nowhere.AWS_ENDPOINT_URL,
      GROUNDWORK_QUEUES: 'workshops',
    });
    expect(workshops.failed).toEqual([]);
  });

  test('speaks to people as well', async () => {
    const { code, stdout } = await groundwork(['doctor'], { env: healthy() });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {7}Configuration: /);
    expect(stdout).toContain('Start the worker (npm start).');
    expect(stdout.trimEnd()).toMatch(/In order, with \d+ to look at\.$/);
  });

  test('names every wrong setting, and looks at what does not depend on them', async () => {
    const { code, failed, findings } = await examine({
      ...healthy(),
      GROUNDWORK_POLL_INTERVAL: 'often',
      GROUNDWORK_COLOUR: 'red',
    });
    expect(code).toBe(2);
    expect(failed.map(({ message }) => message)).toEqual([
      'GROUNDWORK_POLL_INTERVAL must be a positive number, got "often"',
      'GROUNDWORK_COLOUR is not a setting of Groundwork',
    ]);
    expect(findings).toContainEqual(expect.objectContaining({ subject: 'Temporal server', state: 'ok' }));
  });

  test('tells settings of the connections that cannot be read', async () => {
    const { code, stdout, stderr } = await groundworkHere(['doctor'], {
      env: { ...healthy(), DATABASE_URL: 'postgres://user:pa#ss@db/x', TEMPORAL_PROFILE: 'nope' },
    });
    expect(code).toBe(2);
    expect(stdout).toMatch(/FAILED +Configuration: DATABASE_URL is not a URL of PostgreSQL/);
    expect(stdout).toMatch(/FAILED +Temporal configuration: .*nope/);
    expect(stdout + stderr).not.toMatch(/pa#ss| {4}at /);
  });

  test('tells what cannot be reached, all of it', async () => {
    const { code, failed } = await examine({
      ...healthy(),
      TEMPORAL_ADDRESS: NOWHERE,
      DATABASE_URL: `postgres://u:p@${NOWHERE}/x`,
      KUBECONFIG: '/no/such/kubeconfig',
      AWS_ENDPOINT_URL: `http://${NOWHERE}`,
    });
    expect(code).toBe(8);
    expect(failed.map(({ subject, trouble }) => `${subject} ${trouble}`)).toEqual([
      'Temporal server unavailable',
      'PostgreSQL unavailable',
      'Kubernetes unavailable',
      'AWS credentials unavailable',
    ]);
    for (const { remedy } of failed) expect(remedy).toBeTruthy();
  });

  test('tells a database that was not set up, and a namespace without search attributes', async () => {
    const url = await databases.createDatabase();
    try {
      const env = { ...healthy(), ...temporalEnv(await newNamespace()), DATABASE_URL: url };
      const { code, failed } = await examine(env);
      expect(failed).toMatchObject([
        { subject: 'Temporal search attributes', remedy: 'Run "groundwork setup".' },
        { subject: 'PostgreSQL schema', remedy: 'Run "groundwork setup".' },
      ]);
      expect(code).toBe(3);
      const claim = ['ip', 'claim', 'db', '--owner', 'o', '--pool', 'net', '--cidr', '10.0.0.0/28'];
      expect(await groundworkHere(claim, { env })).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/^groundwork: SetupMissing: .* Run "groundwork setup"\.\n$/),
      });
    } finally {
      await databases.dropDatabase(url);
    }
  });

  test('tells which permission is missing in Kubernetes and in AWS', async () => {
    const kubeconfig = join(tmpdir(), `${uniqueName('stranger')}.kubeconfig`);
    const admin = await readFile(servers.kubernetes.kubeconfig.admin, 'utf8');
    await writeFile(
      kubeconfig,
      admin.replace(/^( *)token: .*$/m, (line, indent) => `${line}\n${indent}as: stranger`),
    );
    const rule = {
      match: { service: 'elbv2', action: 'DescribeRules' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    } as const;
    const id = aws.faults.add(rule);
    try {
      const { code, failed } = await examine({ ...healthy(), KUBECONFIG: kubeconfig });
      expect(code).toBe(6);
      expect(failed.map(({ subject, message }) => `${subject}: ${message}`)).toEqual([
        ...kubernetesPermissions.map(
          ({ group, resource, verbs }) =>
            `Kubernetes: ${resource}${group === '' ? '' : `.${group}`}: may not ${verbs.join(', ')}`,
        ),
        expect.stringContaining('AWS elasticloadbalancing:DescribeRules: us-east-1: AccessDenied'),
      ]);
      expect(failed.at(-1)?.remedy).toBe('Grant elasticloadbalancing:DescribeRules to the role of the worker.');
    } finally {
      aws.faults.remove(id);
      await rm(kubeconfig);
    }
  });

  test('tells a hosted zone that does not exist, and an account that is another one', async () => {
    const zone = await examine({ ...healthy(), GROUNDWORK_HOSTED_ZONE_PUBLIC: 'ZNOSUCHZONE' });
    expect(zone.failed).toMatchObject([{ subject: 'AWS route53:ListResourceRecordSets', trouble: 'notFound' }]);
    expect(zone.code).toBe(3);
    const account = await examine({ ...healthy(), GROUNDWORK_ACCOUNT_ID: '999999999999' });
    expect(account.failed).toMatchObject([{ subject: 'AWS credentials', trouble: 'conflict' }]);
    expect(account.code).toBe(5);
  });
});
