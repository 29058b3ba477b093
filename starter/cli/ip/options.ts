import type { Command } from 'commander';
import type { Groundwork, MatchExpression, PoolRef, PoolSelector } from '../../client.ts';
import { taskQueueOf } from '../../queues.ts';
import { type Context, type JsonOption, withGroundwork, withJson } from '../command.ts';
import { UsageError } from '../failing.ts';
import { type Colors, colorsFor, type Io, writeJson, writeLines } from '../io.ts';
import { warnUnserved } from '../watch.ts';

/** What the commands of the IP room share. */

export interface OwnerOptions extends JsonOption {
  owner?: string;
  actor?: string;
  quiet?: boolean;
}

/** Who asks on whose behalf, and a connection. */
export interface Session {
  groundwork: Groundwork;
  owner: string;
  actor: { actor?: string };
}

/** Adds `--owner`, `--actor`, `--quiet` and `--json`. */
export function withOwner(command: Command): Command {
  return withJson(command)
    .option('--owner <name>', 'tenant on whose behalf this is done; default $GROUNDWORK_CLI_OWNER')
    .option('--actor <name>', 'person or program, for the audit; default $USER')
    .option('-q, --quiet', 'print only CIDRs, one a line');
}

/** What takes longer than this may wait for a worker. A reading says itself that there is none, before that. */
const PATIENCE_MS = 1_000;

/** Connects and works as the owner that the options name; says once on stderr when no worker serves what takes long. */
export function asOwner(
  { io }: Context,
  options: OwnerOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const owner = options.owner ?? io.env.GROUNDWORK_CLI_OWNER;
  if (!owner) throw new UsageError('say on whose behalf: --owner NAME, or GROUNDWORK_CLI_OWNER');
  const actor = options.actor ?? io.env.USER;
  return withGroundwork(async (groundwork) => {
    const taskQueue = taskQueueOf('ip', process.env.GROUNDWORK_TASK_QUEUE_PREFIX);
    const late = setTimeout(() => warnUnserved(io, groundwork, taskQueue), PATIENCE_MS);
    try {
      await work({ groundwork, owner, actor: actor ? { actor } : {} });
    } finally {
      clearTimeout(late);
    }
  });
}

/** Writes an answer: JSON, only its CIDRs, or lines for people. */
export function say(
  io: Io,
  options: OwnerOptions,
  value: unknown,
  cidrs: readonly string[],
  lines: (colors: Colors) => string[],
): void {
  if (options.json) writeJson(io, value);
  else writeLines(io.stdout, options.quiet ? cidrs : lines(colorsFor(io.stdout, io.env)));
}

/** `NAME`, or `OWNER/NAME` for a pool of another owner. */
export function poolRef(text: string): PoolRef {
  const cut = text.indexOf('/');
  return cut === -1 ? { name: text } : { name: text.slice(cut + 1), projectRef: { name: text.slice(0, cut) } };
}

/** `k=v` for labels; may be repeated, with another key each time. */
export function labels(given: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const text of given) {
    const cut = text.indexOf('=');
    if (cut < 1) throw new UsageError(`label ${text}: write it as key=value`);
    const key = text.slice(0, cut);
    if (labels.has(key)) throw new UsageError(`label ${text}: ${key} is there twice`);
    labels.set(key, text.slice(cut + 1));
  }
  return Object.fromEntries(labels);
}

/** As kubectl writes selectors: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, with commas between. */
export function poolSelector(text: string, project: string | undefined): PoolSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: MatchExpression[] = [];
  for (const part of text.split(/,(?![^(]*\))/).map((one) => one.trim())) {
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
    const [key = '', value, ...more] = part.split(/!?==?/).map((one) => one.trim());
    if (set) {
      const [, name = '', word, list = ''] = set;
      const values = list.split(',').map((one) => one.trim());
      matchExpressions.push({ key: name, operator: word === 'in' ? 'In' : 'NotIn', values });
    } else if (more.length > 0) throw notUnderstood(text, part);
    else if (/!=/.test(part)) matchExpressions.push({ key, operator: 'NotIn', values: [value ?? ''] });
    else if (value !== undefined) {
      if (Object.hasOwn(matchLabels, key))
        throw new UsageError(`--selector ${text}: ${key} is there twice; write ${key} in (b,c) for one of several`);
      matchLabels[key] = value;
    } else if (part.startsWith('!')) matchExpressions.push({ key: part.slice(1), operator: 'DoesNotExist' });
    else if (/^[\w./-]+$/.test(part)) matchExpressions.push({ key: part, operator: 'Exists' });
    else throw notUnderstood(text, part);
  }
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    ...(project === undefined ? {} : { projectRef: { name: project } }),
  };
}

function notUnderstood(text: string, part: string): UsageError {
  return new UsageError(`--selector ${text}: ${part} is not understood; write a=b, a!=b, a in (b,c), a or !a`);
}
