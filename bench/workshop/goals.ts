import type { Goal } from '../bench.ts';
import type { CaseFigures, FastFigures, LiveFigures } from './result.ts';
import { arms, settings } from './shape.ts';

/** What must show (specs: workshop autoscaling, section 10), judged on the rush upon ten single seats. */
export function judge(cases: readonly CaseFigures[], live?: LiveFigures, fast?: FastFigures): Goal[] {
  const rush = cases.filter(({ crowd, seatsPerClaim }) => crowd === 'rush' && seatsPerClaim === 1);
  const early = (arm: CaseFigures['arm']) => rush.filter((one) => one.arm === arm).flatMap((one) => one.early ?? []);
  const words = (arm: CaseFigures['arm']) =>
    early(arm)
      .map(({ writes, count }) => `${writes.p50} writes to ${count.p50} (at most ${writes.max} to ${count.max})`)
      .join('; ');
  const reactions = cases.flatMap(({ arm, reaction }) => (arm === 'ratio' && reaction ? [reaction.p95] : []));
  const slowest = Math.max(...reactions);
  return [
    {
      goal: `in the rush, before any new claim is complete, the ${arms.proposal.words} runs to its cap of ${settings.cap}`,
      measured: words('proposal'),
      met: early('proposal').length > 0 && early('proposal').every(({ count }) => count.p50 === settings.cap),
    },
    {
      goal: 'in the rush, before any new claim is complete, ours (ratio) takes one step',
      measured: words('ratio'),
      met: early('ratio').length > 0 && early('ratio').every(({ writes }) => writes.max === 1),
    },
    {
      goal: 'from crossing the threshold to the count write below 3 s (p95, ratio, virtual time)',
      measured: `${slowest.toFixed(1)} s in the slowest case`,
      met: slowest < 3,
    },
    ...(live ? judgeLive(live) : []),
    ...(fast ? judgeFast(fast) : []),
  ];
}

/** The same two in the rush, with everything real but the time. */
function judgeFast({ speed, cases }: FastFigures): Goal[] {
  const rush = (arm: CaseFigures['arm']) =>
    cases.find((one) => one.crowd === 'rush' && one.arm === arm)?.served.early ?? { writes: 0, count: 0 };
  const words = (arm: CaseFigures['arm']) => `${rush(arm).writes} writes to ${rush(arm).count}`;
  const where = `in the rush on real servers, ${speed} times as fast, before any new claim is complete,`;
  return [
    {
      goal: `${where} the ${arms.proposal.words} runs to its cap of ${settings.cap}`,
      measured: words('proposal'),
      met: rush('proposal').count === settings.cap,
    },
    { goal: `${where} ours (ratio) takes one step`, measured: words('ratio'), met: rush('ratio').writes === 1 },
  ];
}

const MOST_SECONDS = 3;
const MOST_MB = 500;

function judgeLive({ provisions, reaction, idle, busy }: LiveFigures): Goal[] {
  const resident = Math.max(idle.largestResidentMb, busy.largestResidentMb);
  return [
    {
      goal: `the same on real servers at the time scale 1, below ${MOST_SECONDS} s (p95)`,
      measured: `${reaction.p95.toFixed(2)} s of ${reaction.count}, at most ${reaction.max.toFixed(2)} s`,
      met: reaction.p95 < MOST_SECONDS,
    },
    {
      goal: `${provisions} provisions on one worker process: resident memory below ${MOST_MB} MB`,
      measured: `${resident} MB`,
      met: resident < MOST_MB,
    },
  ];
}
