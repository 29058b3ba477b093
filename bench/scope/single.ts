import { type Distribution, distribution, sum } from '../statistics.ts';
import { type Bed, reset } from './bed.ts';
import { checkCounts } from './checks.ts';
import { type Creation, create, createSingly } from './creations.ts';
import type { RunHistory } from './history.ts';
import { MOST_RULES, publicBalancers, requests } from './pool.ts';
import type { StatementFigures } from './probe.ts';
import type { WorkerReading } from './worker.ts';

/** Creations one after the other on an idle worker, with AWS answering at once: what is left is ours. Times in milliseconds. */
export interface SingleFigures {
  /** Whether each creation reads the pool itself, or decides on an observation that another run made. */
  readonly observation: 'its own' | 'shared';
  readonly balancers: number;
  /** From the start until the caller has the result. */
  readonly latency: Distribution;
  /** Events of one history. */
  readonly events: Distribution;
  /** Means of one creation. What happens at the same time all counts, so parts may exceed the whole. */
  readonly statements: number;
  /** Time in which at least one statement to PostgreSQL was under way, as the worker saw it. */
  readonly databaseMs: number;
  /** The statements that took most time together. */
  readonly topStatements: readonly (StatementFigures & { readonly statement: string })[];
  readonly awsCalls: number;
  readonly awsMs: number;
  /** Processor time of the worker process. */
  readonly cpuMs: number;
  readonly queuedMs: number;
  readonly workflowTasks: number;
  readonly workflowTasksMs: number;
  readonly activityMs: Readonly<Record<string, number>>;
}

const BALANCERS = 5;
const TOP = 8;

export async function measureSingles(
  bed: Bed,
  count: number,
  observation: SingleFigures['observation'],
): Promise<SingleFigures> {
  const balancers = publicBalancers(BALANCERS);
  await reset(bed, balancers);
  const forget = async () => {
    await bed.ledger.query('update region_observation set observation = null, observed_at = null');
    await bed.ledger.query('update balancer set observation = null, observed_at = null');
  };
  const first = await create(bed, requests(1, { balancers }));
  const before = await bed.worker.read();
  const singles = await createSingly(
    bed,
    requests(count, { balancers }),
    observation === 'its own' ? forget : undefined,
  );
  const after = await bed.worker.read();
  const batch = { started: count, finished: singles, elapsedMs: 0 };
  const [, ...histories] = await checkCounts(bed, [first, batch], { zones: 'two zones', mostRules: MOST_RULES });
  return { observation, balancers: BALANCERS, ...figures(singles, histories, before, after) };
}

function figures(
  singles: readonly Creation[],
  histories: readonly RunHistory[],
  before: WorkerReading,
  after: WorkerReading,
): Omit<SingleFigures, 'observation' | 'balancers'> {
  const each = (key: 'databaseMs' | 'awsCalls' | 'awsMs' | 'cpuMs') => (after[key] - before[key]) / singles.length;
  const mean = (of: (history: RunHistory) => number) => sum(histories.map(of)) / histories.length;
  const statements = Object.entries(after.statements)
    .map(([statement, { count, ms }]) => {
      const earlier = before.statements[statement] ?? { count: 0, ms: 0 };
      return { statement, count: (count - earlier.count) / singles.length, ms: (ms - earlier.ms) / singles.length };
    })
    .sort((a, b) => b.ms - a.ms);
  const activities = [...new Set(histories.flatMap(({ activityMs }) => Object.keys(activityMs)))];
  return {
    latency: distribution(singles.map(({ latencyMs }) => latencyMs)),
    events: distribution(histories.map(({ events }) => events)),
    statements: sum(statements.map(({ count }) => count)),
    databaseMs: each('databaseMs'),
    topStatements: statements.slice(0, TOP),
    awsCalls: each('awsCalls'),
    awsMs: each('awsMs'),
    cpuMs: each('cpuMs'),
    queuedMs: mean(({ queuedMs }) => queuedMs),
    workflowTasks: mean(({ workflowTasks }) => workflowTasks),
    workflowTasksMs: mean(({ workflowTasksMs }) => workflowTasksMs),
    activityMs: Object.fromEntries(activities.map((name) => [name, mean(({ activityMs }) => activityMs[name] ?? 0)])),
  };
}
