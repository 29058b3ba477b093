import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Io } from '../../starter/cli/io.ts';
import { creationInput, deletionInput } from '../../starter/cli/scope/input.ts';
import { cli } from './io.ts';

const stdin = (text: string) => ({ stdin: [Buffer.from(text)] }) as unknown as Io;
const empty = stdin('');

describe('the input of a creation', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundwork-input-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('comes from options, each in its field', async () => {
    const input = await creationInput(empty, {
      id: '123',
      account: 'acme',
      namespace: 'payments',
      application: 'api',
      scope: 'prod',
      visibility: 'public',
      additionalDomain: ['a.example.com', 'b.example.com'],
      zonePublic: 'Z1',
      kubernetesNamespace: 'apps',
      set: ['networking.platform.autocreateEnabled=true', 'networking.scope.albMaxCapacity=80', 'nrn=a=1:b=2'],
    });
    expect(input).toEqual({
      scopeId: '123',
      slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' },
      visibility: 'public',
      additionalDomains: ['a.example.com', 'b.example.com'],
      hostedZones: { public: 'Z1' },
      kubernetes: { namespace: 'apps' },
      networking: { platform: { autocreateEnabled: true }, scope: { albMaxCapacity: 80 } },
      nrn: 'a=1:b=2',
    });
  });

  test('comes from a file, and options count more', async () => {
    const file = join(folder, 'scope.json');
    await writeFile(
      file,
      JSON.stringify({ scopeId: '1', slugs: { scope: 'dev', account: 'acme' }, visibility: 'public' }),
    );
    expect(await creationInput(empty, { file, scope: 'prod', set: ['visibility=private'] })).toEqual({
      scopeId: '1',
      slugs: { scope: 'prod', account: 'acme' },
      visibility: 'private',
    });
  });

  test('comes from stdin', async () => {
    expect(await creationInput(stdin('{"scopeId":"9"}'), { file: '-' })).toEqual({ scopeId: '9' });
  });

  test('does not reach beyond itself', async () => {
    await expect(creationInput(empty, { set: ['providers.cloud-providers.__proto__.polluted=true'] })).rejects.toThrow(
      'no path of a field',
    );
    await creationInput(empty, { set: ['providers.cloud-providers.constructor.prototype.polluted=true'] });
    expect({}).not.toHaveProperty('polluted');
  });
});

test('the input of a deletion comes from its options', async () => {
  const options = { id: '1', force: true, zonePrivate: 'Z2', domain: 'a.b' };
  expect(await deletionInput(empty, options)).toEqual({
    scopeId: '1',
    force: true,
    domain: 'a.b',
    hostedZones: { private: 'Z2' },
  });
});

describe('wrong usage is one line on stderr and exit code 2', () => {
  test.each([
    ['an unknown command', ['scope', 'crate'], "unknown command 'crate' (Did you mean create?)"],
    ['an unknown option', ['doctor', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    ['a missing argument', ['scope', 'status'], "missing required argument 'id'"],
    ['a deadline that is no number', ['scope', 'create', '--deadline', 'soon'], 'must be a positive number'],
    [
      'a deadline that is no time',
      ['scope', 'create', '--deadline', '1e300'],
      "'--deadline <seconds>' argument '1e300'",
    ],
    [
      'the end of a pause that is no time',
      ['workshop', 'pause', 'lab', '-n', 'user-1', '--reason', 'exam', '--until', '99999999999999d'],
      "'--until <time>' argument '99999999999999d' is invalid. It must be a time, or 30m, 2h, 1d.",
    ],
    [
      'the end of an override that is no time',
      ['workshop', 'override', 'lab', '-n', 'user-1', '--max', '3', '--until', '9999999999999999999999m'],
      "'--until <time>' argument '9999999999999999999999m' is invalid. It must be a time, or 30m, 2h, 1d.",
    ],
    [
      'a phase that does not exist',
      ['scope', 'list', '--phase', 'Dreaming'],
      'Allowed choices are Validating, Placing',
    ],
    ['nothing to create', ['scope', 'create'], 'give the scope by --file FILE (- for stdin) or by options'],
    ['a file that does not exist', ['scope', 'create', '--file', '/no/scope.json'], 'there is no such file'],
    ['an assignment without a value', ['scope', 'create', '--set', 'dryRun'], 'write it as path=value'],
    ...[['up'], ['status'], ['down'], ['faults'], ['workshop', 'user-1/lab'], ['crowd', 'user-1/lab']].map(
      (command): [string, string[], string] => [
        `a name that no sandbox may have, of sandbox ${command[0]}`,
        ['sandbox', ...command, '--name', 'a b'],
        `'--name <name>' argument 'a b' is invalid. It must be 1 to 41 letters`,
      ],
    ),
    [
      'a region that does not exist',
      ['sandbox', 'up', '--region', 'frankfurt'],
      `'--region <region>' argument 'frankfurt' is invalid. It must be an AWS region, for example us-east-1.`,
    ],
    ['a topic that does not exist', ['help', 'scopes'], 'there is no command "scopes"'],
  ])('%s', async (_, argv, words) => {
    const { code, stdout, stderr } = await cli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

test.each([
  ['an unknown command', ['nonsense', '--json'], "unknown command 'nonsense'"],
  ['a missing argument', ['scope', 'status', '--json'], "missing required argument 'id'"],
  ['a number that is none', ['scope', 'list', '--limit', 'zero', '--json'], 'must be'],
])('wrong usage is the one document on stdout with --json: %s', async (_, argv, words) => {
  const { code, stdout, stderr } = await cli(argv);
  expect({ code, ...JSON.parse(stdout) }).toEqual({
    code: 2,
    error: { type: 'Usage', message: expect.stringContaining(words) },
  });
  expect(stderr).toBe(`groundwork: ${JSON.parse(stdout).error.message}\n`);
});

describe('wrong input is exit code 4, with no server at hand', () => {
  test('one line for each wrong field', async () => {
    const { code, stdout, stderr } = await cli([
      'scope',
      'create',
      '--id',
      '-1',
      '--visibility',
      'public',
      '--set',
      'slugs=1',
    ]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toBe(
      'groundwork: scopeId: must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit\n' +
        'groundwork: slugs: must be an object\n',
    );
  });

  test('a path that no field has is named, and says nothing of those that one has', async () => {
    const { code, stdout, stderr } = await cli([
      ...['scope', 'create', '--set', 'networking.scope.albMaxCapcity=1', '--set', 'nrn.more=1'],
      ...['--set', 'networking.scope.albMaxCapacity=2', '--set', 'providers.cloud-providers.any.thing=3'],
    ]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toBe(
      'groundwork: networking.scope.albMaxCapcity: is no field of this input\ngroundwork: nrn.more: is no field of this input\n',
    );
  });

  test('a field of another input is none of a deployment', async () => {
    const { code, stderr } = await cli(['deployment', 'start', '--set', 'scopeId=a', '--set', 'visibility=public']);
    expect([code, stderr]).toEqual([4, 'groundwork: visibility: is no field of this input\n']);
  });

  test('with --json the failure is the one document on stdout', async () => {
    const { code, stdout } = await cli(['scope', 'delete', '--adopt', '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stdout).error).toMatchObject({
      type: 'InvalidInput',
      details: { fields: expect.arrayContaining([{ path: 'scopeId', message: 'is required' }]) },
    });
  });

  test.each([
    ['text that is no JSON', '{"scopeId":'],
    ['a list', '[]'],
  ])('%s', async (_, text) => {
    const { code, stderr } = await cli(['scope', 'plan', '--file', '-'], { stdin: text });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^groundwork: stdin: .*\n$/);
  });
});

describe('help', () => {
  test('is printed for the program and for a command, with exit code 0', async () => {
    expect(await cli(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('sandbox'), stderr: '' });
    expect(await cli(['help', 'scope', 'create'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--set') });
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('every command takes --json', async () => {
    const commands = ['setup', 'doctor', 'demo'].map((name) => [name]);
    for (const name of ['create', 'plan', 'delete', 'status', 'list', 'retry', 'cancel'])
      commands.push(['scope', name]);
    for (const name of ['up', 'status', 'down', 'faults']) commands.push(['sandbox', name]);
    for (const command of commands)
      expect((await cli(['help', ...command])).stdout, command.join(' ')).toContain('--json');
  });
});
