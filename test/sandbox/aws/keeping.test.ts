import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetHostedZoneCommand, ListHostedZonesCommand, Route53Client } from '@aws-sdk/client-route-53';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type KeptAwsOptions, startKeptAwsEndpoint } from '../../../sandbox/aws/keeping.ts';
import type { AwsSeed } from '../../../sandbox/aws/seed-schema.ts';
import { createZone } from './dns-support.ts';
import { createBalancer, createListener, createRule, failure, manualClock } from './support.ts';

const NEVER = 1_000_000;
const zones = (...names: string[]): AwsSeed => ({ hostedZones: names.map((name) => ({ name })) });
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-kept-'));
  file = join(folder, 'aws.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An endpoint on the file, with real SDK clients. */
async function start(options: Partial<KeptAwsOptions> = {}) {
  const reports: string[] = [];
  const report = (line: string) => reports.push(line);
  const endpoint = await startKeptAwsEndpoint({ clock: manualClock(), file, report, everyMs: NEVER, ...options });
  const settings = {
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDSANDBOX', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  const elb = new ElasticLoadBalancingV2Client(settings);
  const dns = new Route53Client(settings);
  let closed = false;
  const close = async () => {
    closed = true;
    await endpoint.close();
  };
  onTestFinished(async () => {
    if (!closed) await close().catch(() => {});
    for (const client of [elb, dns]) client.destroy();
  });
  const zoneNames = async () =>
    (await dns.send(new ListHostedZonesCommand({}))).HostedZones?.map(({ Name }) => Name).sort();
  return { endpoint, elb, dns, reports, close, zoneNames };
}

describe('what AWS holds', () => {
  test('is what it holds at first, where nothing is kept', async () => {
    const { zoneNames } = await start({ atFirst: zones('first.example') });
    expect(await zoneNames()).toEqual(['first.example.']);
  });

  test('is what was kept, made through the SDK, and not what it holds at first', async () => {
    const before = await start({ atFirst: zones('first.example') });
    const zone = await createZone(before.dns, 'made.example');
    const arn = await createBalancer(before.elb);
    await createRule(before.elb, await createListener(before.elb, arn), 3);
    const dump = before.endpoint.dump();
    await before.close();

    const { endpoint, elb, dns, zoneNames } = await start({ atFirst: zones('first.example') });
    expect(await zoneNames()).toEqual(['first.example.', 'made.example.']);
    expect((await dns.send(new GetHostedZoneCommand({ Id: zone }))).HostedZone?.Name).toBe('made.example.');
    const described = await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }));
    expect(described.LoadBalancers?.[0]?.LoadBalancerName).toBe('k8s-public');
    expect(endpoint.dump()).toEqual(dump);
  });

  test('is what was kept also when a certificate was taken away from its listener', async () => {
    const arn = 'arn:aws:acm:us-east-1:123456789012:certificate/taken';
    const listeners = [{ port: 443, protocol: 'HTTPS' as const, certificate: arn }];
    const region = { certificates: [{ arn, domains: ['*.example.com'] }], loadBalancers: [{ name: 'one', listeners }] };
    const before = await start({ seed: { regions: { 'us-east-1': region } } });
    const taken = `${before.endpoint.url}/_sandbox/certificates?arn=${encodeURIComponent(arn)}`;
    expect((await fetch(taken, { method: 'DELETE' })).ok).toBe(true);
    await before.close();
    const { endpoint } = await start();
    const kept = endpoint.dump().regions?.['us-east-1'];
    expect(kept?.certificates).toEqual([{ arn, domains: ['sandbox.invalid'] }]);
    expect(kept?.loadBalancers).toMatchObject([{ listeners }]);
  });

  test('holds no region that AWS has not, which a later start would refuse', async () => {
    const { endpoint } = await start();
    const elb = new ElasticLoadBalancingV2Client({
      endpoint: endpoint.url,
      region: 'local',
      credentials: { accessKeyId: 'AKIDSANDBOX', secretAccessKey: 'secret' },
      maxAttempts: 1,
    });
    onTestFinished(() => elb.destroy());
    expect(await failure(elb.send(new DescribeLoadBalancersCommand({})))).toMatchObject({
      message: expect.stringContaining("not 'local'"),
    });
    const body = JSON.stringify({ region: 'us-east1', domains: ['*.example.com'] });
    const knob = await fetch(`${endpoint.url}/_sandbox/certificates`, { method: 'POST', body });
    expect([knob.status, await knob.text()]).toEqual([400, expect.stringContaining('region')]);
    expect(endpoint.dump().regions ?? {}).toEqual({});
  });

  test('is what somebody names now, which replaces what was kept for good', async () => {
    await (await start({ atFirst: zones('kept.example') })).close();
    const named = await start({ seed: zones('named.example'), atFirst: zones('first.example') });
    expect(await named.zoneNames()).toEqual(['named.example.']);
    await named.close();
    expect(await (await start({ atFirst: zones('first.example') })).zoneNames()).toEqual(['named.example.']);
  });

  test('is replaced by what somebody names also where what was kept cannot be read', async () => {
    await writeFile(file, '{"hostedZones":');
    expect(await (await start({ seed: zones('named.example') })).zoneNames()).toEqual(['named.example.']);
  });
});

test('the state is kept while it changes, for a process that is killed before it can close', async () => {
  const { dns } = await start({ everyMs: 10, atFirst: zones('first.example') });
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('first.example'));
  await createZone(dns, 'made.example');
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('made.example'));
  expect(await (await start()).zoneNames()).toEqual(['first.example.', 'made.example.']);
});

test('the state is not written again while it stays the same, nor after the end', async () => {
  const { close } = await start({ everyMs: 10, atFirst: zones('first.example') });
  await vi.waitFor(() => readFile(file));
  await rm(file);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await readdir(folder)).toEqual([]);
  await close();
  expect(await readdir(folder)).toEqual(['aws.json']);
  await rm(file);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await readdir(folder)).toEqual([]);
});

test('a state that cannot be written is told once, written when that is possible again, and fails the close if not', async () => {
  await mkdir(`${file}.new`);
  const { dns, reports, close } = await start({ everyMs: 10, atFirst: zones('first.example') });
  await vi.waitFor(() => expect(reports).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(reports).toEqual([
    expect.stringMatching(/^The state of AWS is not kept at the moment: EISDIR.*aws\.json\.new/),
  ]);
  await rmdir(`${file}.new`);
  await createZone(dns, 'made.example');
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('made.example'));
  await mkdir(`${file}.new`);
  await expect(close()).rejects.toThrow('EISDIR');
});

test.each([
  ['half a file', '{"hostedZones":', /: (Unexpected end of|Expected).*JSON/],
  ['two wrong fields', '{"hostedZones":[{"name":1}],"colour":"red"}', /: hostedZones\.0\.name: .* \(and 1 more\)/],
  ['a contradiction', '{"regions":{"us-east-1":{"limits":{"nonsense":1}}}}', /limits\.nonsense: unknown limit;/],
])('%s ends the start in one line that names the file, and stays', async (_, text, reason) => {
  await writeFile(file, text);
  const { message } = await failure(start());
  expect(message).toContain(`the state of AWS in ${file} cannot be read`);
  expect(message).toMatch(reason);
  expect(message).not.toContain('\n');
  expect(await readFile(file, 'utf8')).toBe(text);
});
