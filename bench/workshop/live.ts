import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { workflowIds } from '../../contract/names.ts';
import type { WorkshopProvision } from '../../contract/workshop/objects.ts';
import type { Report } from '../../sandbox/binaries/progress.ts';
import type { KubeClient } from '../../sandbox/controllers/client.ts';
import { pathOf } from '../../sandbox/controllers/objects.ts';
import { workshopResources } from '../../sandbox/controllers/workshop/objects.ts';
import { TestWorkshop } from '../../test/support/workshop-objects.ts';
import { observeMachine } from '../machine.ts';
import { type Bed, makeBed } from '../scope/bed.ts';
import { profileOf } from '../scope/profile.ts';
import { distribution } from '../statistics.ts';
import type { LiveFigures, Traffic } from './result.ts';
import { administrator, setUpSweep, unlessReset, until } from './servers.ts';
import type { LiveShape } from './shape.ts';

/**
 * One worker process as production runs it, on the real API server and at the time scale 1: many provisions, of which some
 * fill up one after the other. Throws when a count is wrong, before a figure is given.
 */

const NAMESPACE = 'bench';
const CLUSTER = 'default';
/** Five single seats, of which three are taken: the fourth crosses the threshold of 0.8, and 5 become 7. */
const COUNT = 5;
const TAKEN = 3;
const GROWN = 7;
/** Workshops are made so many at a time. */
const MAKERS = 8;
const SAMPLE_MS = 1_000;

export async function measureLive<T>(
  shape: LiveShape,
  report: Report,
  meanwhile: () => Promise<T>,
): Promise<{ figures: LiveFigures; meanwhile: T }> {
  const describeMachine = await observeMachine();
  const settings = {
    GROUNDWORK_QUEUES: 'workshops',
    GROUNDWORK_WORKSHOP_NAMESPACE: NAMESPACE,
    GROUNDWORK_WORKSHOP_SWEEP_INTERVAL: String(shape.sweepSeconds),
  };
  const bed = await makeBed({ timeScale: 1, settings, controllers: false }, report);
  try {
    await setUpSweep(bed, settings);
    const kube = administrator(bed);
    await kube.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    report(`${shape.provisions} provisions of ${COUNT} claims and seats`);
    const workshops = await makeWorkshops(kube, shape.provisions);
    // Through the proxy, which counts.
    await bed.restartWorker({ ...settings, KUBECONFIG: bed.sandbox.environment().KUBECONFIG ?? '' });
    await everyoneLooked(bed, workshops);

    report(`${shape.crossings} of them cross the threshold, one every ${shape.everySeconds} s`);
    const grown = workshops.slice(0, shape.crossings);
    const milliseconds = await crossOneByOne(kube, grown, shape.everySeconds * 1000);
    for (const workshop of grown) await workshop.catchUp();
    await settled(grown);

    // Status writes that are late, and the sweep that follows them, belong to what was before: time for something else.
    const [other] = await Promise.all([meanwhile(), delay(shape.calmSeconds * 1000)]);
    report(`Nothing happens for ${shape.watchSeconds} s`);
    const idle = await observeTraffic(bed, workshops, shape.watchSeconds, async () => {});
    report(`Log-ins and log-outs for ${shape.watchSeconds} s, ${shape.visitsPerSecond} a second`);
    const busy = await observeTraffic(bed, workshops, shape.watchSeconds, (ended) =>
      visitAtRandom(workshops.slice(shape.crossings), shape.visitsPerSecond, ended),
    );
    await onlyOneStep(workshops, shape.crossings);
    const figures = {
      profile: await profileOf(bed, describeMachine()),
      provisions: workshops.length,
      reaction: distribution(milliseconds.map((ms) => ms / 1000)),
      idle,
      busy,
    };
    return { figures, meanwhile: other };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

async function makeWorkshops(kube: KubeClient, number: number): Promise<TestWorkshop[]> {
  const workshops: TestWorkshop[] = [];
  let next = 0;
  const make = async () => {
    while (next < number) {
      const at = next++;
      const name = `ws-${String(at).padStart(3, '0')}`;
      workshops[at] = await TestWorkshop.create(kube, NAMESPACE, name, { count: COUNT, assigned: TAKEN });
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, make));
  return workshops;
}

async function everyoneLooked(bed: Bed, workshops: readonly TestWorkshop[]): Promise<void> {
  await until('every autoscaler has looked', async () => {
    for (const workshop of workshops) {
      if ((await workshop.provision()).status?.autoScaling?.reason !== 'BelowThreshold') return false;
    }
    return (await eventsOf(bed, workshops)).every((events) => events > 0);
  });
}

/** Milliseconds from sending the log-in that crosses the threshold to the watch that shows the written count. */
async function crossOneByOne(kube: KubeClient, workshops: readonly TestWorkshop[], everyMs: number): Promise<number[]> {
  const written = new Map<string, number>();
  const ended = new AbortController();
  const watching = followCounts(kube, written, ended.signal);
  const crossedAt = new Map<string, number>();
  try {
    for (const workshop of workshops) {
      const free = (await workshop.seats()).find(({ spec }) => spec?.assignment === undefined);
      crossedAt.set(workshop.name, performance.now());
      await workshop.edit('seat', free?.metadata?.name ?? '', { spec: { assignment: { email: 'one@example.com' } } });
      await delay(everyMs);
    }
    await until('every count is written', async () => written.size >= workshops.length);
  } finally {
    ended.abort();
    await watching;
  }
  return workshops.map(({ name }) => (written.get(name) ?? Number.NaN) - (crossedAt.get(name) ?? Number.NaN));
}

async function followCounts(kube: KubeClient, written: Map<string, number>, signal: AbortSignal): Promise<void> {
  const { metadata } = await kube.list(workshopResources.provision, { limit: 1 }, false, NAMESPACE);
  const path = pathOf(workshopResources.provision, NAMESPACE);
  try {
    for await (const { object } of kube.watch(path, { resourceVersion: metadata?.resourceVersion }, signal)) {
      const { metadata: of, spec } = object as unknown as WorkshopProvision;
      const name = of?.name ?? '';
      if (spec?.count === GROWN && !written.has(name)) written.set(name, performance.now());
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function settled(workshops: readonly TestWorkshop[]): Promise<void> {
  await until('every operation has settled', async () => {
    for (const workshop of workshops) {
      const { status } = await workshop.provision();
      if (status?.autoScalingActive || status?.autoScaling?.lastResult !== 'Succeeded') return false;
    }
    return true;
  });
}

/** One step each where the threshold was crossed, and none elsewhere. */
async function onlyOneStep(workshops: readonly TestWorkshop[], crossed: number): Promise<void> {
  for (const [index, workshop] of workshops.entries()) {
    const { spec, metadata } = await workshop.provision();
    const wanted = index < crossed ? { count: GROWN, generation: 2 } : { count: COUNT, generation: 1 };
    if (spec?.count !== wanted.count || metadata?.generation !== wanted.generation)
      throw new Error(`${workshop.name} has count ${spec?.count} after ${(metadata?.generation ?? 1) - 1} writes`);
  }
}

/** What the worker does in so many seconds. */
async function observeTraffic(
  bed: Bed,
  workshops: readonly TestWorkshop[],
  seconds: number,
  doing: (ended: AbortSignal) => Promise<void>,
): Promise<Traffic> {
  const before = { requests: { ...bed.sandbox.proxies.kubernetes?.requests }, events: await eventsOf(bed, workshops) };
  const cpuBefore = (await bed.worker.probe()).cpuMs;
  const ended = new AbortController();
  const active = doing(ended.signal);
  active.catch(() => {}); // told below
  let rss = 0;
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(SAMPLE_MS))
    rss = Math.max(rss, (await bed.worker.probe()).rss);
  ended.abort();
  await active;
  const after = bed.sandbox.proxies.kubernetes?.requests ?? {};
  const events = await eventsOf(bed, workshops);
  const perMinute = (value: number) => Math.round((value * 600) / seconds) / 10;
  const requests = Object.entries(after).map(([method, number]) => [
    method,
    perMinute(number - (before.requests[method] ?? 0)),
  ]);
  return {
    seconds,
    requestsPerMinute: Object.fromEntries(requests),
    largestResidentMb: Math.round(rss / 1e5) / 10,
    cpuShare: Math.round(((await bed.worker.probe()).cpuMs - cpuBefore) / seconds / 10) / 100,
    eventsPerProvisionAndHour: distribution(
      events.map((number, index) => Math.round(((number - (before.events[index] ?? 0)) * 3600) / seconds)),
    ),
  };
}

/** Events in the history of each autoscaler. */
async function eventsOf(bed: Bed, workshops: readonly TestWorkshop[]): Promise<number[]> {
  const lengths: number[] = [];
  for (const { name } of workshops) {
    const handle = bed.temporal.workflow.getHandle(workflowIds.provisionAutoscaler(CLUSTER, NAMESPACE, name));
    const length = await handle.describe().then(
      ({ historyLength }) => historyLength,
      (error) => {
        if (error instanceof WorkflowNotFoundError) return 0;
        throw error;
      },
    );
    lengths.push(length);
  }
  return lengths;
}

/** Somebody leaves a seat or takes it again, so that no workshop ever crosses its threshold. */
async function visitAtRandom(workshops: readonly TestWorkshop[], perSecond: number, ended: AbortSignal): Promise<void> {
  const places: { workshop: TestWorkshop; seat: string; there: boolean }[] = [];
  for (const workshop of workshops) {
    const taken = (await workshop.seats()).find(({ spec }) => spec?.assignment);
    places.push({ workshop, seat: taken?.metadata?.name ?? '', there: true });
  }
  for (let visit = 0; !ended.aborted; visit++) {
    const place = places[(visit * 7) % places.length];
    if (!place) return;
    place.there = !place.there;
    const assignment = place.there ? { email: 'again@example.com' } : null;
    await place.workshop.edit('seat', place.seat, { spec: { assignment } }).catch(unlessReset);
    await delay(1000 / perSecond, undefined, { signal: ended }).catch(() => {});
  }
}
