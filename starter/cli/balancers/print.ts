import type { CandidateLoad } from '../../../contract/scope/status.ts';
import type { BalancerEntry, DriftReport, RetirementResult } from '../../client.ts';
import { type Colors, columns } from '../io.ts';

/** Balancers for people, as lines. */

const BAR = 24;

interface Quota {
  name: string;
  used: number;
  limit: number;
}

/** The quota that is fullest: it decides whether the balancer has room. */
function bindingQuota(load: CandidateLoad): Quota {
  const quotas: [Quota, ...Quota[]] = [
    { name: 'rules', used: load.rules, limit: load.maxRules },
    { name: 'target groups', used: load.targetGroups, limit: load.maxTargetGroups },
    { name: 'listeners', used: load.listeners, limit: load.maxListeners },
  ];
  return quotas.reduce((most, one) => (one.used * most.limit > most.used * one.limit ? one : most), quotas[0]);
}

/** A bar of `BAR` cells; one that is over its limit is a full one. */
function bar({ used, limit }: Quota): string {
  const filled = Math.min(BAR, used > 0 ? Math.max(1, Math.round((used / limit) * BAR)) : 0);
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

export function balancerLines(entries: readonly BalancerEntry[], colors: Colors, now: number): string[] {
  if (entries.length === 0)
    return ['The ledger knows no balancer yet: one gets its row when a scope looks for a place.'];
  const places = [...new Set(entries.map(placeOf))].sort();
  return places.flatMap((place, index) => {
    const here = entries.filter((entry) => placeOf(entry) === place);
    const rows = here.map((entry) => {
      const quota = bindingQuota(entry.load);
      return [
        entry.name,
        entry.origin,
        stateWords(entry),
        bar(quota),
        `${quota.used}/${quota.limit} ${quota.name}`,
        `${entry.placements.length} ${entry.placements.length === 1 ? 'scope' : 'scopes'}`,
        entry.observedAt ? `seen ${age(now - Date.parse(entry.observedAt))} ago` : 'never seen',
      ];
    });
    const head = ['BALANCER', 'ORIGIN', 'STATE', 'LOAD', 'BINDING QUOTA', 'PLACED', 'OBSERVED'];
    const paint = (cell: string, column: number, row: number) => {
      if (row === 0) return colors.dim(cell);
      const entry = here[row - 1];
      return column === 3 && entry ? paintFor(entry.load, colors)(cell) : cell;
    };
    return [...(index > 0 ? [''] : []), colors.bold(place), ...columns([head, ...rows], paint)];
  });
}

const placeOf = ({ account, region, scheme }: BalancerEntry) => `${account} ${region} ${scheme}`;

/** The state in the ledger, and that in AWS where it says something else. */
function stateWords({ state, load, idleSince }: BalancerEntry): string {
  const seen = load.state === state || state === 'retired' ? '' : ` (AWS: ${load.state})`;
  return `${state}${seen}${idleSince && state === 'active' ? ', idle' : ''}`;
}

function paintFor(load: CandidateLoad, colors: Colors): (text: string) => string {
  const { used, limit } = bindingQuota(load);
  if (!load.hasRoom || used >= limit) return colors.red;
  return used * 10 >= limit * 8 ? colors.yellow : colors.green;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** Import blocks for Terraform 1.5 and later, one for each autocreated balancer that exists. */
export function importBlocks(entries: readonly BalancerEntry[]): string[] {
  return entries.flatMap(({ origin, state, name, arn, load }) => {
    if (origin !== 'autocreated' || state === 'retired' || arn === undefined || load.state === 'absent') return [];
    // A resource name begins with a letter or an underscore.
    const resource = name.replace(/-/g, '_').replace(/^(?=\d)/, '_');
    return ['import {', `  to = aws_lb.${resource}`, `  id = "${arn}"`, '}'];
  });
}

export function driftLines({ checked, drift }: DriftReport, colors: Colors): string[] {
  if (checked.length === 0) return ['Nothing was compared yet: "groundwork balancers retire" does it now.'];
  const compared = checked.map(({ source, at }) => colors.dim(`compared ${source} at ${at}`));
  if (drift.length === 0) return [colors.green('AWS, DNS and the cluster are as the ledger says.'), ...compared];
  const found = drift.map(
    ({ kind, subject, message, since }) => `${colors.yellow(kind)} ${subject} ${message} (since ${since})`,
  );
  return [...found, ...compared];
}

export function retirementLines(result: RetirementResult, colors: Colors): string[] {
  const { retired, kept, released, drift, troubles } = result;
  return [
    ...retired.map((name) => colors.green(`retired ${name}`)),
    ...released.map((what) => `undone: ${what}`),
    ...kept.map(({ balancer, reason }) => `kept ${balancer}: ${reason}`),
    ...troubles.map(({ what, message }) => colors.red(`trouble with ${what}: ${message}`)),
    retired.length + released.length + kept.length + troubles.length === 0 ? 'Nothing was due.' : 'Done.',
    ...(drift > 0 ? [colors.yellow(`drift: ${drift}, see "groundwork balancers drift"`)] : []),
  ];
}
