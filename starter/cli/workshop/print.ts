import type {
  AutoscalerEntry,
  AutoscalerHistory,
  AutoscalerReport,
  AutoscalerStatus,
  Decision,
  DecisionExplanation,
} from '../../client.ts';
import { type Colors, columns } from '../io.ts';
import { pairs } from '../scope/print.ts';

/** Autoscalers for people, as lines. */

export function reportLines({ run, status, note }: AutoscalerReport, colors: Colors): string[] {
  const since = run.closedAt ? `ended ${run.closedAt}` : `since ${run.startedAt}`;
  return [
    colors.bold(`${run.workflowId}: ${run.state}, ${since}`),
    ...(status ? statusLines(status, colors) : []),
    ...(note ? [colors.yellow(`  ${note}`)] : []),
  ];
}

/** A newer worker may know more. */
const stepWords: Readonly<Record<string, string>> = {
  flag: 'raises the flag',
  count: 'writes the count',
  wait: 'waits for the claims',
  delete: 'removes claims that nobody took',
};

function statusLines(status: AutoscalerStatus, colors: Colors): string[] {
  const { decision, operation, paused, override, approval, backoff } = status;
  const until = (time: string | undefined) => (time ? `, until ${time}` : '');
  return [
    ...pairs([
      ['phase', status.phase],
      ['workshop', status.workshop ?? ''],
      ...(decision ? seatPairs(decision) : []),
      ['decision', decision ? `${decision.reason}: ${decision.message}${until(decision.until)}` : ''],
      [
        'operation',
        operation
          ? `${operation.id}: ${operation.fromCount} -> ${operation.targetCount}, ${stepWords[operation.step] ?? operation.step}, deadline ${operation.deadline}`
          : '',
      ],
      ['paused', paused ? `${paused.reason} (${paused.by ?? paused.source})${until(paused.until)}` : ''],
      ['override', override ? `cap ${override.maxProvisions}${until(override.until)}` : ''],
      [
        'approval',
        approval && !approval.granted
          ? `${approval.operationId} waits: ${approval.fromCount} -> ${approval.targetCount}`
          : '',
      ],
      ['cool-down', status.cooldownUntil ? `until ${status.cooldownUntil}` : ''],
      ['back-off', backoff ? `${backoff.reason}: ${backoff.message}${until(backoff.until)}` : ''],
      ['last result', status.lastResult ? `${status.lastResult}${at(status.lastScaleTime)}` : ''],
      ['next look', status.nextEvaluation ?? ''],
    ]),
    ...warningLines(decision, colors),
  ];
}

/** `dryRun`: nothing follows from the decision. */
export function decisionLines(decision: Decision, dryRun: boolean, colors: Colors): string[] {
  const { action, reason, target, inputs } = decision;
  const head =
    action === 'none' ? `No action: ${reason}` : `${dryRun ? 'Would scale' : 'Scales'} ${inputs.count} -> ${target}`;
  return [
    colors.bold(head),
    ...pairs([['why', decision.message], ...seatPairs(decision), ['limited by', decision.clips.join(', ')]]),
    ...warningLines(decision, colors),
  ];
}

function seatPairs({ inputs }: Decision): [string, string][] {
  const { assignedSeats, totalSeats, count, activeClaims, provisioningClaims, failedClaims, inFlightSeats } = inputs;
  return [
    ['seats', `${assignedSeats} of ${totalSeats} taken, ${inFlightSeats} on their way`],
    ['claims', `count ${count}: ${activeClaims} active, ${provisioningClaims} on their way, ${failedClaims} failed`],
  ];
}

function warningLines(decision: Decision | undefined, colors: Colors): string[] {
  return (decision?.warnings ?? []).map(({ code, message }) => colors.yellow(`  ${code}: ${message}`));
}

export function historyLines({ decisions }: AutoscalerHistory, colors: Colors): string[] {
  if (decisions.length === 0) return ['No decision yet.'];
  const head = ['LAST', 'TIMES', 'REASON', 'COUNT', 'SEATS', 'WHY'];
  const rows = decisions.map((one) => [
    one.lastAt,
    String(one.times),
    one.reason,
    one.target === undefined || one.action === 'none' ? String(one.count) : `${one.count} -> ${one.target}`,
    `${one.assignedSeats}/${one.totalSeats}`,
    one.message,
  ]);
  return columns([head, ...rows], (cell, _column, row) => (row === 0 ? colors.dim(cell) : cell));
}

export function explanationLines({ at, summary, checks }: DecisionExplanation, colors: Colors): string[] {
  const marks = { passed: colors.green('ok  '), stopped: colors.yellow('stop'), 'not reached': colors.dim('-   ') };
  return [
    colors.bold(`${summary} (${at})`),
    ...checks.map(({ number, reasons, outcome, words }) => {
      const line = `${String(number).padStart(2)}  ${reasons.join(', ')}${words === '' ? '' : `: ${words}`}`;
      return `  ${marks[outcome]}  ${outcome === 'not reached' ? colors.dim(line) : line}`;
    }),
  ];
}

export function listLines(entries: readonly AutoscalerEntry[], colors: Colors): string[] {
  if (entries.length === 0) return ['No autoscaler matches.'];
  const head = ['NAMESPACE', 'WORKSHOP', 'PROVISION', 'STATE', 'PHASE', 'STARTED'];
  const rows = entries.map((entry) => [
    entry.namespace,
    entry.workshop ?? '-',
    entry.provision,
    entry.state,
    entry.phase ?? '-',
    entry.startedAt,
  ]);
  return columns([head, ...rows], (cell, column, row) => {
    if (row === 0) return colors.dim(cell);
    return column === 4 && cell === 'Degraded' ? colors.red(cell) : cell;
  });
}

function at(time: string | undefined): string {
  return time ? `, ${time}` : '';
}
