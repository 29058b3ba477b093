import { sum } from '../statistics.ts';
import type { AwsTime } from './aws-time.ts';
import { type Bed, reset } from './bed.ts';
import { checkCounts } from './checks.ts';
import { create } from './creations.ts';
import { runPlain } from './plain.ts';
import { MOST_RULES, publicBalancers, requests, type Zones } from './pool.ts';

/** Calls to AWS of so many creations at once on so many two-listener balancers, none of which was observed before. */
export interface CallCount {
  readonly balancers: number;
  readonly creations: number;
  readonly zones: Zones;
  readonly awsTime: AwsTime;
  /** All calls of the worker, and by `service:Action`, as the endpoint counted them. */
  readonly calls: number;
  readonly byAction: Readonly<Record<string, number>>;
  /** Looks at a DNS change beyond the first one at each: they depend on how long Route 53 takes, not on us. */
  readonly repeatedLooks: number;
  /** Calls of the plain algorithm on the same pool. */
  readonly plain: number;
  /** 3 for each balancer and 6 for each creation. */
  readonly goal: number;
}

export async function countCalls(
  bed: Bed,
  cell: { balancers: number; creations: number; zones: Zones; awsTime: AwsTime },
): Promise<CallCount> {
  const { creations, zones } = cell;
  const balancers = publicBalancers(cell.balancers);
  await reset(bed, balancers);
  const batch = await create(bed, requests(creations, { balancers, zones }));
  const byAction = bed.sandbox.aws.requestCounts('sandbox');
  await checkCounts(bed, [batch], { zones, mostRules: MOST_RULES });
  const changes = byAction['route53:ChangeResourceRecordSets'] ?? 0;
  return {
    ...cell,
    calls: sum(Object.values(byAction)),
    byAction,
    repeatedLooks: Math.max(0, (byAction['route53:GetChange'] ?? 0) - changes),
    plain: sum(Object.values(await runPlain(bed, balancers, creations, zones))),
    goal: 3 * cell.balancers + 6 * creations,
  };
}
