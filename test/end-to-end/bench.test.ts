import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { scopeLines } from '../../bench/scope/print.ts';
import { scopeSection } from '../../bench/scope/report.ts';
import { benchScopes } from '../../bench/scope/run.ts';
import { shapes } from '../../bench/scope/shape.ts';
import { keepEnvironment } from '../support/keep-environment.ts';

/** The benchmark in its smallest shape: what it counts is right. Times and memory are not judged here. */

keepEnvironment(); // a benchmark forgets the servers of who runs it

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function bench(...args: string[]) {
  const child = spawn(process.execPath, ['tools/run.mjs', 'bench/main.ts', ...args], { cwd: ROOT });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, lines: stderr.trimEnd().split('\n'), code: code as number };
}

describe('npm run bench -- scope', () => {
  test('counts the calls of every case, finishes what it starts, and judges every goal', {
    timeout: 240_000,
  }, async () => {
    const run = await benchScopes(shapes.tiny, () => {});

    const atOnce = run.calls.filter(({ awsTime, zones }) => awsTime === 'at once' && zones === 'two zones');
    expect(atOnce.map(({ balancers, creations, goal }) => [balancers, creations, goal])).toEqual([
      [1, 1, 9],
      [1, 3, 21],
      [2, 1, 12],
      [2, 3, 24],
    ]);
    for (const { balancers, creations, plain, byAction, repeatedLooks } of atOnce) {
      // Each balancer is described, its listeners and the rules of both, and a record is written into each zone.
      expect(plain).toBe(creations * (4 * balancers + 2));
      expect(byAction['route53:ChangeResourceRecordSets']).toBe(2 * creations);
      expect(byAction['elbv2:DescribeRules']).toBe(2 * balancers);
      expect(repeatedLooks).toBe(0);
    }
    const [oneZone] = run.calls.filter(({ zones }) => zones === 'one zone');
    expect(oneZone?.byAction['route53:ChangeResourceRecordSets']).toBe(2);
    const [slowDns] = run.calls.filter(({ awsTime }) => awsTime === 'as it is');
    expect(slowDns?.repeatedLooks).toBeGreaterThan(0);

    expect(run.singles.map(({ observation, latency }) => [observation, latency.count])).toEqual([
      ['its own', 2],
      ['shared', 2],
    ]);
    for (const { statements, awsCalls } of run.singles) {
      expect(statements).toBeGreaterThan(10);
      expect(awsCalls).toBeGreaterThanOrEqual(6);
    }
    expect([run.burst.latency.count, run.arrivals.latency.count]).toEqual([5, 3]);
    expect(run.fullPool).toMatchObject({ creations: 4, required: 2, made: 2 });
    expect(run.fullPool.eventsMaking.count + run.fullPool.eventsJoining.count).toBe(4);

    expect(run.profile.postgres).toMatchObject({ fsync: 'on', synchronous_commit: 'on' });
    expect(Object.values(run.profile.versions)).not.toContain('unknown');
    const page = scopeSection(run);
    for (const { goal, measured } of run.goals) {
      expect(page).toContain(`| ${goal} | ${measured} |`);
      expect(scopeLines(run).join('\n')).toContain(goal);
    }
    expect(page + scopeLines(run).join('\n')).not.toMatch(/undefined|NaN/);
  });

  test('wrong usage is one line and exit code 2', async () => {
    const { code, lines, stdout } = await bench('scope', '--fast');
    expect({ code, lines: lines.length, stdout }).toEqual({ code: 2, lines: 1, stdout: '' });
  });
});
