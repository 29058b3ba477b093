import type { AutoscalerStatus, DecisionReason } from '../../contract/workshop/status.ts';

/** The Markdown that a person reads on a run's first screen. Deterministic: no time of its own. */

const steps = {
  up: ['Look and decide', 'Raise the flag', 'Write the count', 'Wait until the claims settle', 'Clear the flag'],
  down: ['Look and decide', 'Raise the flag', 'Lower the count', 'Remove claims that nobody took', 'Clear the flag'],
};

/** Who or what has to act before the answer changes. */
const waitsFor: Partial<Record<DecisionReason, string>> = {
  Disabled: 'a person who enables autoScaling',
  InvalidConfig: 'a person who corrects the configuration',
  Paused: 'the end of the pause, or a person who resumes',
  EndingSoon: 'nobody: a new environment would come too late',
  ProvisionDisabled: 'a person who allows provisioning',
  Locked: 'a person who unlocks the workshop',
  ScaledToZero: 'a person who sets a count above 0',
  NoSeats: 'the first environments',
  AtMax: 'a person who raises the cap',
  FailureThreshold: 'a person who removes the failed claims',
  ProvisioningInProgress: 'claims on their way',
  InFlightCapacity: 'claims on their way',
  BackingOff: 'the end of the back-off',
  CoolingDown: 'the end of the cool-down',
  Stabilizing: 'the recommendation to stand',
  ApprovalRequired: 'a person who approves',
};

/** Renders `status`, for `setCurrentDetails`, the CLI and the demo alike. */
export function checklist(status: AutoscalerStatus): string {
  const { decision, operation, paused, override, approval } = status;
  const lines = [`**${headline(status)}**`];
  if (decision) {
    const { inputs, config } = decision;
    lines.push(
      '',
      `Seats: ${inputs.assignedSeats} of ${inputs.totalSeats} taken${config ? `, threshold ${config.threshold}` : ''}. ` +
        `Claims: ${inputs.activeClaims} active, ${inputs.provisioningClaims} on their way, ${inputs.failedClaims} failed; count ${inputs.count}.`,
    );
  }
  if (operation) {
    const current = { flag: 1, count: 2, wait: 3, delete: 3 }[operation.step] ?? 0;
    lines.push('', ...steps[operation.direction].map((words, index) => stepLine(words, index, current)));
    lines.push('', `Operation \`${operation.id}\` since ${operation.startedAt}, deadline ${operation.deadline}`);
  } else if (decision) {
    lines.push('', `Why: ${decision.reason}, ${decision.message}`);
    const whom = waitsFor[decision.reason];
    if (whom) lines.push('', `Waiting for ${whom}${decision.until ? `, until ${decision.until}` : ''}`);
  }
  if (approval && !approval.granted && decision?.reason === 'ApprovalRequired') {
    lines.push('', `To allow ${approval.fromCount} -> ${approval.targetCount}: \`approve\` ${approval.operationId}`);
  }
  if (paused) {
    const until = paused.until ? `until ${paused.until}` : 'until resumed';
    lines.push('', `Paused (${paused.source}${paused.by ? `, ${paused.by}` : ''}): ${paused.reason}; ${until}`);
  }
  if (override) lines.push('', `Cap ${override.maxProvisions} instead of the configured one, until ${override.until}`);
  if (status.backoff) lines.push('', `${status.backoff.reason}: ${status.backoff.message}`);
  if (status.lastResult) lines.push('', `Last operation: ${status.lastResult}`);
  if (decision && decision.warnings.length > 0) {
    lines.push('', ...decision.warnings.map(({ code, message }) => `- ${code}: ${message}`));
  }
  return lines.join('\n');
}

function headline({ phase, operation, decision }: AutoscalerStatus): string {
  if (operation) return `${phase}: ${operation.fromCount} -> ${operation.targetCount}`;
  return decision ? phase : 'Looking at the provision';
}

function stepLine(words: string, index: number, current: number): string {
  return `- [${index < current ? 'x' : ' '}] ${index === current ? `**${words}**` : words}`;
}
