import type { HostRouting } from '../../contract/deployment/status.ts';
import { sayWeights } from './checklist.ts';
import { percentages } from './expected.ts';

/** Whether the balancer does what it was told (specs: deployment, section 10). Every rule of every listener counts. */

/** A target group in the forward action of a rule. `service` from its tag; absent: not a known Service of the scope. */
export interface ForwardedGroup {
  arn: string;
  service?: string;
  /** Absent: 1. */
  weight?: number;
}

/** One non-default rule of a listener of the scope. */
export interface ObservedRule {
  port: number;
  /** Values of its host-header condition. */
  hosts: string[];
  /** Empty: the rule does not forward. */
  groups: ForwardedGroup[];
}

export interface RuleVerdict {
  converged: boolean;
  /** What each host gets on each listener; of rules that disagree the first that differs. */
  actual: HostRouting[];
  /** One line per host and listener that differs. */
  differences: string[];
}

/**
 * Compares what every host must get with all rules that hold it. Weights count as shares, so that 1 and 3 are 25 % and 75 %;
 * swapped sides never pass. An expectation without weights means that no rule may have the host.
 */
export function compareRules(expected: readonly HostRouting[], rules: readonly ObservedRule[]): RuleVerdict {
  const findings = expected.map((wanted) => compareHost(wanted, rules));
  const differences = findings.flatMap(({ difference }) => (difference === undefined ? [] : [difference]));
  return { converged: differences.length === 0, actual: findings.map(({ actual }) => actual), differences };
}

function compareHost(
  wanted: HostRouting,
  rules: readonly ObservedRule[],
): { actual: HostRouting; difference?: string } {
  const { host, port } = wanted;
  const own = rules.filter((rule) => rule.port === port && rule.hosts.some((name) => sameHost(name, host)));
  const none = { host, port, weights: {} };
  const expectsNone = Object.keys(wanted.weights).length === 0;
  const line = (actual: string) => `${port} ${host}: expected ${sayWeights(wanted)}, actual ${actual}`;
  const [first] = own;
  if (!first) return expectsNone ? { actual: none } : { actual: none, difference: line('no rule') };
  const wrong = expectsNone ? first : own.find((rule) => !agrees(wanted, rule));
  const actual = { host, port, weights: sharesOf(wrong ?? first) };
  return wrong ? { actual, difference: line(sayRule(wrong)) } : { actual };
}

function agrees({ weights }: HostRouting, { groups }: ObservedRule): boolean {
  const names = Object.keys(weights);
  if (groups.length !== names.length || groups.some(({ service }) => service === undefined)) return false;
  const shares = sharesOf({ groups });
  // A single backend has one target group whatever its weight.
  if (names.length === 1) return shares[names[0] ?? ''] !== undefined;
  return names.every((name) => shares[name] === weights[name]);
}

function sharesOf({ groups }: Pick<ObservedRule, 'groups'>): Record<string, number> {
  return percentages(groups.map(({ arn, service, weight }) => [service ?? arn, weight ?? 1]));
}

function sayRule(rule: ObservedRule): string {
  if (rule.groups.length === 0) return 'a rule that does not forward';
  const unknown = rule.groups.find(({ service }) => service === undefined);
  const words = sayWeights({ weights: sharesOf(rule) });
  return unknown ? `${words} (target group ${unknown.arn} has no known tag)` : words;
}

function sameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The target groups of rules, each once with its highest weight; without those of unknown Services. */
export function groupsOf(rules: readonly ObservedRule[]): { arn: string; service: string; weight: number }[] {
  const groups = rules.flatMap((rule) => rule.groups);
  const byArn = new Map<string, { arn: string; service: string; weight: number }>();
  for (const { arn, service, weight = 1 } of groups) {
    if (service === undefined) continue;
    const known = byArn.get(arn);
    byArn.set(arn, { arn, service, weight: Math.max(weight, known?.weight ?? 0) });
  }
  return [...byArn.values()];
}

/** The Service of a target group by its tag `<namespace>/<ingress>-<service>:<port>`; undefined when it is not of `ingresses`. */
export function serviceOfTag(
  tag: string | undefined,
  namespace: string,
  ingresses: readonly string[],
): string | undefined {
  const match = /^(.*):[^:]+$/.exec(tag ?? '');
  for (const ingress of ingresses) {
    const prefix = `${namespace}/${ingress}-`;
    if (match?.[1]?.startsWith(prefix)) return match[1].slice(prefix.length);
  }
  return undefined;
}
