import { setTimeout as delay } from 'node:timers/promises';
import { watchProcessors } from '../machine.ts';
import { type Distribution, distribution } from '../statistics.ts';
import { type Bed, reset } from './bed.ts';
import { checkCounts } from './checks.ts';
import { create } from './creations.ts';
import { MOST_RULES, publicBalancers, requests } from './pool.ts';

/** Many creations through one worker process, with AWS answering at once. */
export interface LoadFigures {
  /** Undefined: all at once. */
  readonly arrivalsPerSecond?: number;
  readonly creations: number;
  readonly balancers: number;
  /** Milliseconds from the moment a creation was meant to be sent until its caller had the result. */
  readonly latency: Distribution;
  readonly elapsedMs: number;
  readonly perSecond: number;
  readonly events: Distribution;
  /** Processor time of the worker process for one creation. */
  readonly cpuMs: number;
  /** Share of the machine's processors that were busy meanwhile, 0 to 1, whoever used them. */
  readonly machineBusy: number;
  /** Resident memory of the worker process in bytes: before, and the most that was seen. */
  readonly rssBefore: number;
  readonly rssMost: number;
}

/** Room for 65 scopes on each: enough for the burst. */
const BALANCERS = 5;
const SAMPLE_MS = 250;

export async function measureLoad(bed: Bed, creations: number, arrivalsPerSecond?: number): Promise<LoadFigures> {
  const balancers = publicBalancers(BALANCERS);
  await reset(bed, balancers);
  const before = await bed.worker.read();
  const memory = sampleMemory(bed);
  const busy = watchProcessors();
  const batch = await create(bed, requests(creations, { balancers }), arrivalsPerSecond).finally(memory.stop);
  const machineBusy = busy();
  const after = await bed.worker.read();
  const histories = await checkCounts(bed, [batch], { zones: 'two zones', mostRules: MOST_RULES });
  return {
    ...(arrivalsPerSecond === undefined ? {} : { arrivalsPerSecond }),
    creations,
    balancers: BALANCERS,
    latency: distribution(batch.finished.map(({ latencyMs }) => latencyMs)),
    elapsedMs: batch.elapsedMs,
    perSecond: creations / (batch.elapsedMs / 1000),
    events: distribution(histories.map(({ events }) => events)),
    cpuMs: (after.cpuMs - before.cpuMs) / creations,
    machineBusy,
    rssBefore: before.rss,
    rssMost: Math.max(memory.most(), after.rss),
  };
}

function sampleMemory(bed: Bed) {
  const stopping = new AbortController();
  let most = 0;
  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      most = Math.max(most, (await bed.worker.probe()).rss);
      await delay(SAMPLE_MS, undefined, { signal: stopping.signal });
    }
  })().catch(() => {}); // stopped, or the worker is gone, which fails the creations
  return {
    most: () => most,
    stop: async () => {
      stopping.abort();
      await sampling;
    },
  };
}
