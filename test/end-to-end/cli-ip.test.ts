import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../starter/io.ts';
import { testIpWorld } from '../support/ip-world.ts';
import { keepEnvironment } from '../support/keep-environment.ts';
import { groundwork } from './cli.ts';

const world = testIpWorld();

let folder: string;
keepEnvironment();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-ip-'));
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'GROUNDWORK_TASK_QUEUE_PREFIX'])
    process.env[name] = world.environment[name];
});
afterAll(() => rm(folder, { recursive: true }));

/** A command line of the owner `cli`, words parted by blanks. */
const ip = (line: string, owner = 'cli') => cli(['ip', ...line.split(' '), '--owner', owner, '--actor', 'tester']);

describe('groundwork ip', () => {
  test('makes pools, claims, lists, releases and deletes, and says what changed', async () => {
    const made = await ip('pool create net --cidr 10.0.0.0/24 --min 26 --max 28 --label env=prod');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(
      /Pool cli\/net: 10.0.0.0\/24 \(Ready\)[\s\S]*gives +\/26 to \/28[\s\S]*256 free[\s\S]*0.0000 %/,
    );
    const claimed = await ip('claim db --pool net --prefix-length 27');
    expect(claimed.stdout).toMatch(/Claim default\/db holds 10.0.0.0\/27[\s\S]*utilization +0.0000 % -> 12.5000 %/);
    const chosen = await ip('claim web --selector env=prod --prefix-length 28 --ttl 600');
    expect(chosen.stdout).toMatch(/holds 10.0.0.32\/28[\s\S]*lease ends[\s\S]*12.5000 % -> 18.7500 %/);
    const planned = await ip('claim next --pool net --prefix-length 26 --dry-run');
    expect(planned.stdout).toMatch(/would get 10.0.0.64\/26[\s\S]*18.7500 % -> 43.7500 %/);
    expect((await ip('list --pool net')).stdout).toMatch(
      /CLAIM +CIDR[\s\S]*default\/db +10.0.0.0\/27[\s\S]*default\/web/,
    );
    expect((await ip('pool show net')).stdout).toMatch(/allocated +48 claims/);
    expect((await ip('renew web --ttl 900')).stdout).toMatch(/^Claim default\/web is held until 20/);
    const inUse = await ip('pool delete net');
    expect([inUse.code, inUse.stdout]).toEqual([5, '']);
    expect(inUse.stderr).toMatch(
      /^groundwork: PoolInUse: pool net holds 2 claims, 0 retained blocks and 0 child pools/,
    );
    expect((await ip('release db')).stdout).toBe(
      'Claim default/db: 10.0.0.0/27 is released. utilization 18.7500 % -> 6.2500 %\n',
    );
    expect((await ip('list --history 10.0.0.1/32')).stdout).toMatch(/released[\s\S]*claimed/);
    expect((await ip('pool set net --strategy BestFit --cooldown 60')).stdout).toMatch(
      /cooldownSeconds: 0 => 60[\s\S]*strategy: FirstFit => BestFit|strategy: FirstFit => BestFit[\s\S]*cooldownSeconds: 0 => 60/,
    );
    expect((await ip('verify')).stdout).toBe('1 pool verified: every address is accounted for once.\n');
  });

  test('I72: --quiet prints only CIDRs, --json only the answer, and both say nothing else', async () => {
    expect(await ip('pool create quiet --cidr 10.1.0.0/24 --min 26 --max 28 -q')).toEqual({
      code: 0,
      stdout: '10.1.0.0/24\n',
      stderr: '',
    });
    expect((await ip('claim many --pool quiet --prefix-length 28 --count 3 -q')).stdout).toBe(
      '10.1.0.0/28\n10.1.0.16/28\n10.1.0.32/28\n',
    );
    expect(JSON.parse((await ip('claim one --pool quiet --prefix-length 28 --json')).stdout)).toMatchObject({
      phase: 'Bound',
      allocatedCIDR: '10.1.0.48/28',
      replayed: false,
    });
    await ip('claim many --pool quiet --prefix-length 28');
    await ip('claim many-3 --pool quiet --prefix-length 28');
    await ip('release many-0');
    await ip('release many-1');
    expect((await ip('release many --all -q')).stdout).toBe('10.1.0.32/28\n');
    expect((await ip('release many -q')).stdout).toBe('10.1.0.64/28\n');
    expect((await ip('release many-3 -q')).stdout).toBe('10.1.0.80/28\n');
    expect((await ip('list --pool quiet -q')).stdout).toBe('10.1.0.48/28\n');
  });

  test('draws the map of a pool in the terminal and as SVG', async () => {
    const drawn = await ip('pool map quiet --ascii --cells 16');
    expect(drawn.stdout).toContain('10.1.0.0  ...#............\n');
    const file = join(folder, 'map.svg');
    expect(await ip(`pool map quiet --svg ${file}`)).toMatchObject({ code: 0, stdout: '' });
    const both = await ip(`pool map quiet --svg ${file} --json`);
    expect(JSON.parse(both.stdout)).toMatchObject({ pool: { name: 'quiet' } });
    expect(await readFile(file, 'utf8')).toMatch(/^<svg [\s\S]*cli\/default\/one[\s\S]*<\/svg>\n$/);
  });

  test('imports a file, says what is in conflict by line, and reserves and grants', async () => {
    const file = join(folder, 'rows.csv');
    await writeFile(file, 'namespace,name,cidr\nold,a,10.1.0.64/28\nold,b,10.1.0.48/28\nold,c,10.1.0.65/28\n');
    const report = await ip(`import quiet ${file}`);
    expect(report.code).toBe(5);
    expect(report.stdout).toMatch(
      /^1 imported, 0 unchanged, 2 in conflict\n {2}line 3: AddressTaken: [\s\S]*line 4: Malformed: 10.1.0.65\/28 has host bits/,
    );
    await writeFile(file, 'namespace,name,cidr\nold,web-0,10.1.0.128/28\nold,web-1,10.1.0.144/28\n');
    expect(await ip(`import quiet ${file}`)).toMatchObject({ code: 0 });
    const alike = await ip('release web --all --namespace old');
    expect(alike.code).toBe(3);
    expect(alike.stderr).toContain('there is no batch web; only called alike: web-0, web-1.');
    expect((await ip('pool reserve quiet 10.1.0.240/28')).stdout).toContain('10.1.0.240/28: free => reserved');
    expect((await ip('pool grant quiet friend')).stdout).toContain('friend: no grant => granted');
    expect((await ip('pool grant quiet friend')).stdout).toBe('Pool cli/quiet was so already.\n');
  });

  test('tells of a claim and its release also when the pool may not be looked at any more', async () => {
    await ip('pool create lent --cidr 10.2.0.0/24 --min 26 --max 28 --visibility shared', 'lender');
    await ip('pool grant lent cli', 'lender');
    const claim = 'claim guest --pool lender/lent --prefix-length 28';
    expect((await ip(claim)).stdout).toMatch(/holds 10.2.0.0\/28[\s\S]*utilization/);
    await ip('pool revoke lent cli', 'lender');
    const again = await ip(claim);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toMatch(/^Claim default\/guest holds already 10.2.0.0\/28/);
    expect(again.stdout).not.toContain('utilization');
    expect(await ip('release guest')).toEqual({
      code: 0,
      stdout: 'Claim default/guest: 10.2.0.0/28 is released.\n',
      stderr: '',
    });
    expect(await ip(claim)).toMatchObject({ code: 6, stdout: '' });
  });

  test.each([
    ['pool show nothing', 3, /^groundwork: NotFound: owner cli has no pool nothing/],
    ['release nothing', 3, /^groundwork: NotFound: cli has no claim default\/nothing/],
    ['release --uid 00000000-0000-7000-8000-000000000000', 3, /^$/],
    ['release alloc-4e7f3e31ff09869c', 4, /managed by its claim; release the claim/],
    ['claim big --pool quiet --prefix-length 25', 4, /^groundwork: OutOfBounds: \/25 is out of bounds: .*\/26 to \/28/],
    ['claim both --pool quiet --selector a=b --prefix-length 28', 4, /mutually exclusive/],
    ['claim odd --pool quiet --cidr 10.1.0.1/28', 4, /spec.requestedCIDR: 10.1.0.1\/28 has host bits/],
    ['claim one --pool quiet --prefix-length 27', 5, /^groundwork: ClaimConflict/],
    ['pool create over --cidr 10.1.0.0/16', 5, /^groundwork: PoolOverlap/],
    ['pool create quiet --cidr 10.1.0.0/24', 5, /^groundwork: PoolConflict/],
    ['claim foreign --pool other/net --family IPv4 --prefix-length 28', 6, /^groundwork: Forbidden/],
    ['claim all --pool quiet --prefix-length 28 --count 200', 7, /^groundwork: PoolExhausted/],
  ])('I72: ip %s exits with %i and one line', async (line, code, words) => {
    const result = await ip(line);
    expect(result.code).toBe(code);
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(1);
    expect(result.stderr).toMatch(words);
  });

  test('I72: a deadline that passes is an unknown outcome; that nobody answers is said', async () => {
    process.env.GROUNDWORK_TASK_QUEUE_PREFIX = 'nobody-serves-';
    const result = await ip('claim lost --pool quiet --family IPv4 --prefix-length 28 --deadline 1.5');
    const reading = await Promise.all(['claim lost --pool quiet', 'list', 'verify'].map((line) => ip(line)));
    process.env.GROUNDWORK_TASK_QUEUE_PREFIX = world.environment.GROUNDWORK_TASK_QUEUE_PREFIX;
    expect(result.code).toBe(9);
    expect(result.stderr).toMatch(
      /^no worker polls task queue nobody-serves-ip: .*\ngroundwork: OutcomeUnknown: claim default\/lost: no answer in time/,
    );
    for (const { code, stderr } of reading) {
      expect(code).toBe(8);
      expect(stderr).toMatch(/^groundwork: Unavailable: no worker polls task queue nobody-serves-ip: .*\n$/);
    }
  });

  test('works as a command of its own, with the owner from the environment', async () => {
    const { GROUNDWORK_TASK_QUEUE_PREFIX = '', TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '' } = world.environment;
    const env = { GROUNDWORK_TASK_QUEUE_PREFIX, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, GROUNDWORK_CLI_OWNER: 'cli' };
    const result = await groundwork(['ip', 'claim', 'shell', '--pool', 'quiet', '--prefix-length', '28', '-q'], {
      env,
    });
    expect(result).toEqual({ code: 0, stdout: '10.1.0.0/28\n', stderr: '' });
  });
});
