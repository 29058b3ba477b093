import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workshopKinds, workshopLabels } from '../../../../contract/workshop/objects.ts';
import { readObservation } from '../../../../domain/workshop/observation.ts';
import { simulatedClock } from '../../../../sandbox/clock.ts';
import { KubeClient } from '../../../../sandbox/controllers/client.ts';
import { type Controllers, startControllers } from '../../../../sandbox/controllers/index.ts';
import { Crowd } from '../../../../sandbox/controllers/workshop/crowd.ts';
import { fateOf, knobsOf, SIM } from '../../../../sandbox/controllers/workshop/fate.ts';
import {
  type Claim,
  workshopResources as kinds,
  type Provision,
  type Seat,
  type Workshop,
} from '../../../../sandbox/controllers/workshop/objects.ts';
import { adminConfig, eventually, TestNamespace } from '../support.ts';

const clock = simulatedClock(0.02);
const client = new KubeClient(adminConfig(), 'test');
let controllers: Controllers;

beforeAll(async () => {
  controllers = await startControllers({
    kubeConfig: adminConfig(),
    aws: {
      endpoint: 'http://127.0.0.1:1',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    },
    clock,
    namespaces: (name) => name.startsWith('manager-'),
  });
});
afterAll(async () => {
  await controllers.stop();
  await client.close();
});

/** A workshop with one provision, in a namespace of its own. */
async function workshop(count: number, sim: Record<string, string> = {}, spec: Record<string, unknown> = {}) {
  const ns = await TestNamespace.create(client, 'manager');
  await ns.create(kinds.workshop, 'ws', { ...workshopKinds.workshop, spec });
  const annotations = Object.fromEntries(Object.entries(sim).map(([key, value]) => [SIM + key, value]));
  await ns.create(
    kinds.provision,
    'lab',
    {
      apiVersion: workshopKinds.provision.apiVersion,
      kind: workshopKinds.provision.kind,
      spec: { workshopName: 'ws', count, startDelay: 1, catalogItem: { name: 'lab', namespace: 'catalog' } },
    },
    { annotations: { [`${SIM}completion`]: '2', ...annotations } },
  );
  const claims = () => ns.list<Claim>(kinds.claim);
  const seats = () => ns.list<Seat>(kinds.seat);
  /** What an autoscaler would see. */
  const observe = async () =>
    readObservation({
      namespace: ns.name,
      name: 'lab',
      provision: await ns.find<Provision>(kinds.provision, 'lab'),
      workshop: await ns.find<Workshop>(kinds.workshop, 'ws'),
      provisions: await ns.list<Provision>(kinds.provision),
      claims: await claims(),
      seats: await seats(),
    });
  const settled = (active: number) => eventually(async () => (await observe()).seats.provision.total === active);
  return { ns, claims, seats, observe, settled };
}

describe('the simulated manager', () => {
  test('makes claims one by one with their labels and owners, and a seat for each that is complete', async () => {
    const { ns, claims, seats, observe, settled } = await workshop(3);
    await settled(3);
    const [claim] = await claims();
    expect(claim?.metadata).toMatchObject({
      name: expect.stringMatching(/^lab-/),
      labels: {
        [workshopLabels.workshop]: 'ws',
        [workshopLabels.provision]: 'lab',
        [workshopLabels.workshopId]: expect.stringMatching(/^\w{6}$/),
      },
      ownerReferences: [{ kind: 'WorkshopProvision', name: 'lab', controller: true }],
    });
    const [seat] = await seats();
    expect(seat?.metadata.ownerReferences).toMatchObject([{ kind: 'ResourceClaim' }]);
    expect((await observe()).claims).toMatchObject({ live: 3, complete: 3, active: 3, pending: 0 });
    await eventually(async () => {
      const { status } = (await ns.find<Provision>(kinds.provision, 'lab')) ?? {};
      const { status: told } = (await ns.find<Workshop>(kinds.workshop, 'ws')) ?? {};
      expect(status).toMatchObject({ resourceClaimCount: 3, activeCount: 3, failedCount: 0, provisioningCount: 0 });
      expect(told).toMatchObject({ userCount: { assigned: 0, available: 3, total: 3 } });
      return true;
    });
  });

  test('removes nothing when the count is lowered, and everything with the provision', async () => {
    const { ns, claims, seats, settled } = await workshop(3);
    await settled(3);
    await ns.merge(kinds.provision, 'lab', { spec: { count: 1 } });
    await eventually(
      async () => (await ns.find<{ spec: { count: number } } & Provision>(kinds.provision, 'lab'))?.spec.count === 1,
    );
    await clock.sleep(5);
    expect(await claims()).toHaveLength(3);
    await ns.remove(kinds.provision, 'lab');
    await eventually(async () => (await claims()).length === 0 && (await seats()).length === 0);
  });

  test('replaces failed claims until the breaker opens', async () => {
    const { observe } = await workshop(5, { 'fail-rate': '1' });
    await eventually(async () => {
      const { claims, provisions } = await observe();
      return provisions[0]?.breakerOpen && claims.provisioning === 0;
    });
    const stopped = (await observe()).claims.live;
    await clock.sleep(10);
    expect((await observe()).claims.live).toBe(stopped);
  });

  test('a claim hangs, and goes on when its annotation says so', async () => {
    const { ns, claims, observe, settled } = await workshop(2, { 'hang-rate': '1' });
    await eventually(async () => (await observe()).claims.provisioning === 2);
    await clock.sleep(5);
    for (const { metadata } of await claims()) {
      await ns.merge(kinds.claim, metadata.name, { metadata: { annotations: { [`${SIM}outcome`]: 'complete' } } });
    }
    await settled(2);
  });

  test('waits for a lifespan that has not started', async () => {
    const { claims } = await workshop(2, {}, { lifespan: { start: new Date(Date.now() + 3_600_000).toISOString() } });
    await clock.sleep(10);
    expect(await claims()).toEqual([]);
  });

  test('goes on with what is there after it was away', async () => {
    const { ns, settled } = await workshop(1);
    await settled(1);
    await controllers.workshops.pause();
    await ns.merge(kinds.provision, 'lab', { spec: { count: 2 } });
    await controllers.workshops.restart();
    await settled(2);
  });
});

describe('the simulated crowd', () => {
  test('takes seats in order, keeps who has one, and counts the rejected', async () => {
    const { ns, seats, settled } = await workshop(1, { 'seats-per-claim': '3' });
    const results: string[] = [];
    const crowd = new Crowd({
      client,
      clock,
      namespace: ns.name,
      workshop: 'ws',
      onLogIn: (_, result) => results.push(result),
    });
    expect(await crowd.logIn('early@example.com')).toBe('none');
    await settled(3);
    const report = await crowd.play({ arrivals: { kind: 'burst', people: 5 } });
    expect(report).toEqual({ arrived: 6, seated: 3, rejected: { none: 1, full: 2 }, left: 0 });
    const emails = (await seats()).map(({ spec }) => spec?.assignment?.email);
    expect(new Set(emails).size).toBe(3);
    const [seated = ''] = emails;
    expect(await crowd.logIn(seated)).toBe('held');
    await crowd.leave(seated);
    expect(await crowd.logIn('late@example.com')).toBe('taken');
    expect(results).toHaveLength(8);
  });
});

test('the same seed tells the same story, another seed another one', () => {
  const knobs = knobsOf(
    { [`${SIM}completion`]: '600-1200', [`${SIM}fail-rate`]: '0.3', [`${SIM}seed`]: '7' },
    controllers.workshops.knobs,
  );
  const story = (seed: number) => Array.from({ length: 50 }, (_, number) => fateOf({ ...knobs, seed }, number));
  expect(story(7)).toEqual(story(7));
  expect(story(8)).not.toEqual(story(7));
  const failed = story(7).filter(({ outcome }) => outcome === 'fail').length;
  expect(failed).toBeGreaterThan(5);
  expect(failed).toBeLessThan(25);
  for (const { seconds } of story(7)) expect(seconds).toSatisfy((time: number) => time >= 600 && time <= 1200);
});

test('an annotation that cannot be read leaves the knob as it is', () => {
  const annotations = { [`${SIM}completion`]: 'soon', [`${SIM}fail-rate`]: '2' };
  const { knobs } = controllers.workshops;
  expect(knobsOf(annotations, knobs)).toMatchObject({ completion: [600, 1200], failRate: 0 });
});
