import { expect, test } from 'vitest';
import { headroomClient, proposalClient } from '../../bench/workshop/clients.ts';
import { Recorder, Sight } from '../../bench/workshop/recorder.ts';
import { settings } from '../../bench/workshop/shape.ts';
import { simulatedClock } from '../../sandbox/clock.ts';
import { KubeClient } from '../../sandbox/controllers/client.ts';
import { adminConfig, eventually, TestNamespace } from '../sandbox/controllers/support.ts';
import { uniqueName } from '../support/servers.ts';
import { TestWorkshop } from '../support/workshop-objects.ts';

/** The rules that the workshop benchmark compares with ours, as clients of the real API server, and what it sees of them. */

test('R1 R2: the flag of the proposal is dropped and each log-in multiplies; headroom adds one by one; both are recorded', async () => {
  const kube = new KubeClient(adminConfig(), 'test');
  const { name: namespace } = await TestNamespace.create(kube, 'bench');
  const sight = new Sight(kube);
  await sight.open();
  const ended = new AbortController();
  try {
    const [multiplied, added] = await Promise.all(
      [
        { client: proposalClient, clock: simulatedClock(1) },
        { client: headroomClient, clock: simulatedClock(0.005) },
      ].map(async ({ client, clock }) => {
        const workshop = await TestWorkshop.create(kube, namespace, uniqueName('shop'), {
          ...{ count: 10, assigned: 7, autoScaling: null },
        });
        const recorder = new Recorder(sight, workshop.name, clock, settings.threshold);
        recorder.begin();
        const working = client({ kube, workshop, clock }, { ...settings, minAvailable: 2 }, 1, ended.signal);
        return { workshop, recorder, working };
      }),
    );
    if (!multiplied || !added) throw new Error('two clients');
    const count = async ({ workshop }: typeof added) => (await workshop.provision()).spec?.count;
    for (let logIn = 0; logIn < 3; logIn++) {
      const before = (await count(multiplied)) ?? 0;
      await multiplied.workshop.assign(1);
      await eventually(async () => ((await count(multiplied)) ?? 0) > before);
    }
    const grown = await count(multiplied);
    expect((await multiplied.workshop.provision()).status?.autoScalingActive).toBeUndefined();
    await added.workshop.assign(3);
    await eventually(async () => (await count(added)) === 12);
    const people = { arrived: 10, seated: 10, rejected: { none: 1, full: 2 }, left: 0 };
    const seen = await eventually(async () => {
      const outcomes = [multiplied, added].map(({ recorder }) => recorder.outcome(people));
      return outcomes[0]?.finalCount === grown && outcomes[1]?.writes === 2 && outcomes;
    });
    // A log-in that comes while its watch opens is seen twice.
    const steps = [10, 15, 22, 33, 40];
    expect([33, 40]).toContain(grown);
    expect(seen).toMatchObject([
      { rejected: 3, writes: steps.indexOf(grown ?? 0), finalCount: grown, early: undefined },
      { rejected: 3, writes: 2, finalCount: 12, early: undefined },
    ]);
    for (const { reaction, idleClaimMinutes } of seen) {
      expect(reaction).toBeGreaterThanOrEqual(0);
      // Nobody was seen in the claims of the seven who were there before.
      expect(idleClaimMinutes).toBeGreaterThan(0);
    }
    ended.abort();
    await Promise.all([multiplied.working, added.working]);
  } finally {
    ended.abort();
    await sight.close();
    await kube.close();
  }
});
