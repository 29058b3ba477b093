import { columns } from '../../starter/cli/io.ts';
import type { Rows } from '../bench.ts';
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

/** A run for the terminal. */
export function scopeLines(run: ScopeBench): string[] {
  const table = (title: string, rows: Rows) => ['', title, ...columns(rows).map((line) => `  ${line}`)];
  return [
    '',
    ...profileLines(run),
    ...(wasBusy(run) ? ['Others used the machine during the run: the counts hold, the times are too long.'] : []),
    'Counted first: everything started is finished, once, with its records; no balancer is over its threshold.',
    ...table('Calls to AWS', callRows(run.calls)),
    ...table('One creation, with AWS answering at once (means, unless named)', singleRows(run.singles)),
    ...run.singles.flatMap((single) =>
      table(`Statements of one creation, observation: ${single.observation}`, statementRows(single)),
    ),
    ...table('Many creations through one worker, with AWS answering at once', loadRows(run.burst, run.arrivals)),
    ...table('A full pool that grows', fullPoolRows(run)),
    ...table('Goals', goalRows(run)),
  ];
}
