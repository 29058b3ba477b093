import { readFileSync } from 'node:fs';
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { countWritten, startOperation } from '../../domain/workshop/operation.ts';
import { newState } from '../../domain/workshop/state.ts';
import { autoscalerStatus } from '../../domain/workshop/status.ts';
import { decisionLines, reportLines } from '../../starter/cli/workshop/print.ts';
import { at, decideAbout, decideOn, NOW, observe, timings } from '../domain/workshop/build.ts';

/** What an operator reads, as the operator's page shows it. */

const colors = createColors(false);
const full = { count: 10, assigned: 8 };

test('a decision says whether anything follows from it', () => {
  const hot = decideAbout(full);
  expect(decisionLines(hot, false, colors)[0]).toBe('Scales 10 -> 15');
  expect(decisionLines(hot, true, colors)[0]).toBe('Would scale 10 -> 15');
  expect(decisionLines(decideAbout({ count: 10, assigned: 7 }), true, colors)[0]).toBe('No action: BelowThreshold');
});

test('docs/operations/workshops.md shows the status of an operation as it is printed', () => {
  const before = observe(full);
  const started = startOperation(decideOn(before), before, newState(), '07d3e5b1', NOW, timings);
  const state = countWritten(started, NOW + 400);
  const during = observe({ count: 15, claims: { active: 10, provisioning: 5 }, assigned: 9 });
  const decision = decideOn(during, state, NOW + 60_000);
  const address = { cluster: 'default', namespace: 'user-1', name: 'lab' };
  const status = autoscalerStatus(address, state, { observation: during, decision }, NOW + 75_000, NOW + 60_000);
  const run = {
    workflowId: 'provision-autoscaler/default/user-1/lab',
    ...{ runId: 'r', type: 'provisionAutoscaler', taskQueue: 'groundwork-workshops', state: 'running' as const },
    startedAt: at(-3_600),
  };
  const queue = { taskQueue: run.taskQueue, pollers: 1 };
  const lines = reportLines({ run, status, queue } as Parameters<typeof reportLines>[0], colors);
  const page = readFileSync(new URL('../../docs/operations/workshops.md', import.meta.url), 'utf8');
  expect(page).toContain(`$ groundwork workshop status lab -n user-1\n${lines.join('\n')}\n`);
});
