import type { IpClaimStatus } from '../../contract/ip/claim.ts';
import type { IpRunStatus } from '../../contract/ip/inventory.ts';

/** The Markdown that a person reads on a run's first screen. Deterministic: no time of its own. */

export function claimChecklist(status: IpClaimStatus): string {
  const { phase, wait, answer, failure } = status;
  const box = (done: boolean, words: string, doing = false) =>
    `- [${done ? 'x' : ' '}] ${doing ? `**${words}**` : words}`;
  if (phase === 'Abandoned') return '**Abandoned: the caller never asked for the answer; nothing was claimed**';
  if (phase === 'Refused')
    return ['**Refused; nothing was claimed**', '', `${failure?.type}: ${failure?.message}`].join('\n');
  const lines = [box(phase === 'Bound', 'Find a pool with room and take a block', phase === 'Claiming')];
  if (wait) {
    const what = `${wait.blocks === 1 ? 'a block' : `${wait.blocks} blocks`} of length /${wait.prefixLength} in ${wait.pools.join(', ')}`;
    lines.push(box(phase === 'Bound', 'Wait for capacity', phase === 'WaitingForCapacity'));
    if (phase === 'WaitingForCapacity')
      lines.push('', `Waiting for ${what} since ${wait.since}, until ${wait.until}. Tries so far: ${wait.tries}`);
  }
  if (answer) {
    const blocks = (answer.allocations ?? [answer]).map(({ name, allocatedCIDR }) => `- ${name}: \`${allocatedCIDR}\``);
    const words = answer.dryRun ? 'Would be given' : answer.replayed ? 'Held already' : 'Bound';
    lines.push('', `${words}, from pool ${answer.pool.owner}/${answer.pool.name}:`, ...blocks.slice(0, SHOWN));
    if (blocks.length > SHOWN) lines.push(`- and ${blocks.length - SHOWN} more`);
  }
  return lines.join('\n');
}

/** Blocks of a batch that are shown. */
const SHOWN = 16;

export function runChecklist({ subject, phase, failure, report }: IpRunStatus): string {
  if (phase === 'Failed') return [`**${subject}: failed**`, '', `${failure?.type}: ${failure?.message}`].join('\n');
  const lines = [`- [${phase === 'Done' ? 'x' : ' '}] ${phase === 'Working' ? `**${subject}**` : subject}`];
  if (report) {
    const counts = Object.entries(report).filter(([, count]) => count > 0);
    lines.push(
      '',
      counts.length === 0 ? 'Nothing was due.' : counts.map(([name, count]) => `${name}: ${count}`).join(', '),
    );
  }
  return lines.join('\n');
}
