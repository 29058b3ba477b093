import type { Goal } from '../bench.ts';
import { type ArmFigures, EMPTY, LEAST, OURS } from './arms/measure.ts';
import type { Call } from './load/caller.ts';
import type { Measured } from './result.ts';

/** The goals of the specification of IP claims (section 7), each with what was measured. */

const MOST_CLAIM_MS = 1;
const MOST_GROWTH = 1.5;
const MOST_TUPLES = 2;
const MOST_CROWD_MS = 20;
const MOST_DENIAL_MS = 1;
const MOST_BESIDE_EMPTY = 1.3;
const MOST_BATCH = 3;
const MOST_DEPTH = 3;
const LEAST_SUCCESS = 0.9998;
const MOST_LOAD_MS: Partial<Record<Call, number>> = { create: 500, deny: 200, list: 200 };
const MOST_MEMORY_MB = 400;

export function judge(measured: Measured): Goal[] {
  return [...ofFunction(measured), ...ofArms(measured), ...ofLoad(measured)];
}

function ofArms({ arms: { arms, clients, batchOf100 } }: Measured): Goal[] {
  const [ours, least, empty] = [OURS, LEAST, EMPTY].map((name) => arms.find(({ arm }) => arm === name));
  if (!ours || !least || !empty) throw new Error('an arm was not measured');
  const beside = (words: string, time: (arm: ArmFigures) => number): Goal => {
    const ratio = time(ours) / time(empty);
    return {
      goal: `a claim by update-with-start at most ${MOST_BESIDE_EMPTY} x an empty update-with-start workflow (p50, ${words})`,
      measured: `${ratio.toFixed(2)} x; a local activity alone ${(time(least) / time(empty)).toFixed(2)} x`,
      met: ratio <= MOST_BESIDE_EMPTY,
    };
  };
  const batch = batchOf100.p50 / ours.one.p50;
  return [
    beside('one client', ({ one }) => one.p50),
    beside(`${clients} clients`, ({ several }) => several.p50),
    {
      goal: `a batch of 100 at most ${MOST_BATCH} x a single claim, by update-with-start (p50)`,
      measured: `${batch.toFixed(1)} x`,
      met: batch <= MOST_BATCH,
    },
  ];
}

function ofLoad({ load: { rows, calls, failures, given }, workerMemory }: Measured): Goal[] {
  const clients = Math.max(...rows.map((row) => row.clients));
  const timed = Object.entries(MOST_LOAD_MS).map(([call, most]): Goal => {
    const those = rows.flatMap((row) => {
      const time = row.times[call as Call];
      return time && row.clients <= clients && !row.shape.includes('arrive') ? [{ time, row }] : [];
    });
    const slowest = those.sort((a, b) => b.time.p95 - a.time.p95)[0];
    if (!slowest) throw new Error(`no ${call} was measured`);
    const { row, time } = slowest;
    return {
      goal: `${call} below ${most} ms under load (p95 of the slowest shape)`,
      measured: `${time.p95.toFixed(0)} ms (${row.shape}, ${row.clients} clients)`,
      met: time.p95 < most,
    };
  });
  const depths = rows
    .filter(({ shape }) => shape.startsWith('depth'))
    .map(({ times }) => times.create?.p95 ?? Number.NaN);
  const depth = (depths.at(-1) ?? Number.NaN) / (depths[0] ?? Number.NaN);
  const memory = workerMemory.most / 2 ** 20;
  return [
    ...timed,
    {
      goal: `claims of the longest length at most ${MOST_DEPTH} x those of the shortest (p95)`,
      measured: `${depth.toFixed(1)} x`,
      met: depth <= MOST_DEPTH,
    },
    {
      goal: `at least ${LEAST_SUCCESS * 100} % of all calls succeed`,
      measured: `${calls - failures} of ${calls}`,
      met: (calls - failures) / calls >= LEAST_SUCCESS,
    },
    {
      goal: 'no block given twice, no deadlock, nothing left over, counted before any figure',
      measured: `${given} blocks given; none, none, nothing`,
      met: true, // otherwise there are no figures
    },
    {
      goal: `the worker process below ${MOST_MEMORY_MB} MB of resident memory through the load`,
      measured: `${memory.toFixed(0)} MB`,
      met: memory < MOST_MEMORY_MB,
    },
  ];
}

function ofFunction({ occupancies, crowd }: Measured): Goal[] {
  const [emptiest] = occupancies;
  if (!emptiest) throw new Error('nothing was measured');
  const fuller = occupancies.slice(1);
  const slowest = Math.max(...occupancies.map(({ claim }) => claim.p50));
  const tuples = Math.max(...fuller.map((point) => point.tuples)) / emptiest.tuples;
  return [
    {
      goal: `a claim at most ${MOST_CLAIM_MS} ms at any occupancy (p50)`,
      measured: `${slowest.toFixed(2)} ms at most`,
      met: slowest <= MOST_CLAIM_MS,
    },
    ...fuller.map(({ live, held, claim }) => ({
      goal: `at ${live.toLocaleString('en-US')} live blocks in ${held} at most ${MOST_GROWTH} x the time at ${emptiest.live} (p50)`,
      measured: `${(claim.p50 / emptiest.claim.p50).toFixed(2)} x`,
      met: claim.p50 / emptiest.claim.p50 <= MOST_GROWTH,
    })),
    {
      goal: `rows and index entries read for a claim at most ${MOST_TUPLES} x those at ${emptiest.live} live blocks`,
      measured: `${tuples.toFixed(2)} x`,
      met: tuples <= MOST_TUPLES,
    },
    {
      goal: `${crowd.clients} clients on one pool at most ${MOST_CROWD_MS} ms (p95)`,
      measured: `${crowd.claim.p95.toFixed(1)} ms`,
      met: crowd.claim.p95 <= MOST_CROWD_MS,
    },
    {
      goal: `a denial at most ${MOST_DENIAL_MS} ms, without the pool's lock (p50)`,
      measured: `${crowd.denial.p50.toFixed(2)} ms, with the lock held by another connection`,
      met: crowd.denial.p50 <= MOST_DENIAL_MS,
    },
  ];
}
