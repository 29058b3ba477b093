import type { Report } from '../../sandbox/binaries/progress.ts';
import { observeMachine } from '../machine.ts';
import { setAwsTime, workerSettings } from './aws-time.ts';
import { type Bed, makeBed, reset } from './bed.ts';
import { type CallCount, countCalls } from './calls.ts';
import { createSingly } from './creations.ts';
import { measureFullPool } from './full-pool.ts';
import { judge } from './goals.ts';
import { measureLoad } from './load.ts';
import { publicBalancers, requests } from './pool.ts';
import { profileOf } from './profile.ts';
import type { ScopeBench } from './result.ts';
import type { Shape } from './shape.ts';
import { measureSingles } from './single.ts';

/** The share of the burst's throughput at which further creations arrive. */
const ARRIVALS = 0.5;

/** Boots everything, measures, takes it down. Throws `WrongCount` when a count is wrong, before a figure of it is given. */
export async function benchScopes(shape: Shape, report: Report): Promise<ScopeBench> {
  const startedAt = new Date();
  const describeMachine = await observeMachine();
  const bed = await makeBed(
    { timeScale: shape.timeScale, settings: workerSettings('at once', shape.timeScale) },
    report,
  );
  try {
    const told = <T>(what: string, measuring: Promise<T>) => {
      report(what);
      return measuring;
    };
    setAwsTime(bed, 'at once');
    await told('Warming up', warmUp(bed, shape.warmUp));
    const calls = await countAtOnce(bed, shape);
    const singles = [
      await told(
        'One creation after the other, each with an observation of its own',
        measureSingles(bed, shape.singles, 'its own'),
      ),
      await told('One creation after the other, sharing an observation', measureSingles(bed, shape.singles, 'shared')),
    ];
    const burst = await told(`${shape.burst} creations at once`, measureLoad(bed, shape.burst));
    const rate = burst.perSecond * ARRIVALS;
    const arrivals = await told(
      `${shape.arrivals} creations, ${rate.toFixed(1)} a second`,
      measureLoad(bed, shape.arrivals, rate),
    );

    setAwsTime(bed, 'as it is');
    await bed.restartWorker(workerSettings('as it is', shape.timeScale));
    await warmUp(bed, 1);
    for (const creations of shape.variantCreations) {
      const cell = { balancers: shape.variantBalancers, creations, zones: 'two zones', awsTime: 'as it is' } as const;
      calls.push(await told(`Calls of ${creations} creations while DNS takes its time`, countCalls(bed, cell)));
    }
    const fullPool = await told(
      `${shape.fullPool} creations at once on a full pool`,
      measureFullPool(bed, shape.fullPool, shape.perNewBalancer),
    );
    const measured = {
      bench: 'scope',
      shape,
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      profile: await profileOf(bed, describeMachine()),
      calls,
      singles,
      burst,
      arrivals,
      fullPool,
    } as const;
    return { ...measured, goals: judge(measured) };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

async function warmUp(bed: Bed, creations: number): Promise<void> {
  const balancers = publicBalancers(1);
  await reset(bed, balancers);
  await createSingly(bed, requests(creations, { balancers }));
}

async function countAtOnce(bed: Bed, shape: Shape): Promise<CallCount[]> {
  const counts: CallCount[] = [];
  const count = async (balancers: number, creations: number, zones: CallCount['zones']) => {
    bed.report(`Calls of ${creations} creations at once on ${balancers} balancers, ${zones}`);
    counts.push(await countCalls(bed, { balancers, creations, zones, awsTime: 'at once' }));
  };
  for (const balancers of shape.balancers)
    for (const creations of shape.creations) await count(balancers, creations, 'two zones');
  for (const creations of shape.variantCreations) await count(shape.variantBalancers, creations, 'one zone');
  return counts;
}
