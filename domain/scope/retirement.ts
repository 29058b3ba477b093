import type { RetirementPhase, RetirementStatus } from '../../contract/scope/retirement.ts';

/** Decisions and words of balancer retirement (specs: scope creation, section 10). */

/** How many of these rules, each given by its hosts, are not the keeper's: those keep a balancer alive. */
export function foreignRules(rules: readonly (readonly string[])[], keeperHost: string): number {
  return rules.filter((hosts) => hosts.length !== 1 || hosts[0] !== keeperHost).length;
}

const steps: [RetirementPhase, string][] = [
  ['Releasing', 'Undo what ended runs left'],
  ['Retiring', 'Retire idle balancers'],
  ['Reporting', 'Compare AWS, DNS and cluster with the ledger'],
];

/** The Markdown of a retirement run's first screen. */
export function retirementChecklist(status: RetirementStatus): string {
  const current = steps.findIndex(([phase]) => phase === status.phase);
  const lines = steps.map(([, words], index) => {
    const done = status.phase === 'Done' || index < current;
    return `- [${done ? 'x' : ' '}] ${index === current ? `**${words}**` : words}`;
  });
  if (current < 0 && status.phase !== 'Done') lines.push('', `**${status.phase}**: the next run goes on`);
  const list = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push('', `${title}:`, ...items.map((item) => `- ${item}`));
  };
  if (status.waitingFor) lines.push('', `Waiting for ${status.waitingFor.what} since ${status.waitingFor.since}`);
  list('Undone', status.released);
  list('Retired', status.retired);
  list(
    'Kept',
    status.kept.map(({ balancer, reason }) => `${balancer}: ${reason}`),
  );
  list(
    'Trouble',
    status.troubles.map(({ what, message }) => `${what}: ${message}`),
  );
  if (status.drift > 0) lines.push('', `Drift: ${status.drift}, see \`groundwork balancers drift\``);
  return lines.join('\n');
}
