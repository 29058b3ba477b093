import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import { createScopeActivities } from '../../../activities/scope/index.ts';
import { failureOf, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/**
 * Every activity may run twice or lose its answer. Each test does that to one activity of a creation that makes a balancer
 * and of the deletion after it, then compares AWS, cluster, DNS and ledger with what must be there.
 */

const world = testWorld({ seed: region({ public: 75 }) });

afterEach(() => {
  world.around = undefined;
});

/** All activities of the room, so that a new one cannot be forgotten. */
const names = Object.keys(createScopeActivities({} as Parameters<typeof createScopeActivities>[0]));

/** Activities that neither road calls; their tests stand elsewhere. */
const onNeitherRoad = [
  'waitForPlacement',
  'inspectOwner',
  'repairKeeper',
  // Of retirement and inventory.
  'acceptRetirement',
  'compareWithLedger',
  'countDrift',
  'countForeignRules',
  'driftSources',
  'findAbandoned',
  'findRetirementWork',
  'leftoversOf',
  'readInventory',
  'retireIdle',
  'reviveBalancer',
];

const lost = () =>
  ApplicationFailure.create({ type: 'AnswerLost', message: 'the answer was lost after the effect', nextRetryDelay: 1 });

interface Road {
  name: string;
  go: () => Promise<void>;
  /** Activities that the road calls, sorted. */
  activities: string[];
}

/** Creates a scope on a balancer of its own, then deletes it, and checks the truth after each. */
async function createAndDelete(): Promise<void> {
  const input = world.request({ networking: { platform: { albMaxCapacity: 2 } } });
  const before = await truth(world);
  const result = await world.create(input);
  const { name, dnsName, created } = result.balancer;
  expect(created).toBe(true);
  const after = await truth(world);
  expect(after).toEqual({
    balancers: [...before.balancers, name].sort(),
    records: [
      ...before.records,
      `ZPRIVATE ${result.domain} -> ${dnsName}`,
      `ZPUBLIC ${result.domain} -> ${dnsName}`,
    ].sort(),
    keepers: [...before.keepers, `groundwork-autocreate-${name}`].sort(),
    placements: [...before.placements, `${input.scopeId} bound ${name}`].sort(),
    rows: [...before.rows, `${name} active`].sort(),
    recordRows: [...before.recordRows, `ZPRIVATE ${result.domain}`, `ZPUBLIC ${result.domain}`].sort(),
    held: [],
  });
  await world.remove(input.scopeId);
  expect(await truth(world)).toEqual({
    ...after,
    records: before.records,
    placements: before.placements,
    recordRows: before.recordRows,
  });
  // The balancer stays, idle: the next road needs it full again.
  world.around = undefined;
  expect((await world.create(world.request({ networking: { platform: { albMaxCapacity: 2 } } }))).balancer.name).toBe(
    name,
  );
}

/** A creation whose DNS is denied at the very end: everything that it made goes away again. */
async function failAndUndo(): Promise<void> {
  const input = world.request({ networking: { platform: { albMaxCapacity: 2 } } });
  const before = await truth(world);
  const rule = world.faults.add({
    match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
    effect: { kind: 'error', code: 'AccessDenied', status: 403 },
  });
  const failure = await failureOf(world.create(input));
  world.faults.remove(rule);
  expect(failure.type).toBe('AccessDenied');
  const { rows, ...rest } = await truth(world);
  const { rows: rowsBefore, ...restBefore } = before;
  expect(rest).toEqual(restBefore);
  expect(rows.filter((row) => !rowsBefore.includes(row))).toEqual([expect.stringMatching(/ retired$/)]);
}

/** A creation whose balancer can never come to life. */
async function failWithoutBalancer(): Promise<void> {
  const before = await truth(world);
  const failure = await failureOf(
    world.create(world.request({ networking: { platform: { albMaxCapacity: 2, domainName: 'nocert.example.org' } } })),
  );
  expect(failure.type).toBe('CertificateMissing');
  const { rows, ...rest } = await truth(world);
  const { rows: rowsBefore, ...restBefore } = before;
  expect(rest).toEqual(restBefore);
  expect(rows.filter((row) => !rowsBefore.includes(row))).toEqual([expect.stringMatching(/ retired$/)]);
}

const everywhere = [
  'acceptScopeCreation',
  'applyKeeper',
  'ensureNamespace',
  'findExistingAlias',
  'leaveBalancer',
  'observePool',
  'placeScope',
  'releaseHold',
  'takePlacement',
  'watchBalancer',
];
const removal = ['deleteKeeper', 'retiredBalancer', 'watchBalancerGone'];
const records = ['activateBalancer', 'ensureBalancerTags', 'ensureDnsRecord', 'removeDnsRecord'];

const roads: Road[] = [
  {
    name: 'created and deleted',
    go: createAndDelete,
    activities: [
      ...everywhere,
      ...records,
      'acceptScopeDeletion',
      'bindPlacement',
      'findOpenDeployment',
      'findScopeObjects',
      'watchDnsSync',
    ].sort(),
  },
  { name: 'undone after a denial', go: failAndUndo, activities: [...everywhere, ...records, ...removal].sort() },
  {
    name: 'given up without a certificate',
    go: failWithoutBalancer,
    activities: [...everywhere, ...removal, 'failBalancer'].sort(),
  },
];

test('every activity is on one of the roads or is listed as on neither', () => {
  const covered = new Set([...roads.flatMap(({ activities }) => activities), ...onNeitherRoad]);
  expect([...covered].sort()).toEqual([...names].sort());
});

describe.each(roads)('a scope that is $name', ({ go, activities }) => {
  test('with every call taking effect twice', async () => {
    const seen = new Set<string>();
    world.around = async (name, run) => {
      seen.add(name);
      await run();
      return run();
    };
    await go();
    expect([...seen].sort()).toEqual(activities);
  });

  test.each(activities)('with an answer of %s lost after the effect', async (victim) => {
    let calls = 0;
    world.around = async (name, run) => {
      const answer = await run();
      if (name !== victim) return answer;
      calls += 1;
      if (calls === 1) throw lost();
      return answer;
    };
    await go();
    expect(calls).toBeGreaterThanOrEqual(2);
  });
});
