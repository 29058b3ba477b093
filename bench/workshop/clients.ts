import type { SimulatedClock } from '../../sandbox/clock.ts';
import type { KubeClient } from '../../sandbox/controllers/client.ts';
import { workshopResources } from '../../sandbox/controllers/workshop/objects.ts';
import { countClaims } from '../../sandbox/controllers/workshop/rules.ts';
import type { TestWorkshop } from '../../test/support/workshop-objects.ts';
import { HEADROOM_TICK, headroomTarget, PROPOSAL_PERIOD, proposalTarget, type Settings } from './rules.ts';
import { unlessReset } from './servers.ts';

/** The rules of others as plain Kubernetes clients of a real API server: what somebody writes who follows the text. */

export interface Ground {
  kube: KubeClient;
  workshop: TestWorkshop;
  clock: SimulatedClock;
}

/** Works until `signal` aborts. `offset` (0 to 1) of a period passes before the first look of its own accord. */
export type PlainClient = (ground: Ground, settings: Settings, offset: number, signal: AbortSignal) => Promise<void>;

/** Looks at every seat event and every period. It respects its flag, which the API server drops from the main endpoint. */
export const proposalClient: PlainClient = async (ground, settings, offset, signal) => {
  const { kube, workshop } = ground;
  const look = oneAtATime(async () => {
    const { spec, status } = await workshop.provision();
    if (status?.autoScalingActive) return;
    const target = proposalTarget({ count: spec?.count ?? 0, ...(await seatsOf(workshop)) }, settings);
    if (target === undefined) return;
    const change = { spec: { count: target }, status: { autoScalingActive: true } };
    await kube.merge(workshop.path('provision', workshop.name), change);
  });
  await Promise.all([onSeats(ground, look, signal), every(ground.clock, PROPOSAL_PERIOD, offset, look, signal)]);
};

export const headroomClient: PlainClient = async ({ kube, workshop, clock }, settings, offset, signal) => {
  const look = async () => {
    const { spec } = await workshop.provision();
    const seats = await seatsOf(workshop);
    const claims = await workshop.claims();
    const count = spec?.count ?? 0;
    const { active } = countClaims(claims as Parameters<typeof countClaims>[0]);
    const target = headroomTarget({ count, ...seats }, Math.max(0, count - active), settings);
    if (target !== undefined) await kube.merge(workshop.path('provision', workshop.name), { spec: { count: target } });
  };
  await every(clock, HEADROOM_TICK, offset, look, signal);
};

async function seatsOf(workshop: TestWorkshop) {
  const seats = await workshop.seats();
  return { total: seats.length, assigned: seats.filter(({ spec }) => spec?.assignment !== undefined).length };
}

async function onSeats({ kube, workshop }: Ground, look: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const { metadata } = await kube.list(workshopResources.seat, { limit: 1 }, false, workshop.namespace);
  const query = {
    resourceVersion: metadata.resourceVersion,
    labelSelector: `babylon.gpte.redhat.com/workshop=${workshop.name}`,
  };
  try {
    await look(); // an event that came before the list
    for await (const { type } of kube.watch(workshop.path('seat'), query, signal))
      if (type !== 'BOOKMARK') await look();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function every(
  clock: SimulatedClock,
  seconds: number,
  offset: number,
  look: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (await clock.sleep(seconds * offset, signal); !signal.aborted; await clock.sleep(seconds, signal))
      await look().catch(unlessReset);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    const mine = last.then(work).catch(unlessReset);
    last = mine.catch(() => {}); // told to whoever asked
    return mine;
  };
}
