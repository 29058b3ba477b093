import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { exploringRegion } from '../../starter/cli/operations/exploring-region.ts';
import { awsOf } from '../../starter/cli/operations/sandbox.ts';

/** What AWS holds in a sandbox that is started by the command; which of the two wins is tested in sandbox/aws/keeping. */

test('without --seed the region to explore is there at first only, so that a kept one is not replaced', async () => {
  expect(await awsOf({ region: 'eu-west-1' })).toEqual({ awsAtFirst: exploringRegion('eu-west-1') });
});

test('--seed names what AWS holds from now on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'groundwork-seed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const seed = join(folder, 'seed.json');
  writeFileSync(seed, '{"hostedZones":[{"name":"named.example"}]}');
  const named = { seed: { hostedZones: [{ name: 'named.example' }] } };
  expect(await awsOf({ region: 'us-east-1', seed })).toEqual({ aws: named });
});
