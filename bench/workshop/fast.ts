import { setMaxListeners } from 'node:events';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { type SimulatedClock, simulatedClock } from '../../sandbox/clock.ts';
import type { KubeClient } from '../../sandbox/controllers/client.ts';
import { visitsOf } from '../../sandbox/controllers/workshop/arrivals.ts';
import { Crowd } from '../../sandbox/controllers/workshop/crowd.ts';
import { SIM } from '../../sandbox/controllers/workshop/fate.ts';
import { mulberry32 } from '../../sandbox/faults/random.ts';
import { workshopTimingsAt } from '../../sandbox/workshop-timings.ts';
import { TestWorkshop } from '../../test/support/workshop-objects.ts';
import { observeMachine } from '../machine.ts';
import { makeBed } from '../scope/bed.ts';
import { profileOf } from '../scope/profile.ts';
import { headroomClient, type PlainClient, proposalClient } from './clients.ts';
import { play } from './play.ts';
import { Recorder, Sight } from './recorder.ts';
import type { FastCase, FastFigures, Outcome } from './result.ts';
import { administrator, setUpSweep, until } from './servers.ts';
import { type ArmName, armNames, type CrowdName, completion, crowds, type FastShape, settings } from './shape.ts';

/**
 * The same crowds, claims and seed as in memory, with a real API server, the simulated manager and log-ins in fast motion. Our
 * rules are the worker process with its workflow, the others plain clients. Each rule has a workshop of its own, all at once, so
 * that they have the same machine.
 */

const NAMESPACE = 'crowds';
const COUNT = 10;
const FAIL_RATE = 0.1;
const SEED = 1;

export async function playOnServers(shape: FastShape, report: Report): Promise<FastFigures> {
  const describeMachine = await observeMachine();
  const clock = simulatedClock(1 / shape.speed);
  const timings = {
    GROUNDWORK_QUEUES: 'workshops',
    GROUNDWORK_WORKSHOP_NAMESPACE: NAMESPACE,
    ...workshopTimingsAt(clock.scale),
  };
  const bed = await makeBed({ timeScale: clock.scale, settings: timings }, report);
  try {
    await setUpSweep(bed, timings);
    const kube = administrator(bed);
    await kube.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    const sight = new Sight(kube);
    await sight.open();
    const cases: FastCase[] = [];
    try {
      for (const together of shape.together) {
        report(
          `${shape.speed} times as fast, on real servers: ${together.map((crowd) => crowds[crowd].words).join('; ')}`,
        );
        cases.push(...(await playTogether({ kube, clock, sight }, together, shape.aftermathSeconds)));
      }
    } finally {
      await sight.close();
    }
    return { profile: await profileOf(bed, describeMachine()), speed: shape.speed, seed: SEED, cases };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

interface Place {
  kube: KubeClient;
  clock: SimulatedClock;
  sight: Sight;
}

async function playTogether(place: Place, together: readonly CrowdName[], aftermath: number): Promise<FastCase[]> {
  const ready = await Promise.all(
    together.flatMap((crowd) => armNames.map(async (arm) => ({ crowd, arm, ...(await prepare(place, crowd, arm)) }))),
  );
  return Promise.all(
    ready.map(async ({ crowd, arm, workshop, recorder }) => ({
      ...{ crowd, arm },
      served: await serve(place, { crowd, arm, workshop, recorder }, aftermath),
      memory: play({ crowd, arm, seatsPerClaim: 1, count: COUNT, failRate: FAIL_RATE }, SEED, aftermath),
    })),
  );
}

/** Ten active claims that the manager knows of, and, where the rule is ours, an autoscaler that has looked. */
async function prepare({ kube, clock, sight }: Place, crowd: CrowdName, arm: ArmName) {
  const name = `${crowd}-${arm}`;
  // With a count of 0 until the claims are known, or the manager makes some itself.
  const workshop = await TestWorkshop.create(kube, NAMESPACE, name, { count: 0, claims: COUNT, autoScaling: null });
  const knobs = { completion: completion.join('-'), 'fail-rate': FAIL_RATE, 'seats-per-claim': 1, seed: SEED };
  const annotations = Object.fromEntries(Object.entries(knobs).map(([key, value]) => [SIM + key, String(value)]));
  await workshop.edit('provision', name, { metadata: { annotations } });
  await until(`the manager knows the claims of ${name}`, async () => {
    const { status } = (await workshop.provision()) as { status?: { activeCount?: number } };
    return status?.activeCount === COUNT;
  });
  await workshop.edit('provision', name, { spec: { count: COUNT } });
  if (arm === 'ratio' || arm === 'headroom') await switchOn(workshop, arm);
  return { workshop, recorder: new Recorder(sight, name, clock, settings.threshold) };
}

async function switchOn(workshop: TestWorkshop, strategy: 'ratio' | 'headroom'): Promise<void> {
  const { threshold, scaleFactor, cap: maxProvisions, minAvailable } = settings;
  await workshop.configure({ enabled: true, strategy, threshold, scaleFactor, maxProvisions, minAvailable });
  const calm = strategy === 'ratio' ? 'BelowThreshold' : 'EnoughAvailable';
  await until(`the autoscaler of ${workshop.name} has looked`, async () => {
    const { status } = await workshop.provision();
    return status?.autoScaling?.reason === calm && status.autoScaling.totalSeats === COUNT;
  });
}

const clients: Partial<Record<ArmName, PlainClient>> = { proposal: proposalClient, plain: headroomClient };

interface Ready {
  crowd: CrowdName;
  arm: ArmName;
  workshop: TestWorkshop;
  recorder: Recorder;
}

/** Throws when log-ins were lost or the count is above the cap. */
async function serve({ kube, clock }: Place, ready: Ready, aftermath: number): Promise<Outcome> {
  const { crowd, arm, workshop, recorder } = ready;
  const random = mulberry32(SEED);
  const visits = visitsOf(crowds[crowd].plan, random);
  const ended = new AbortController();
  setMaxListeners(0, ended.signal); // everybody of a crowd waits with it
  recorder.begin();
  const ends = clock.sleep((visits.at(-1)?.at ?? 0) + aftermath, ended.signal);
  const people = new Crowd({ client: kube, clock, namespace: NAMESPACE, workshop: workshop.name, seed: SEED });
  const doing = Promise.all([
    clients[arm]?.({ kube, workshop, clock }, settings, random(), ended.signal),
    people.play(crowds[crowd].plan, ended.signal).catch((error: unknown) => {
      if (!ended.signal.aborted) throw error;
    }),
  ]);
  try {
    await Promise.race([ends, doing.then(() => ends)]);
  } finally {
    ended.abort();
  }
  await doing;
  const outcome = recorder.outcome(people.report);
  if (outcome.arrived !== visits.length)
    throw new Error(`${workshop.name}: ${outcome.arrived} of ${visits.length} came`);
  if (outcome.finalCount > settings.cap)
    throw new Error(`${workshop.name}: count ${outcome.finalCount} is above the cap`);
  return outcome;
}
