import type { ScopePhase, ScopeStatus } from '../../contract/scope/status.ts';

/** The Markdown that a person reads on a run's first screen: done, doing, next, waiting. Deterministic: no time of its own. */

const creationSteps: [ScopePhase, string][] = [
  ['Validating', 'Check the request'],
  ['Placing', 'Choose a balancer'],
  ['Provisioning', 'Make the balancer ready'],
  ['Dns', 'Write DNS and wait until in sync'],
];

const deletionSteps: [ScopePhase, string][] = [
  ['Validating', 'Check the request'],
  ['Dns', 'Remove DNS records'],
  ['Removing', 'Release the placement'],
];

/** Renders `status`, for `setCurrentDetails`, the CLI and the demo alike. */
export function checklist(status: ScopeStatus): string {
  const steps =
    status.kind === 'deletion' ? deletionSteps : status.kind === 'plan' ? creationSteps.slice(0, 2) : creationSteps;
  const ended = ['Failed', 'Cancelled', 'Compensating'].includes(status.phase);
  const current = steps.findIndex(([phase]) => phase === status.phase);
  const lines = ended
    ? []
    : steps.map(([, words], index) => {
        const done = status.phase === 'Done' || index < current;
        return `- [${done ? 'x' : ' '}] ${index === current ? `**${words}**` : words}`;
      });
  if (ended) lines.push(`**${endWords(status)}**`);
  if (status.balancer) {
    const { name, created, state } = status.balancer;
    lines.push('', `Balancer: \`${name}\` (${state}${created ? ', created by this run' : ''})`);
  }
  if (status.reason) lines.push('', `Why: ${status.reason}`);
  if (status.waitingFor) {
    const { what, since, until, lastSeen } = status.waitingFor;
    lines.push(
      '',
      `Waiting for ${what} since ${since}${until ? `, until ${until}` : ''}${lastSeen ? `. Last seen: ${lastSeen}` : ''}`,
    );
  }
  if (status.warnings.length > 0)
    lines.push('', ...status.warnings.map(({ code, message }) => `- ${code}: ${message}`));
  if (status.failure) lines.push('', `${status.failure.type}: ${status.failure.message}`);
  return lines.join('\n');
}

function endWords(status: ScopeStatus): string {
  if (status.phase === 'Compensating') return 'Undoing what this run made';
  return status.phase === 'Cancelled' ? 'Cancelled; what this run made was removed' : 'Failed';
}
