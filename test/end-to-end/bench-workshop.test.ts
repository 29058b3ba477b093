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
      await eventually(async () => ((await count(multiplied)) ?? 0) > before, 10_000);
    }
    expect((await multiplied.workshop.provision()).status?.autoScalingActive).toBeUndefined();
    await added.workshop.assign(3);
    const people = { arrived: 10, seated: 10, rejected: { none: 1, full: 2 }, left: 0 };
    // A log-in that comes while the proposal opens its watch is seen twice: then it multiplies once more.
    const steps = [10, 15, 22, 33, 40];
    await eventually(async () => {
      const [first, second] = [multiplied, added].map(({ recorder }) => recorder.outcome(people));
      expect(first?.writes).toBeGreaterThanOrEqual(3);
      expect(first).toMatchObject({ rejected: 3, finalCount: steps[first?.writes ?? 0], idleClaimMinutes: 0 });
      expect(second).toMatchObject({ rejected: 3, finalCount: 12, writes: 2, idleClaimMinutes: 0, early: undefined });
      for (const outcome of [first, second]) expect(outcome?.reaction).toBeGreaterThanOrEqual(0);
      return true;
    }, 30_000);
    ended.abort();
    await Promise.all([multiplied.working, added.working]);
  } finally {
    ended.abort();
    await sight.close();
    await kube.close();
  }
});
