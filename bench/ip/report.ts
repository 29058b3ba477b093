import { markdownTable } from '../bench.ts';
import { barChart } from '../chart.ts';
import type { IpBench } from './result.ts';
import { LENGTH } from './session.ts';
import { armRows, crowdRows, goalRows, loadRows, occupancyRows, profileLines, wasBusy } from './words.ts';

export const CHART = 'performance-ip-claims.svg';
export const ARMS_CHART = 'performance-ip-arms.svg';

export function claimChart({ occupancies }: IpBench): string {
  return barChart({
    title: 'One claim by live blocks, p50 in microseconds (logarithmic)',
    series: ['ipam_claim', 'read all, search, insert'],
    groups: occupancies.map(({ live, held, claim, search }) => ({
      label: `${live.toLocaleString('en-US')} in ${held}`,
      values: [Math.round(claim.p50 * 1000), Math.round(search.p50 * 1000)],
    })),
  });
}

export function armsChart({ arms: { arms, clients } }: IpBench): string {
  return barChart({
    title: 'Ways to claim a block, p50 in microseconds (logarithmic)',
    series: ['one client', `${clients} clients`],
    groups: arms.map(({ one, several }, index) => ({
      label: String(index + 1),
      values: [Math.round(one.p50 * 1000), Math.round(several.p50 * 1000)],
    })),
  });
}

export function ipSection(run: IpBench): string {
  const command = `npm run bench -- ip --report${run.shape.name === 'quick' ? ' --quick' : ''}`;
  return `
## Claiming addresses

Made by \`${command}\`.

${profileLines(run)
  .map((line) => `- ${line}`)
  .join('\n')}
${wasBusy(run) ? '\n**Other work used this machine during the run.** The counts and ratios hold; the times are longer than on an idle one.\n' : ''}
${markdownTable(goalRows(run))}

### The function, by occupancy

One connection claims a /${LENGTH} block and waits for the answer; PostgreSQL writes to the disk at each commit. Every occupancy is a database
of its own, filled row by row through all constraints in the order in which the pool gives blocks, and they are measured in turn, so that a slow moment of the machine hits all
of them. The search algorithm locks the pool, reads all its blocks, looks for the lowest gap and inserts, on the same rows.

![One claim by live blocks in the pool](${CHART})

${markdownTable(occupancyRows(run))}

What the allocator reads for a claim is the same in an empty and in a full pool. What grows is the search of the exclusion constraint,
the last guard against a block given twice: PostgreSQL chooses the page for a new address by the bits that it has in common with the
page's addresses, and at the begin of each larger block many pages have equally many; one of them is taken by chance and from then
on overlaps its neighbours. So the search reads more pages the more blocks one pool was filled with from its first address on. It stays
small where a pool of millions gives blocks far from each other (\`strategy: Sparse\`), and where the network is given out through
child pools, each of which is searched alone ([the decision](decisions/2026-11-21-the-allocator-is-sql-functions.md)).

### Many clients, batches, denials

${markdownTable(crowdRows(run))}

### Ways to claim a block

Every way claims a /${LENGTH} block of one pool with ${run.arms.live.toLocaleString('en-US')} live blocks, in turn, in ${run.shape.arms.rounds} rounds; each client has a connection of its own.
The figures of SQL are of a caller that talks to PostgreSQL itself. The HTTP service does in one transaction what it needs to be
repeatable. Ours runs in the worker as it ships, with search attributes, summaries, status and metrics; the others are the
least that a workflow can be. ${numbered(run)}

![Ways to claim a block](${ARMS_CHART})

${markdownTable(armRows(run))}

### Load

The shapes of the specification for ${run.shape.load.seconds} s each (its own last minutes), through Temporal and one worker process; callers, Temporal, PostgreSQL and
worker share the machine. Every block that is given is compared with all that are held at that moment; at the end one self-join of
the tables finds no overlap, the free lists are proved, and nothing is left. Claims that arrive count from when they were meant to
be sent, whatever becomes of earlier ones.

${markdownTable(loadRows(run))}
`;
}

function numbered({ arms: { arms } }: IpBench): string {
  return `In the chart they are numbered: ${arms.map(({ arm }, index) => `${index + 1} ${arm}`).join('; ')}.`;
}
