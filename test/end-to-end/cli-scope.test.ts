import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workflowIds } from '../../contract/names.ts';
import {
  inventoryPageSchema,
  retirementResultSchema,
  scopeCreationResultSchema,
  scopePlanSchema,
} from '../../contract/schemas/scope-answers.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import { uniqueName } from '../support/servers.ts';
import { testWorld } from '../support/world.ts';
import { type CliOptions, environmentOf, groundwork, groundworkHere } from './cli.ts';

const world = testWorld();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Options extends CliOptions {
  prefix?: string;
  /** In a process of its own, from the build. */
  asProcess?: boolean;
}

function scope(
  argv: readonly string[],
  { prefix = world.values.taskQueuePrefix, asProcess, ...options }: Options = {},
) {
  const run = asProcess ? groundwork : groundworkHere;
  return run(['scope', ...argv], { ...options, env: environmentOf(prefix) });
}

function flags({ scopeId, slugs, visibility }: ScopeCreationInput): string[] {
  const named = { id: scopeId, ...slugs, visibility };
  return Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]);
}

describe('groundwork scope', () => {
  test('creates from a file, says the same again, shows and deletes', async () => {
    const input = world.request({ environment: 'prod' });
    const file = join(folder, 'scope.json');
    await writeFile(file, JSON.stringify(input));
    const created = await scope(['create', '--file', file, '--json'], { asProcess: true });
    expect(created).toMatchObject({ code: 0, stderr: '' });
    const result = scopeCreationResultSchema.parse(JSON.parse(created.stdout));
    expect(result).toMatchObject({ scopeId: input.scopeId, balancer: { name: 'k8s-groundwork-public' } });

    const again = await scope(['create', '--file', '-'], { stdin: JSON.stringify(input), asProcess: true });
    expect(again.code).toBe(0);
    expect(again.stdout).toContain(`Scope ${input.scopeId} is ready.\n`);
    expect(again.stdout).not.toContain('\x1b[');

    const status = await scope(['status', input.scopeId]);
    expect(status.stdout).toMatch(/^Scope .*: completed \(scope-creation\//);
    expect(status.stdout).toContain(`hosts     ${result.domain}`);

    await expect
      .poll(async () => JSON.parse((await scope(['list', '--id', input.scopeId, '--json'])).stdout).length)
      .toBe(2);
    const deleted = await scope(['delete', input.scopeId]);
    expect(deleted.stdout).toContain(`Scope ${input.scopeId} is deleted.`);
    expect((await scope(['delete', input.scopeId])).stdout).toContain('there was nothing to delete');
  });

  test('plans by options', async () => {
    const input = world.request();
    const planned = await scope(['create', ...flags(input), '--dry-run', '--json']);
    expect(planned.code, planned.stderr).toBe(0);
    expect(scopePlanSchema.parse(JSON.parse(planned.stdout)).dns.map(({ state }) => state)).toEqual([
      'planned',
      'planned',
    ]);
    const people = await scope(['plan', ...flags(input), '--follow']);
    expect(people.stdout).toMatch(/Plan of scope .*: nothing was made\.\n/);
    expect(people.stdout).toMatch(/CANDIDATE +STATE +RULES/);
  });

  test('--follow appends what changes to a pipe, and leaves stdout to the document with --json', async () => {
    const followed = await scope(['create', ...flags(world.request()), '--follow']);
    expect(followed.code).toBe(0);
    const lines = followed.stdout.split('\n');
    const steps = [
      'Check the request',
      'Choose a balancer',
      'Make the balancer ready',
      'Write DNS and wait until in sync',
    ];
    for (const step of steps) expect(lines).toContain(`[x] ${step}`);
    expect(lines.indexOf(`[x] ${steps[3]}`)).toBeLessThan(lines.findIndex((line) => line.includes('is ready.')));

    const document = await scope(['create', ...flags(world.request()), '--follow', '--json']);
    expect(JSON.parse(document.stdout).hosts).toHaveLength(1);
    expect(document.stderr).toContain('[x] Check the request');
  });

  test('exits with the code of the failure, one line on stderr', async () => {
    const autocreated = ['--set', 'networking.scope.albMaxCapacity=1'];
    const noCertificate = await scope([
      'create',
      ...flags(world.request()),
      ...autocreated,
      '--set',
      'networking.scope.domainName=uncertified.example.org',
    ]);
    expect(noCertificate).toMatchObject({ code: 3, stdout: '' });
    expect(noCertificate.stderr).toMatch(/^groundwork: CertificateMissing: .*Issue one in ACM.*\n$/);

    const full = await scope([
      'create',
      ...flags(world.request()),
      ...autocreated,
      '--set',
      'networking.platform.autocreateEnabled=false',
      '--json',
    ]);
    expect(full.code).toBe(7);
    expect(JSON.parse(full.stdout).error).toMatchObject({ type: 'NoCapacity' });

    const refused = await scope(['create', ...flags(world.request()), '--region', 'the-moon']);
    expect(refused).toMatchObject({ code: 4, stderr: 'groundwork: region: "the-moon" is not an AWS region\n' });

    const unknown = await scope(['status', uniqueName('no')]);
    expect(unknown).toMatchObject({ code: 3, stdout: '' });
  });

  test('shows a failed run as it is, which is no failure of the asking', async () => {
    const input = world.request();
    await scope(['create', ...flags(input), '--region', 'the-moon']);
    const status = await scope(['status', input.scopeId, '--follow']);
    expect(status.code).toBe(0);
    expect(status.stdout).toContain('InvalidInput: region: "the-moon" is not an AWS region');
  });
});

describe('a run that waits', () => {
  const waiting = [
    '--set',
    'networking.scope.albMaxCapacity=1',
    '--set',
    'networking.platform.autocreateTimeoutSeconds=600',
  ];

  beforeAll(() => {
    world.aws.state.lifecycle.provisioningSeconds = 36_000;
  });
  afterAll(() => {
    world.aws.state.lifecycle.provisioningSeconds = 120;
  });

  test('goes on after Ctrl-C, is joined, told what it waits for, looks again, and is cancelled', async () => {
    const input = world.request();
    const create = ['create', ...flags(input), ...waiting];
    const interrupted = await scope([...create, '--follow'], { interruptAt: 'Waiting for balancer', asProcess: true });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toBe(
      `groundwork: stopped watching; run ${workflowIds.scopeCreation(input.scopeId)} goes on. See it with "groundwork scope status ${input.scopeId}".\n`,
    );

    const joined = await scope([...create, '--no-wait', '--json']);
    expect(JSON.parse(joined.stdout)).toMatchObject({
      joined: true,
      workflowId: workflowIds.scopeCreation(input.scopeId),
    });
    const mismatch = await scope([...create, '--domain', 'other.apps.example.com']);
    expect(mismatch.code).toBe(5);
    expect(mismatch.stderr).toContain('domain is absent there and "other.apps.example.com" here');

    const late = await scope([...create, '--deadline', '0.3']);
    expect(late.code).toBe(9);
    expect(late.stderr).toContain(`run ${workflowIds.scopeCreation(input.scopeId)} goes on`);

    const status = await scope(['status', input.scopeId]);
    expect(status.stdout).toMatch(
      /waiting for {2}balancer groundwork-auto-\S+ to become active since .*, until .*, last seen: /,
    );

    const retried = await scope(['retry', input.scopeId, '--by', 'ana']);
    expect(retried.stdout).toContain('looks again: it waits for balancer groundwork-auto-');
    expect((await scope(['cancel', input.scopeId])).code).toBe(0);
    const end = await scope(['status', input.scopeId, '--follow', '--json']);
    expect(JSON.parse(end.stdout)).toMatchObject({ run: { state: 'cancelled' }, failure: { type: 'RunCancelled' } });
    expect((await scope(['cancel', input.scopeId])).code).toBe(3);
  });
});

describe('without a worker', () => {
  test('a start says that the run waits for one, and so do status and --follow', async () => {
    const input = world.request();
    const prefix = uniqueName('nobody');
    const words = `no worker polls task queue ${prefix}scopes`;
    const started = await scope(['create', ...flags(input), '--no-wait'], { prefix });
    expect(started.code).toBe(0);
    expect(started.stdout).toBe(`Started ${workflowIds.scopeCreation(input.scopeId)}.\n`);
    expect(started.stderr).toContain(words);
    expect((await scope(['status', input.scopeId], { prefix })).stdout).toContain(words);
    const followed = await scope(['status', input.scopeId, '--follow'], { prefix, interruptAt: words });
    expect(followed.code).toBe(130);
    expect((await scope(['retry', input.scopeId], { prefix })).code).toBe(8);
    await world.client.workflow.getHandle(workflowIds.scopeCreation(input.scopeId)).terminate();
  });
});

describe('groundwork balancers', () => {
  const balancers = (...argv: string[]) =>
    groundworkHere(['balancers', ...argv], { env: environmentOf(world.values.taskQueuePrefix) });

  test('lists, exports, retires and tells drift through a worker', async () => {
    const input = world.request({ networking: { platform: { autocreateNamePrefix: 'cli-', albMaxCapacity: 2 } } });
    const { balancer } = await world.create(input);
    expect((await balancers('drift')).stdout).toContain('Nothing was compared yet');
    const listed = await balancers('list');
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.stdout).toMatch(new RegExp(`${balancer.name} +autocreated +active .*1 scope `));
    const exported = await balancers('export');
    const resource = balancer.name.replaceAll('-', '_');
    expect(exported.stdout).toBe(`import {\n  to = aws_lb.${resource}\n  id = "${balancer.arn}"\n}\n`);
    const { stdout } = await balancers('export', '--format', 'json');
    const page = inventoryPageSchema.parse({ balancers: JSON.parse(stdout) });
    expect(page.balancers.find(({ name }) => name === balancer.name)?.placements).toMatchObject([
      { scopeId: input.scopeId, state: 'bound' },
    ]);
    const retired = await balancers('retire', '--json');
    expect(retirementResultSchema.parse(JSON.parse(retired.stdout))).toMatchObject({ retired: [], troubles: [] });
    expect((await balancers('drift')).stdout).toContain('are as the ledger says');
  });
});
