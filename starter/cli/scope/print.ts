import type {
  CandidateLoad,
  DnsRecordStatus,
  ScopeCreationResult,
  ScopeDeletionResult,
  ScopePlan,
  ScopeStatus,
  Warning,
} from '../../../contract/scope/status.ts';
import type { ScopeReport, ScopeRunEntry } from '../../client.ts';
import { type Colors, columns } from '../io.ts';

/** Results for people, as lines. */

export function creationLines(result: ScopeCreationResult, colors: Colors): string[] {
  const { balancer } = result;
  return [
    colors.green(`Scope ${result.scopeId} is ready.`),
    ...pairs([
      ['hosts', result.hosts.join(', ')],
      ['balancer', `${balancer.name} (${balancer.origin}${balancer.created ? ', created by this run' : ''})`],
      ['address', balancer.dnsName ?? ''],
      ...result.dns.map(dnsPair),
      ...result.repaired.map((what): Pair => ['repaired', what]),
    ]),
    ...warningLines(result.warnings, colors),
  ];
}

export function deletionLines(result: ScopeDeletionResult, colors: Colors): string[] {
  const known = result.removed.length > 0;
  return [
    known
      ? colors.green(`Scope ${result.scopeId} is deleted.`)
      : `Scope ${result.scopeId}: there was nothing to delete.`,
    ...pairs([
      ...result.removed.map((what): Pair => ['removed', what]),
      ...result.absent.map((what): Pair => ['absent', what]),
    ]),
    ...warningLines(result.warnings, colors),
  ];
}

export function planLines(plan: ScopePlan, colors: Colors): string[] {
  const { name, origin, wouldBeCreated } = plan.balancer;
  return [
    colors.bold(`Plan of scope ${plan.scopeId}: nothing was made.`),
    ...pairs([
      ['hosts', plan.hosts.join(', ')],
      ['balancer', `${name} (${origin}${wouldBeCreated ? ', would be created' : ''})`],
      ['why', plan.reason],
      ...plan.dns.map(dnsPair),
      ...plan.kubernetesObjects.map((object): Pair => ['object', object]),
    ]),
    ...candidateLines(plan.candidates, colors),
    ...warningLines(plan.warnings, colors),
  ];
}

export function reportLines(report: ScopeReport, colors: Colors): string[] {
  const { run, status, failure, note } = report;
  const since = run.closedAt ? `ended ${run.closedAt}` : `since ${run.startedAt}`;
  const ended = failure ?? status?.failure;
  return [
    colors.bold(`Scope ${report.scopeId}: ${run.state} (${run.workflowId}, ${since})`),
    ...(status ? statusLines(status, colors) : []),
    ...(ended ? [colors.red(`  ${ended.type}: ${ended.message}`)] : []),
    ...(note ? [colors.yellow(`  ${note}`)] : []),
  ];
}

function statusLines(status: ScopeStatus, colors: Colors): string[] {
  const { balancer, waitingFor } = status;
  const waiting = waitingFor && [
    `${waitingFor.what} since ${waitingFor.since}`,
    ...(waitingFor.until ? [`until ${waitingFor.until}`] : []),
    ...(waitingFor.lastSeen ? [`last seen: ${waitingFor.lastSeen}`] : []),
  ];
  return [
    ...pairs([
      ['phase', status.phase],
      ['waiting for', waiting?.join(', ') ?? ''],
      ['hosts', status.hosts.join(', ')],
      [
        'balancer',
        balancer ? `${balancer.name} (${balancer.state}${balancer.created ? ', created by this run' : ''})` : '',
      ],
      ['why', status.reason ?? ''],
      ...status.dns.map(dnsPair),
      ...status.made.map((what): Pair => [status.kind === 'deletion' ? 'removed' : 'made', what]),
    ]),
    ...candidateLines(status.candidates, colors),
    ...warningLines(status.warnings, colors),
  ];
}

export function listLines(entries: readonly ScopeRunEntry[], colors: Colors): string[] {
  if (entries.length === 0) return ['No run matches.'];
  const head = ['SCOPE', 'KIND', 'STATE', 'PHASE', 'ENVIRONMENT', 'BALANCER', 'STARTED'];
  const rows = entries.map((entry) => [
    entry.scopeId,
    entry.kind,
    entry.state,
    entry.phase ?? '-',
    entry.environment ?? '-',
    entry.balancer ?? '-',
    entry.startedAt,
  ]);
  return columns([head, ...rows], (cell, column, row) => {
    if (row === 0) return colors.dim(cell);
    if (column !== 2) return cell;
    return cell.startsWith('failed') ? colors.red(cell) : cell.startsWith('running') ? colors.yellow(cell) : cell;
  });
}

export type Pair = [label: string, value: string];

/** `label  value` lines, without those that have no value. */
export function pairs(given: readonly Pair[]): string[] {
  const filled = given.filter(([, value]) => value !== '');
  const width = Math.max(0, ...filled.map(([label]) => label.length));
  return filled.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

function dnsPair(record: DnsRecordStatus): Pair {
  return ['dns', `${record.type} ${record.name} -> ${record.target} in ${record.zoneId}: ${record.state}`];
}

function candidateLines(candidates: readonly CandidateLoad[], colors: Colors): string[] {
  if (candidates.length === 0) return [];
  const head = ['CANDIDATE', 'STATE', 'RULES', 'TARGET GROUPS', 'LISTENERS', 'ROOM'];
  const rows = candidates.map((one) => [
    one.name,
    one.state,
    `${one.rules}/${one.maxRules}`,
    `${one.targetGroups}/${one.maxTargetGroups}`,
    `${one.listeners}/${one.maxListeners}`,
    one.hasRoom ? 'yes' : `no: ${one.reason ?? 'full'}`,
  ]);
  return columns([head, ...rows], (cell, _, row) => (row === 0 ? colors.dim(cell) : cell)).map((line) => `  ${line}`);
}

export function warningLines(warnings: readonly Warning[], colors: Colors): string[] {
  return warnings.map(({ code, message }) => colors.yellow(`  warning ${code}: ${message}`));
}
