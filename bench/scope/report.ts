import { markdownTable as table } from '../bench.ts';
import { barChart } from '../chart.ts';
import type { ScopeBench } from './result.ts';
import {
  callRows,
  fullPoolRows,
  goalRows,
  loadRows,
  profileLines,
  singleRows,
  statementRows,
  wasBusy,
} from './words.ts';

export function callChart(run: ScopeBench): string {
  const cells = run.calls.filter(({ zones, awsTime }) => zones === 'two zones' && awsTime === 'at once');
  return barChart({
    title: 'Calls to AWS for N creations at once on M balancers (logarithmic)',
    series: ['Groundwork', 'plain algorithm', 'goal 3 M + 6 N'],
    groups: cells.map(({ balancers, creations, calls, plain, goal }) => ({
      label: `M ${balancers}, N ${creations}`,
      values: [calls, plain, goal],
    })),
  });
}

export function scopeSection(run: ScopeBench): string {
  const { shape, burst, fullPool } = run;
  const command = `npm run bench -- scope --report${shape.name === 'quick' ? ' --quick' : ''}`;
  return `
## Creating scopes

Made by \`${command}\`.

${profileLines(run)
  .map((line) => `- ${line}`)
  .join('\n')}
${wasBusy(run) ? '\n**Other work used this machine during the run.** The counts hold; the times are longer than on an idle one.\n' : ''}
${table(goalRows(run))}

### Calls to AWS

N creations start at once on M balancers of two listeners each, which nobody has observed before, without autocreation. The AWS
endpoint counts the worker's calls. The plain algorithm runs on the same pool: for each scope it describes every balancer, its
listeners and their rules, and writes the record into each zone. It neither looks for a record that is there already nor waits until
its own is in sync, as Groundwork does; those calls are Groundwork's price of never overwriting a name and never answering too early.

![Calls to AWS for N creations on M balancers](performance-scope-calls.svg)

${table(callRows(run.calls))}

Groundwork reads each balancer once for all creations (3 calls: its listeners, and the rules of both) and the region once (its
balancers). A creation then costs, for each zone, one look-up of the name, one change, and one look at the change,
or more looks when Route 53 takes its time: one every 5 s. The worker asks STS once for its account; that is before the counting.

### One creation

AWS answers at once here, so what is left is Groundwork, Temporal, PostgreSQL and Kubernetes. ${shape.singles} creations in each
column, each started when the one before is done. Steps that run at the same time all count in the parts, so parts may exceed the whole.

${table(singleRows(run.singles))}

${run.singles.map((single) => `The statements that took most of that time, observation: ${single.observation} (for one creation; times that overlap all count):\n\n${table(statementRows(single))}`).join('\n\n')}

### Many creations

${burst.creations} creations at once through one worker process, then ${run.arrivals.creations} that arrive at half that throughput
whatever becomes of the earlier ones. A latency counts from the moment at which its creation was meant to be sent. The callers, the
AWS endpoint and the simulated controllers share one other process and the same processors. AWS answers at once: a real account allows
5 calls a second to Route 53, so there ${burst.creations} creations with records in two zones need at least ${Math.ceil((burst.creations * 6) / 5)} s, whatever the worker could do.

${table(loadRows(burst, run.arrivals))}

### A full pool

${fullPool.creations} creations at once when the only balancer is full. Each new one has room for its keeper and ${fullPool.perBalancer} scopes. AWS
takes its time: 120 s until a balancer is active, 30 s until a change is in sync, 5 calls a second to Route 53, all by the scale above. The
worker's own work is not scaled, so at full length it looks a little more often.

${table(fullPoolRows(run))}
`;
}
