import { setTimeout as delay } from 'node:timers/promises';
import { getStatus } from '../../contract/scope/messages.ts';
import type { ScopePhase, ScopeStatus } from '../../contract/scope/status.ts';
import type { RunHandle } from '../../starter/client.ts';
import type { Stage } from './chapter.ts';

/** Watching runs of scopes by the status that each of them tells, as any dashboard could. */

const LOOK_MS = 150;
/** A run that does not end is a failure of the demo, not an endless one. */
const PATIENCE_MS = 120_000;

export interface FollowedRun<Result> {
  readonly scopeId: string;
  readonly handle: RunHandle<Result>;
}

export type Ended<Result> = {
  readonly scopeId: string;
  /** Real seconds from the start of following to the run's end. */
  readonly seconds: number;
  readonly status: ScopeStatus | undefined;
} & ({ readonly result: Result } | { readonly error: Error });

export interface FollowOptions {
  /** Called with each status that differs from the one before. */
  onStatus?(status: ScopeStatus): void;
}

/** Tells what the runs do until the last has ended. Runs that fail are answers here, not errors. */
export async function follow<Result>(
  stage: Stage,
  runs: readonly FollowedRun<Result>[],
  options: FollowOptions = {},
): Promise<Ended<Result>[]> {
  const began = Date.now();
  const width = Math.max(...runs.map(({ scopeId }) => scopeId.length));
  const statuses = new Map<string, ScopeStatus>();
  const seconds = () => (Date.now() - began) / 1000;
  const board = () =>
    stage.narrator.board(
      runs.map(({ scopeId }) => `          ${scopeId.padEnd(width)}  ${progress(stage, statuses.get(scopeId))}`),
    );

  const one = async ({ scopeId, handle }: FollowedRun<Result>): Promise<Ended<Result>> => {
    const tell = (text: string) => stage.narrator.event(seconds(), scopeId.padEnd(width), text);
    const look = async () => {
      const status = await statusOf(stage, handle);
      if (status === undefined) return;
      const before = statuses.get(scopeId);
      statuses.set(scopeId, status);
      for (const text of news(before, status, [...statuses.values()])) tell(text);
      if (JSON.stringify(before) !== JSON.stringify(status)) options.onStatus?.(status);
      board();
    };
    const ending = handle.result({ deadline: PATIENCE_MS }).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) }),
    );
    let open = true;
    void ending.then(() => {
      open = false;
    });
    while (open) {
      await look();
      await Promise.race([delay(LOOK_MS), ending]);
    }
    const end = await ending;
    const took = seconds();
    await look();
    if ('error' in end) tell(stage.narrator.colors.yellow(`failed: ${end.error.name}: ${end.error.message}`));
    else tell(stage.narrator.colors.green('done'));
    return { scopeId, seconds: took, status: statuses.get(scopeId), ...end };
  };
  try {
    return await Promise.all(runs.map(one));
  } finally {
    stage.narrator.board([]);
    stage.narrator.lines(['']);
  }
}

/** A run whose first task is not done yet has no status. */
async function statusOf(stage: Stage, { workflowId, runId }: RunHandle<unknown>): Promise<ScopeStatus | undefined> {
  const { temporal } = stage.groundwork;
  return temporal
    .withDeadline(Date.now() + 5_000, () => temporal.workflow.getHandle(workflowId, runId).query(getStatus))
    .catch(() => undefined);
}

/** What is in `now` and was not in `before`, in words. */
function news(before: ScopeStatus | undefined, now: ScopeStatus, all: readonly ScopeStatus[]): string[] {
  const words: string[] = [];
  if (now.balancer && now.balancer.name !== before?.balancer?.name) words.push(placementWords(now, all));
  const seen = now.waitingFor?.lastSeen;
  if (seen && seen !== before?.waitingFor?.lastSeen && seen !== before?.balancer?.state)
    words.push(`waits for its balancer: ${seen}`);
  if (now.balancer?.created && now.balancer.state === 'active' && before?.balancer?.state !== 'active')
    words.push(
      now.warnings.some(({ code }) => code === 'TagsNotWritten') ? 'balancer active' : 'balancer active and tagged',
    );
  if (now.phase === 'Dns' && before?.phase !== 'Dns') words.push(`writes DNS: ${now.domain}`);
  const synced = now.dns.filter(
    ({ zoneId, state }) =>
      state === 'in-sync' && before?.dns.find((record) => record.zoneId === zoneId)?.state !== 'in-sync',
  );
  if (synced.length > 0) words.push(`DNS in sync: ${synced.map(({ zoneId }) => zoneId).join(', ')}`);
  if (now.phase === 'Compensating' && before?.phase !== 'Compensating') words.push('undoes what it made');
  return words;
}

function placementWords({ balancer, candidates }: ScopeStatus, all: readonly ScopeStatus[]): string {
  if (!balancer) return '';
  if (balancer.created) {
    const full = candidates.map(({ name, rules, maxRules }) => `${name} ${rules}/${maxRules}`).join(', ');
    return `all are full (${full}): creates ${balancer.name}`;
  }
  const load = candidates.find(({ name }) => name === balancer.name);
  if (!load) return `is on ${balancer.name}`;
  if (balancer.state === 'active')
    return `fits on ${balancer.name}: ${load.rules} of ${load.maxRules} rules were taken`;
  const maker = all.find((other) => other.balancer?.created && other.balancer.name === balancer.name);
  return `joins ${balancer.name}${maker ? `, which ${maker.scopeId} creates` : ''}`;
}

const steps: readonly [ScopePhase, string][] = [
  ['Validating', 'request'],
  ['Placing', 'place'],
  ['Provisioning', 'balancer'],
  ['Dns', 'DNS'],
];

/** The checklist of a run as one line. */
function progress({ narrator: { colors } }: Stage, status: ScopeStatus | undefined): string {
  const ended: Partial<Record<ScopePhase, string>> = {
    Compensating: colors.yellow('undoing'),
    Failed: colors.red('failed'),
    Cancelled: colors.red('cancelled'),
  };
  const end = status && ended[status.phase];
  if (end) return end;
  const current = steps.findIndex(([phase]) => phase === status?.phase);
  const done = (at: number) => status?.phase === 'Done' || at < current;
  return steps
    .map(([, word], at) =>
      done(at) ? colors.green(`✔ ${word}`) : at === current ? colors.cyan(`▸ ${word}`) : colors.dim(`· ${word}`),
    )
    .join('  ');
}
