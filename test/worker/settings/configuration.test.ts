import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import {
  publicValues,
  readConfiguration,
  readDatabaseUrl,
  scopeSettings,
  settings,
  type Values,
} from '../../../worker/configuration.ts';
import { deploymentSettings } from '../../../worker/deployment-settings.ts';
import { environmentName } from '../../../worker/settings.ts';

const DATABASE = { GROUNDWORK_DATABASE_URL: 'postgresql://user:secret@127.0.0.1/x' };
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function read(environment: Record<string, string>): Values {
  const result = readConfiguration({ ...DATABASE, ...environment });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.values;
}

function problems(environment: Record<string, string>): string[] {
  const result = readConfiguration({ ...DATABASE, ...environment });
  return result.ok ? [] : result.problems;
}

function file(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'groundwork-settings-'));
  folders.push(folder);
  writeFileSync(join(folder, 'groundwork.yaml'), content);
  return join(folder, 'groundwork.yaml');
}

describe('a setting', () => {
  test.each([
    ['GROUNDWORK_ALB_MAX_CAPACITY', 'many', 'must be a positive number'],
    ['GROUNDWORK_ALB_MAX_CAPACITY', '7.5', 'must be a positive whole number'],
    ['GROUNDWORK_ALB_MAX_TARGET_GROUPS', '101', 'does not raise it'],
    ['GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS', '0', 'must be a positive number'],
    ['GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS', 'soon', 'must be a positive number'],
    ['GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS', '1e15', 'must be at most 86400 seconds, a day'],
    ['GROUNDWORK_READ_PATIENCE', '1e15', 'must be at most 31536000'],
    ['GROUNDWORK_AWS_REQUEST_TIMEOUT_SECONDS', '1e15', 'must be at most 86400'],
    ['GROUNDWORK_DEPLOYMENT_MAX_WAIT_SECONDS', '86401', 'must be at most 86400'],
    ['GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS', '1e15', 'must be at most 31536000'],
    ['GROUNDWORK_DEPLOYMENT_HEALTHY_PERCENT', '101', 'must be at most 100'],
    ['GROUNDWORK_WORKSHOP_DEBOUNCE', '1e15', 'must be at most 31536000'],
    ['GROUNDWORK_AUTOCREATE_NAME_PREFIX', 'Upper-', 'may contain only'],
    ['GROUNDWORK_AUTOCREATE_ENABLED', 'perhaps', 'must be true or false'],
    ['GROUNDWORK_BALANCER_PUBLIC_NAME', 'internal-x', 'may not begin'],
    ['GROUNDWORK_ADDITIONAL_PUBLIC_BALANCERS', 'a,Not_A_Name', 'may contain only'],
    ['GROUNDWORK_POLL_INTERVAL', '-1', 'must be a positive number'],
    ['GROUNDWORK_QUEUES', 'scopes,nonsense', 'names nonsense'],
    ['GROUNDWORK_QUEUES', 'ip,scopes,ip', 'names ip twice'],
    ['GROUNDWORK_METRICS_ADDRESS', 'everywhere', 'must be ip:port'],
    ['GROUNDWORK_METRICS_ADDRESS', 'worker.example:9464', 'must be ip:port'],
    ['GROUNDWORK_HEALTH_ADDRESS', '127.0.0.1:99999', 'must be ip:port'],
    ['GROUNDWORK_HEALTH_ADDRESS', '::1:9465', 'must be ip:port'],
    ['GROUNDWORK_HEALTH_ADDRESS', '[127.0.0.1]:9465', 'must be ip:port'],
    ['GROUNDWORK_DATABASE_URL', 'postgres://user:pa#ss@db/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', '10.0.0.5:5432/x', 'is not a URL of PostgreSQL: write postgresql://user:password@host'],
    ['GROUNDWORK_DATABASE_URL', 'db.internal:5432/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'db.internal/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'user:secret@db.internal:5432/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', '//db.internal/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'mysql://user:secret@db.internal/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'postgres:db.internal/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', ' postgres://db.internal/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'postgres://db.internal:port/x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'socket://var/run/postgresql?db=x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_DATABASE_URL', 'host=db.internal dbname=x', 'is not a URL of PostgreSQL'],
    ['GROUNDWORK_REGION', 'us-east1', '"us-east1" is not an AWS region'],
    ['GROUNDWORK_NAMESPACE', 'Apps', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_NAMESPACE', 'a.b', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_WORKSHOP_NAMESPACE', 'my_workshops', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_CLUSTER_NAME', 'East', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_BRAND', 'Acme', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_BRAND', 'acme inc', 'must be 1 to 63 of a-z'],
    ['GROUNDWORK_BRAND', 'a'.repeat(53), 'has 53 characters, at most 52 are allowed'],
    ['GROUNDWORK_PRESET', 'other', 'must be one of groundwork, nullplatform'],
    ['GROUNDWORK_ACCOUNT_ID', '123', '12 digits'],
    ['GROUNDWORK_HOSTED_ZONE_PUBLIC', 'arn:aws:route53:::hostedzone/Z1', 'is not the id of a hosted zone'],
    ['GROUNDWORK_HOSTED_ZONE_PRIVATE', 'apps.example.com', 'is not the id of a hosted zone'],
    ['GROUNDWORK_DOMAIN_NAME', 'no domain.com', 'is not a valid DNS label'],
  ])('%s=%s is refused in one line', (name, value, words) => {
    const lines = problems({ [name]: value });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${name} [^\\n]*${words}`));
    expect(lines[0]).not.toContain('secret');
  });

  test.each([
    ['a URL', 'postgres://user:pa%23ss@db.internal:5432/x?sslmode=verify-full', { host: 'db.internal', database: 'x' }],
    ['an IPv6 address', 'postgresql://[::1]:5433/x', { host: '::1', port: 5433 }],
    ['a socket in a URL', 'postgresql://%2Fvar%2Frun%2Fpostgresql/x', { host: '/var/run/postgresql', database: 'x' }],
    ['a socket', 'socket:/var/run/postgresql?db=x', { host: '/var/run/postgresql', database: 'x' }],
    ['a socket and who one is', 'socket://user:pass@/run/pg?db=x', { host: '/run/pg', user: 'user', database: 'x' }],
    ['a folder and a database', '/var/run/postgresql x', { host: '/var/run/postgresql', database: 'x' }],
  ])('that is the database takes %s, as its client does', (_, url, expected) => {
    const { databaseUrl: connectionString } = read({ GROUNDWORK_DATABASE_URL: url });
    expect(new pg.Client(connectionString)).toMatchObject(expected);
  });

  test.each([
    ['GROUNDWORK_REGION', 'us-gov-west-1', 'region'],
    ['GROUNDWORK_REGION', 'eusc-de-east-1', 'region'],
    ['GROUNDWORK_NAMESPACE', '0-apps', 'namespace'],
    ['GROUNDWORK_BRAND', 'a'.repeat(52), 'brand'],
  ] as const)('%s takes %s', (name, value, key) => {
    expect(read({ [name]: value })[key]).toBe(value);
  });

  test('set to the empty string is not set', () => {
    expect(read({ GROUNDWORK_ALB_MAX_CAPACITY: '' }).albMaxCapacity).toBe(75);
  });

  test('that does not exist is named, in the environment and in the file', () => {
    const path = file('albMaxCapacitty: 60\n');
    expect(problems({ GROUNDWORK_ALB_MAX_CAPACITYY: '1', GROUNDWORK_CONFIG_FILE: path })).toEqual([
      'GROUNDWORK_ALB_MAX_CAPACITYY is not a setting of Groundwork',
      'albMaxCapacitty in the configuration file is not a setting of Groundwork',
    ]);
  });

  test('is none of the variables that Kubernetes sets for a Service called groundwork-worker', () => {
    const links = [
      'SERVICE_HOST',
      'SERVICE_PORT',
      'SERVICE_PORT_METRICS',
      'PORT',
      'PORT_9464_TCP',
      'PORT_9464_TCP_ADDR',
    ];
    expect(
      problems(Object.fromEntries(links.map((link) => [`GROUNDWORK_WORKER_${link}`, 'tcp://10.0.0.7:9464']))),
    ).toEqual([]);
  });

  test('all wrong ones are told at once', () => {
    expect(
      problems({ GROUNDWORK_POLL_INTERVAL: 'x', GROUNDWORK_LOG_LEVEL: 'loud', GROUNDWORK_NOPE: '1' }),
    ).toHaveLength(3);
  });
});

test('the environment wins over the file, the file over the default', () => {
  const path = file('albMaxCapacity: 60\nadditionalPublicBalancers: [a, b]\nautocreateEnabled: true\n');
  const fromFile = read({ GROUNDWORK_CONFIG_FILE: path });
  expect([fromFile.albMaxCapacity, fromFile.additionalPublicBalancers, fromFile.autocreateEnabled]).toEqual([
    60,
    ['a', 'b'],
    true,
  ]);
  expect(read({ GROUNDWORK_CONFIG_FILE: path, GROUNDWORK_ALB_MAX_CAPACITY: '50' }).albMaxCapacity).toBe(50);
});

test.each([
  ['a file that is not there', '/nowhere/groundwork.yaml'],
  ['a folder', tmpdir()],
])('%s is one line', (_, path) => {
  expect(problems({ GROUNDWORK_CONFIG_FILE: path })).toEqual([
    expect.stringMatching(/^GROUNDWORK_CONFIG_FILE: .* cannot be read: [^\n]*$/),
  ]);
});

test('a file that holds no object is one line', () => {
  expect(problems({ GROUNDWORK_CONFIG_FILE: file('- a\n- b\n') })).toEqual([
    expect.stringContaining('must hold one YAML or JSON object'),
  ]);
});

test('without a database the one line says what to set; DATABASE_URL will do', () => {
  const result = readConfiguration({});
  expect(result).toEqual({ ok: false, problems: [expect.stringContaining('GROUNDWORK_DATABASE_URL is required')] });
  expect(readConfiguration({ DATABASE_URL: 'postgresql://x' }).ok).toBe(true);
});

test('a database that cannot be read is one line, and its value is not shown, also from the file', () => {
  const path = file('databaseUrl: postgres://user:pa#ss@db/x\n');
  const [line, ...more] = (({ ok, ...rest }) => ('problems' in rest ? rest.problems : []))(
    readConfiguration({ GROUNDWORK_CONFIG_FILE: path }),
  );
  expect([line, more]).toEqual([expect.stringMatching(/^databaseUrl in the configuration file is not a URL/), []]);
  expect(readDatabaseUrl({ GROUNDWORK_CONFIG_FILE: path })).toEqual({ problem: line });
});

test('the database is read from where the worker reads it, whatever else is wrong', () => {
  const path = file('databaseUrl: postgresql://from-file/x\nnonsense: 1\n');
  expect(readDatabaseUrl({ GROUNDWORK_CONFIG_FILE: path, GROUNDWORK_TYPO: '1' })).toEqual({
    url: 'postgresql://from-file/x',
  });
  expect(readDatabaseUrl({ GROUNDWORK_CONFIG_FILE: path, DATABASE_URL: 'postgresql://x' })).toEqual({
    url: 'postgresql://x',
  });
  expect(readDatabaseUrl({})).toEqual({});
});

test('the effective configuration hides secrets', () => {
  const shown = publicValues(read({}));
  expect(JSON.stringify(shown)).not.toContain('secret');
  expect(shown).toMatchObject({ databaseUrl: '(hidden)', albMaxCapacity: 75 });
});

test('the preset decides the brand, a single value can be set alone', () => {
  expect(scopeSettings(read({ GROUNDWORK_PRESET: 'nullplatform' })).brand).toMatchObject({
    name: 'nullplatform',
    domainName: 'nullapps.io',
  });
  expect(scopeSettings(read({ GROUNDWORK_BRAND: 'acme' })).brand).toMatchObject({
    name: 'acme',
    balancerPublicName: 'k8s-groundwork-public',
  });
});

test('every setting has a description, and its variable is its key in upper snake case', () => {
  for (const { key, description } of Object.values(settings))
    expect([key, description.length > 20]).toEqual([key, true]);
  expect(environmentName('albMaxCapacity')).toBe('GROUNDWORK_ALB_MAX_CAPACITY');
});

describe('the preset nullplatform', () => {
  const preset = { GROUNDWORK_PRESET: 'nullplatform' };

  test.each([
    ['NAMESPACE_OVERRIDE', 'apps', 'namespace', 'apps'],
    ['K8S_NAMESPACE', 'apps', 'namespace', 'apps'],
    ['CREATE_K8S_NAMESPACE_IF_NOT_EXIST', 'false', 'createNamespaceIfMissing', false],
    ['DNS_TYPE', 'external_dns', 'dnsType', 'external_dns'],
    ['ALB_MAX_CAPACITY', '50', 'albMaxCapacity', 50],
    ['ALB_MAX_TARGET_GROUPS', '60', 'albMaxTargetGroups', 60],
    ['ALB_MAX_LISTENERS', '7', 'albMaxListeners', 7],
    ['ALB_AUTOCREATE_ENABLED', 'true', 'autocreateEnabled', true],
    ['ALB_AUTOCREATE_NAME_PREFIX', 'np-', 'autocreateNamePrefix', 'np-'],
    ['ALB_AUTOCREATE_TIMEOUT_SECONDS', '120', 'autocreateTimeoutSeconds', 120],
    ['PUBLIC_GATEWAY_NAME', 'front', 'gatewayPublicName', 'front'],
    ['PRIVATE_GATEWAY_NAME', 'back', 'gatewayPrivateName', 'back'],
    ['DEPLOYMENT_MAX_WAIT_IN_SECONDS', '900', 'deploymentMaxWaitSeconds', 900],
    ['DEPLOY_STRATEGY', 'rolling', 'deploymentStrategy', 'rolling'],
    ['POD_DISRUPTION_BUDGET_ENABLED', 'true', 'disruptionBudgetEnabled', true],
    ['POD_DISRUPTION_BUDGET_MAX_UNAVAILABLE', '2', 'disruptionBudgetMaxUnavailable', '2'],
    ['TRAFFIC_CONTAINER_IMAGE', 'mirror/manager:2', 'trafficManagerImage', 'mirror/manager:2'],
    ['MAIN_TRAFFIC_MANAGER_PORT', '10080', 'trafficManagerPort', 10080],
    ['TRAFFIC_MANAGER_CONFIG_MAP', 'manager', 'trafficManagerConfigMap', 'manager'],
    ['CONTAINER_MEMORY_IN_MEMORY', '128', 'trafficManagerMemoryMi', 128],
    ['CONTAINER_CPU_IN_MILLICORES', '50', 'trafficManagerCpuMillicores', 50],
    ['PULL_SECRETS', '{"ENABLED":true,"SECRETS":["ecr"]}', 'deploymentPullSecrets', ['ecr']],
    ['IMAGE_PULL_SECRETS', '{"ENABLED":true,"SECRETS":["ecr"]}', 'deploymentPullSecrets', ['ecr']],
    ['IAM', '{"ENABLED":true,"PREFIX":"np"}', 'deploymentServiceAccountPrefix', 'np'],
  ] as const)('reads %s, which means nothing without it', (name, value, key, expected) => {
    expect(read({ ...preset, [name]: value })[key]).toEqual(expected);
    expect(read({ [name]: value })[key]).toEqual(read({})[key]);
  });

  test('reads modifiers of objects as JSON from K8S_MODIFIERS, and as they are from the file', () => {
    const objectModifiers = { global: { labels: { team: 'web' } } };
    expect(read({ ...preset, K8S_MODIFIERS: JSON.stringify(objectModifiers) }).objectModifiers).toEqual(
      objectModifiers,
    );
    const path = file('objectModifiers: { global: { labels: { team: web } } }\n');
    expect(read({ GROUNDWORK_CONFIG_FILE: path }).objectModifiers).toEqual(objectModifiers);
    for (const [wrong, words] of [
      ['{"pod":{}}', 'must be modifiers such as'],
      ['team=web', 'must be modifiers such as'],
      ['{"global":{"labels":{"scope_id":"1"}}}', 'has global.labels.scope_id, which is set by Groundwork'],
    ] as const)
      expect(problems({ GROUNDWORK_OBJECT_MODIFIERS: wrong })).toEqual([expect.stringContaining(words)]);
  });

  test('our own name counts more, the file less, and an empty variable is not set', () => {
    const both = { ...preset, ALB_MAX_CAPACITY: '50', GROUNDWORK_ALB_MAX_CAPACITY: '60' };
    expect(read(both).albMaxCapacity).toBe(60);
    const path = file('preset: nullplatform\nalbMaxCapacity: 40\n');
    expect(read({ GROUNDWORK_CONFIG_FILE: path, ALB_MAX_CAPACITY: '50' }).albMaxCapacity).toBe(50);
    expect(read({ GROUNDWORK_CONFIG_FILE: path, ALB_MAX_CAPACITY: '' }).albMaxCapacity).toBe(40);
  });

  test('says pull secrets and accounts in JSON, which it can turn off; PULL_SECRETS counts more (row 7: D14)', () => {
    const off = { IMAGE_PULL_SECRETS: '{"ENABLED":false,"SECRETS":["ecr"]}', IAM: '{"ENABLED":false}' };
    const values = read({ ...preset, ...off });
    expect([values.deploymentPullSecrets, values.deploymentServiceAccountPrefix]).toEqual([[], undefined]);
    const both = { ...preset, PULL_SECRETS: 'own,other', IMAGE_PULL_SECRETS: '{"ENABLED":true,"SECRETS":["ecr"]}' };
    expect(read(both).deploymentPullSecrets).toEqual(['own', 'other']);
    expect(problems({ ...preset, IAM: '{"ENABLED":', PULL_SECRETS: '{"ENABLED":"maybe"}' })).toEqual([
      expect.stringMatching(/^PULL_SECRETS must be true or false, got "maybe"/),
      expect.stringMatching(/^IAM must be valid JSON/),
    ]);
    expect(problems({ ...preset, IAM: '{"ENABLED":true}' })).toEqual([
      expect.stringMatching(/^IAM must have a PREFIX/),
    ]);
  });

  test('puts the sidecar in front of each port; another image or preset decides otherwise', () => {
    const image = (environment: Record<string, string>) => {
      const values = read(environment);
      return deploymentSettings(values, scopeSettings(values), values.preset).knobs.trafficManagerImage;
    };
    expect(image({})).toBeUndefined();
    expect(image(preset)).toBe('public.ecr.aws/nullplatform/k8s-traffic-manager');
    expect(image({ ...preset, TRAFFIC_CONTAINER_IMAGE: 'mirror/manager:2' })).toBe('mirror/manager:2');
  });

  test('a malformed value of one of its names stops the worker with that name', () => {
    expect(problems({ ...preset, ALB_MAX_CAPACITY: 'many' })).toEqual([
      expect.stringMatching(/^ALB_MAX_CAPACITY must be a positive number/),
    ]);
  });
});
