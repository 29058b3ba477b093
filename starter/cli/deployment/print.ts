import type {
  DeploymentDeletionResult,
  DeploymentDeletionStatus,
  DeploymentPlan,
  DeploymentResult,
  DeploymentStatus,
  DiagnosisResult,
  HostRouting,
  InstanceRestartResult,
} from '../../../contract/deployment/status.ts';
import type { DeploymentReport } from '../../client.ts';
import { type Colors, columns } from '../io.ts';
import { type Pair, pairs, warningLines } from '../scope/print.ts';

/** Rollouts for people, as lines. */

export function resultLines(result: DeploymentResult, colors: Colors): string[] {
  const { outcome, deploymentId, scopeId, hosts } = result;
  const words =
    outcome === 'finalized'
      ? colors.green(`Deployment ${deploymentId} serves scope ${scopeId}.`)
      : colors.yellow(`Deployment ${deploymentId} of scope ${scopeId} was rolled back.`);
  return [
    words,
    ...pairs([
      ['why', result.reason ?? ''],
      ...hosts.map(({ host, active }): Pair => ['host', `${host} -> ${active ?? 'nothing'}`]),
      ...result.removed.map((what): Pair => ['removed', what]),
    ]),
    ...warningLines(result.warnings, colors),
  ];
}

export function planLines(plan: DeploymentPlan, colors: Colors): string[] {
  const { peak, load } = plan;
  return [
    colors.bold(`Plan of deployment ${plan.deploymentId}, ${plan.strategy}: nothing was changed.`),
    ...pairs([
      ['balancer', plan.balancer ?? ''],
      ['gateway', plan.gateway ?? ''],
      ['load of others', load ? `rules ${load.rules}, target groups ${load.targetGroups}` : ''],
      ['at its height', peak ? `rules ${peak.rules}, target groups ${peak.targetGroups}` : ''],
      ...plan.objects.map((object): Pair => {
        const { name, namespace } = object.metadata as { name: string; namespace: string };
        return ['object', `${object.kind} ${namespace}/${name}`];
      }),
      ...plan.steps.map(({ what }): Pair => ['step', what]),
    ]),
    ...warningLines(plan.warnings, colors),
  ];
}

export function deletionLines(result: DeploymentDeletionResult, colors: Colors): string[] {
  return [
    colors.green(`The deployments of scope ${result.scopeId} are removed.`),
    ...pairs([
      ...result.removed.map((what): Pair => ['removed', what]),
      ...result.absent.map((what): Pair => ['absent', what]),
    ]),
    ...warningLines(result.warnings, colors),
  ];
}

export function restartLines(result: InstanceRestartResult, colors: Colors): string[] {
  const { desired, ready } = result.deployment;
  return [
    colors.green(`Instance ${result.instanceId} was restarted; ${ready} of ${desired} are ready.`),
    ...warningLines(result.warnings, colors),
  ];
}

export function diagnosisLines(result: DiagnosisResult, colors: Colors): string[] {
  const paint = { success: colors.green, warning: colors.yellow, failed: colors.red, skipped: colors.dim };
  const { failed, warning, success, skipped } = result.summary;
  return [
    colors.bold(
      `Scope ${result.scopeId}: ${failed} failed, ${warning} warnings, ${success} passed, ${skipped} skipped.`,
    ),
    ...result.checks.flatMap(({ name, status, evidence }) => [
      `  ${paint[status](status.padEnd(7))}  ${name}: ${evidence.summary}`,
      ...(status === 'failed' || status === 'warning'
        ? evidence.suggested_actions.map((action) => `             ${action}`)
        : []),
    ]),
  ];
}

export function reportLines(report: DeploymentReport, colors: Colors): string[] {
  const { run, status, failure, note } = report;
  const since = run.closedAt ? `ended ${run.closedAt}` : `since ${run.startedAt}`;
  const ended = failure ?? status?.failure;
  return [
    colors.bold(`Scope ${report.scopeId}: ${run.state} (${run.workflowId}, ${since})`),
    ...(status ? statusLines(status) : []),
    ...(status && status.kind !== 'deletion' ? sideLines(status).map((line) => `  ${line}`) : []),
    ...(status ? warningLines(status.warnings, colors) : []),
    ...(ended ? [colors.red(`  ${ended.type}: ${ended.message}`)] : []),
    ...(note ? [colors.yellow(`  ${note}`)] : []),
  ];
}

function statusLines(status: DeploymentStatus | DeploymentDeletionStatus): string[] {
  const { waitingFor } = status;
  const waiting = waitingFor && [
    `${waitingFor.what} since ${waitingFor.since}`,
    ...(waitingFor.until ? [`until ${waitingFor.until}`] : []),
    ...(waitingFor.lastSeen ? [`last seen: ${waitingFor.lastSeen}`] : []),
  ];
  const common: Pair[] = [['waiting for', waiting?.join(', ') ?? '']];
  if (status.kind === 'deletion')
    return pairs([['phase', status.phase], ...common, ...status.removed.map((what): Pair => ['removed', what])]);
  const { confirmed, wanted } = status.percent;
  return pairs([
    [
      'phase',
      status.paused ? `${status.phase}, paused${status.pauseReason ? `: ${status.pauseReason}` : ''}` : status.phase,
    ],
    ['traffic', `${confirmed} %${wanted === confirmed ? '' : `, going to ${wanted} %`} on ${status.green}`],
    ['step', status.plan ? `${status.plan.step} of ${status.plan.steps}` : ''],
    ['balancer', status.balancer ?? ''],
    ['gateway', status.gateway ?? ''],
    ...common,
  ]);
}

/** Under the checklist of a run that is followed: what only the waiting activity knows. */
export function followedLines(status: DeploymentStatus): string[] {
  const { waitingFor, warnings } = status;
  if (!waitingFor) return sideLines(status);
  const events = warnings.filter(({ code }) => code === 'InstanceEvent');
  return [
    ...sideLines(status),
    ...(waitingFor.lastSeen ? [`last seen: ${waitingFor.lastSeen}`] : []),
    ...events.map(({ code, message }) => `${code}: ${message}`),
  ];
}

/** Both versions side by side: traffic, targets and instances. */
export function sideLines(status: DeploymentStatus): string[] {
  const { blue, green, instances, healthyTargets, percent, actual, gateway } = status;
  const row = (side: 'blue' | 'green', id: string, share: number) => {
    const counts = instances[side];
    return [
      `${id} (${side === 'blue' ? 'old' : 'new'})`,
      `${share} %`,
      healthyTargets[side] === undefined ? '-' : String(healthyTargets[side]),
      counts ? `${counts.ready}/${counts.desired}` : '-',
      counts ? String(counts.launched) : '-',
    ];
  };
  const table = [
    ['VERSION', 'TRAFFIC', gateway ? 'READY ENDPOINTS' : 'HEALTHY TARGETS', 'READY', 'LAUNCHED'],
    ...(blue === undefined ? [] : [row('blue', blue, 100 - percent.confirmed)]),
    row('green', green, percent.confirmed),
  ];
  return [...columns(table), ...actual.map((rule) => ruleLine(rule, gateway))];
}

function ruleLine({ host, port, weights }: HostRouting, gateway: string | undefined): string {
  const shares = Object.entries(weights).map(([service, share]) => `${service} ${share} %`);
  const where = gateway === undefined ? `${host}:${port}` : `${host} by ${gateway}`;
  return `${where} -> ${shares.join(', ') || 'no rule'}`;
}
