import type { Goal } from '../bench.ts';
import type { Measured } from './result.ts';

/** The goals of the specification of IP claims (section 7) for the function, each with what was measured. */

const MOST_CLAIM_MS = 1;
const MOST_GROWTH = 1.5;
const MOST_TUPLES = 2;
const MOST_CROWD_MS = 20;
const MOST_DENIAL_MS = 1;

export function judge({ occupancies, crowd }: Measured): Goal[] {
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
    ...fuller.map(({ live, claim }) => ({
      goal: `at ${live.toLocaleString('en-US')} live blocks at most ${MOST_GROWTH} x the time at ${emptiest.live} (p50)`,
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
