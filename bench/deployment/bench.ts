import type { Report } from '../../sandbox/binaries/progress.ts';
import { columns } from '../../starter/cli/io.ts';
import { type Bench, type BenchRun, type Goal, markdownTable, type Profile, type Rows } from '../bench.ts';
import { observeMachine } from '../machine.ts';
import { makeBed } from '../scope/bed.ts';
import { profileOf } from '../scope/profile.ts';
import { type Distribution, distribution, sum } from '../statistics.ts';
import { measureRollouts, PERCENTS, type RolloutFigures, total } from './measure.ts';

/** What one rollout of five steps costs: history, calls, and the time that is ours beyond waits for others. */
export interface DeploymentBench extends BenchRun {
  readonly bench: 'deployment';
  readonly startedAt: string;
  readonly profile: Profile;
  readonly rollouts: number;
  readonly events: Distribution;
  readonly elapsedMs: Distribution;
  /** Queues and workflow tasks, for one of the steps that change the balancer (first routing, percents, green alone). */
  readonly ownMsPerStep: Distribution;
  readonly awsCalls: Distribution;
  readonly kubernetesCalls: Distribution;
  /** Means of one rollout. */
  readonly byAction: Readonly<Record<string, number>>;
  readonly byMethod: Readonly<Record<string, number>>;
  readonly activityMs: Readonly<Record<string, number>>;
}

const MOST_EVENTS = 150;
const ROLLOUTS = { full: 10, quick: 2 } as const;
/** First routing, the percents, green alone. */
const ROUTINGS = PERCENTS.length + 2;
const TIME_SCALE = 0.005;

const SETTINGS = {
  GROUNDWORK_AUTOCREATE_ENABLED: 'true',
  GROUNDWORK_POLL_INTERVAL: '0.05',
  GROUNDWORK_ELB_READS_PER_SECOND: '1000',
  GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: '1000',
  GROUNDWORK_DEPLOYMENT_POLL_INTERVAL: '0.05',
  GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '0.05',
};

async function benchDeployments(shape: 'full' | 'quick', report: Report): Promise<DeploymentBench> {
  const startedAt = new Date().toISOString();
  const describeMachine = await observeMachine();
  const bed = await makeBed({ timeScale: TIME_SCALE, settings: SETTINGS }, report);
  try {
    // Through the proxy, which counts.
    await bed.restartWorker({ ...SETTINGS, KUBECONFIG: bed.sandbox.environment().KUBECONFIG ?? '' });
    const figures = await measureRollouts(bed, ROLLOUTS[shape]);
    const measured = summary(figures);
    return {
      bench: 'deployment',
      startedAt,
      profile: await profileOf(bed, describeMachine()),
      rollouts: figures.length,
      ...measured,
      goals: judge(measured.events),
    };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

function summary(figures: readonly RolloutFigures[]) {
  const of = (figure: (one: RolloutFigures) => number) => distribution(figures.map(figure));
  const means = (part: (one: RolloutFigures) => Readonly<Record<string, number>>) => {
    const keys = [...new Set(figures.flatMap((one) => Object.keys(part(one))))].sort();
    const mean = (key: string) => sum(figures.map((one) => part(one)[key] ?? 0)) / figures.length;
    return Object.fromEntries(keys.map((key) => [key, mean(key)]));
  };
  return {
    events: of(({ history }) => history.events),
    elapsedMs: of(({ history }) => history.elapsedMs),
    ownMsPerStep: of(({ history }) => (history.queuedMs + history.workflowTasksMs) / ROUTINGS),
    awsCalls: of(({ aws }) => total(aws)),
    kubernetesCalls: of(({ kubernetes }) => total(kubernetes)),
    byAction: means(({ aws }) => aws),
    byMethod: means(({ kubernetes }) => kubernetes),
    activityMs: means(({ history }) => history.activityMs),
  };
}

function judge(events: Distribution): Goal[] {
  return [
    {
      goal: `history of a rollout with five steps at most ${MOST_EVENTS} events`,
      measured: `${events.max} at most`,
      met: events.max <= MOST_EVENTS,
    },
  ];
}

function rows(run: DeploymentBench): Rows {
  const line = (what: string, of: Distribution) => [what, of.p50.toFixed(1), of.p95.toFixed(1), of.max.toFixed(1)];
  return [
    [`${run.rollouts} rollouts of ${PERCENTS.length} steps, no holds`, 'p50', 'p95', 'max'],
    line('events of the history', run.events),
    line('calls to AWS', run.awsCalls),
    line('requests to Kubernetes', run.kubernetesCalls),
    line('from start to end, ms', run.elapsedMs),
    line('of it queues and workflow tasks, ms for each routing', run.ownMsPerStep),
  ];
}

function detailRows(run: DeploymentBench): Rows {
  const part = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, value]) => [name, value.toFixed(1)]);
  return [
    ['mean of one rollout', ''],
    ...part(run.byAction),
    ...part(Object.fromEntries(Object.entries(run.byMethod).map(([method, count]) => [`Kubernetes ${method}`, count]))),
    ...part(Object.fromEntries(Object.entries(run.activityMs).map(([name, ms]) => [`activity ${name}, ms`, ms]))),
  ];
}

const goalRows = ({ goals }: DeploymentBench): Rows => [
  ['goal', 'measured', ''],
  ...goals.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'NOT met']),
];

export const deploymentBench: Bench<DeploymentBench> = {
  measure: benchDeployments,
  lines: (run) => [rows(run), detailRows(run), goalRows(run)].flatMap((table) => ['', ...columns(table)]),
  section: (run) =>
    [
      '## Deployments',
      `A second version takes over in steps of ${PERCENTS.join(', ')} % without holds, on a simulated AWS and cluster that run ` +
        `${1 / TIME_SCALE} times as fast; what is waited for is mostly theirs. ${run.startedAt}, ${run.profile.machine.cpu}.`,
      markdownTable(rows(run)),
      markdownTable(detailRows(run)),
      markdownTable(goalRows(run)),
    ].join('\n\n'),
  charts: () => ({}),
};
