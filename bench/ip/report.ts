import { markdownTable } from '../bench.ts';
import { barChart } from '../chart.ts';
import type { IpBench } from './result.ts';
import { LENGTH } from './session.ts';
import { crowdRows, goalRows, occupancyRows, profileLines, wasBusy } from './words.ts';

export const CHART = 'performance-ip-claims.svg';

export function claimChart({ occupancies }: IpBench): string {
  return barChart({
    title: 'One claim by live blocks in the pool, p50 in microseconds (logarithmic)',
    series: ['ipam_claim', 'read all, search, insert'],
    groups: occupancies.map(({ live, claim, search }) => ({
      label: `${live.toLocaleString('en-US')} live`,
      values: [Math.round(claim.p50 * 1000), Math.round(search.p50 * 1000)],
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
of its own, filled row by row through all constraints, and they are measured in turn, so that a slow moment of the machine hits all
of them. The search algorithm locks the pool, reads all its blocks, looks for the lowest gap and inserts, on the same rows.

![One claim by live blocks in the pool](${CHART})

${markdownTable(occupancyRows(run))}

### Many clients, batches, denials

${markdownTable(crowdRows(run))}
`;
}
