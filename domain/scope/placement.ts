import type { BalancerOrigin, CandidateLoad, Warning } from '../../contract/scope/status.ts';
import { isWithin, parentDomain } from './hosts.ts';
import type { ScopeRequest, Thresholds } from './request.ts';

/** Which balancer a scope goes to (specs: scope creation, section 6). Pure: same facts, same answer. */

/** What AWS shows of one balancer. Only a complete reading makes one. */
export interface SeenBalancer {
  kind: 'seen';
  state: 'provisioning' | 'active' | 'active_impaired' | 'failed';
  scheme: string;
  arn: string;
  dnsName?: string;
  canonicalHostedZoneId?: string;
  /** Non-default rules over all listeners. */
  rules: number;
  /** Hosts of those rules, normalised. */
  hosts: string[];
  targetGroups: number;
  listeners: { port: number; protocol: string }[];
  /** Certificates on HTTPS listeners; absent when they were not read. */
  certificates?: number;
}

/** `absent` is a fact (a complete list without the name); `unreadable` is a failure to read. */
export type Observation = SeenBalancer | { kind: 'absent' } | { kind: 'unreadable'; error: string };

export interface Candidate {
  name: string;
  origin: BalancerOrigin;
  /**
   * State in the ledger: an autocreated balancer that is `reserved` or `provisioning` may not be visible yet; nobody is placed
   * on one that is `failed`, `retiring` or `retired`, whatever AWS still shows.
   */
  ledgerState: 'reserved' | 'provisioning' | 'active' | 'failed' | 'retiring' | 'retired';
  /** Host of the keeper's rule; only autocreated balancers have one. */
  keeperHost?: string;
  observation: Observation;
}

/** A live placement: reserved or bound. */
export interface LivePlacement {
  scopeId: string;
  balancer: string;
  hosts: readonly string[];
}

export interface PlacementPolicy {
  /** Scheme of the pool: a balancer of the other one is no candidate. */
  scheme: string;
  thresholds: Thresholds;
  autocreateEnabled: boolean;
  /** Base domain that certificates of the pool already cover. Empty: every host is judged. */
  baseDomain: string;
}

export interface Subject {
  scopeId: string;
  hosts: readonly string[];
}

export type PlacementDecision =
  | { kind: 'placed'; balancer: string; candidates: CandidateLoad[]; reason: string; warnings: Warning[] }
  | { kind: 'create'; candidates: CandidateLoad[]; reason: string; warnings: Warning[] }
  | { kind: 'unreadable'; balancers: string[]; candidates: CandidateLoad[]; error: string; warnings: Warning[] }
  | { kind: 'no-capacity'; candidates: CandidateLoad[]; reason: string; hints: string[]; warnings: Warning[] }
  | { kind: 'missing'; candidates: CandidateLoad[]; reason: string; warnings: Warning[] };

/** Room that a rollout of the new scope needs: blue and green. */
const ROLLOUT_TARGET_GROUPS = 2;

/** Listeners of an autocreated balancer that is not visible yet: 80 and 443. */
const KEEPER_LISTENERS = 2;

/** Candidates in order of preference: base, additional, then autocreated ones, oldest first. */
export function placeScope(
  subject: Subject,
  candidates: readonly Candidate[],
  placements: readonly LivePlacement[],
  policy: PlacementPolicy,
): PlacementDecision {
  const loads = candidates.map((candidate) => effectiveLoad(candidate, subject, placements, policy));
  const warnings = candidates.flatMap((candidate) => candidateWarning(candidate, policy) ?? []);

  const withRoom = loads.filter((load) => load.hasRoom);
  const best = withRoom.reduce<CandidateLoad | undefined>(
    (least, load) => (least && compareFill(load, least) >= 0 ? least : load),
    undefined,
  );
  const unreadable = candidates.filter((candidate) => candidate.observation.kind === 'unreadable');
  if (best)
    return { kind: 'placed', balancer: best.name, candidates: loads, reason: choiceReason(best, loads), warnings };
  if (unreadable.length > 0) {
    const [first] = unreadable;
    const error = first?.observation.kind === 'unreadable' ? first.observation.error : '';
    return { kind: 'unreadable', balancers: unreadable.map(({ name }) => name), candidates: loads, error, warnings };
  }
  if (policy.autocreateEnabled) {
    return {
      kind: 'create',
      candidates: loads,
      reason: `no balancer of the pool has room: ${describeLoads(loads)}`,
      warnings,
    };
  }
  if (loads.every((load) => load.state === 'absent')) {
    const names = loads.map(({ name }) => name).join(', ');
    return { kind: 'missing', candidates: loads, reason: `none of the declared balancers exists: ${names}`, warnings };
  }
  return {
    kind: 'no-capacity',
    candidates: loads,
    reason: `no balancer of the pool has room: ${describeLoads(loads)}`,
    hints: capacityHints(policy),
    warnings,
  };
}

/** Load of one candidate as the new scope would meet it; its own placement does not count. */
export function effectiveLoad(
  candidate: Candidate,
  subject: Subject,
  placements: readonly LivePlacement[],
  policy: PlacementPolicy,
): CandidateLoad {
  const { observation, name, origin } = candidate;
  const { thresholds } = policy;
  const live = placements.filter(({ balancer, scopeId }) => balancer === name && scopeId !== subject.scopeId);
  const pendingAutocreated =
    origin === 'autocreated' && (candidate.ledgerState === 'reserved' || candidate.ledgerState === 'provisioning');
  const seen = observation.kind === 'seen' ? observation : undefined;
  const visible = new Set(seen?.hosts);

  const { keeperHost } = candidate;
  const keeperUnseen = origin === 'autocreated' && keeperHost !== undefined && !visible.has(keeperHost) ? 1 : 0;
  const rules =
    (seen?.rules ?? 0) + sum(live.map(({ hosts }) => hosts.filter((host) => !visible.has(host)).length)) + keeperUnseen;
  const targetGroups =
    (seen?.targetGroups ?? 0) + live.filter(({ hosts }) => !hosts.some((host) => visible.has(host))).length;
  const listeners = Math.max(seen?.listeners.length ?? 0, pendingAutocreated && !seen ? KEEPER_LISTENERS : 0);
  const certificates = certificateLoad(seen, subject, live, visible, policy.baseDomain);

  const crossed: string[] = [];
  const needRules = subject.hosts.filter((host) => !visible.has(host)).length;
  if (rules + needRules > thresholds.rules) crossed.push(`rules ${rules}/${thresholds.rules}`);
  if (targetGroups + ROLLOUT_TARGET_GROUPS > thresholds.targetGroups)
    crossed.push(`target groups ${targetGroups}/${thresholds.targetGroups}`);
  if (listeners >= thresholds.listeners) crossed.push(`listeners ${listeners}/${thresholds.listeners}`);
  if (certificates && certificates.used + certificates.needed > thresholds.certificates) {
    crossed.push(`certificates ${certificates.used}/${thresholds.certificates}`);
  }
  const reason = unusableReason(candidate, policy) ?? (crossed.length > 0 ? `full: ${crossed.join(', ')}` : undefined);
  return {
    name,
    origin,
    state:
      seen?.state ??
      (observation.kind === 'unreadable' ? 'unreadable' : pendingAutocreated ? 'provisioning' : 'absent'),
    rules,
    maxRules: thresholds.rules,
    targetGroups,
    maxTargetGroups: thresholds.targetGroups,
    listeners,
    maxListeners: thresholds.listeners,
    ...(certificates ? { certificates: certificates.used, maxCertificates: thresholds.certificates } : {}),
    hasRoom: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Certificates are judged only when the new scope brings hosts outside the base domain; each parent domain costs one. */
function certificateLoad(
  seen: SeenBalancer | undefined,
  subject: Subject,
  live: readonly LivePlacement[],
  visible: ReadonlySet<string>,
  baseDomain: string,
): { used: number; needed: number } | undefined {
  const parents = (hosts: readonly string[]) =>
    hosts.filter((host) => baseDomain === '' || !isWithin(host, baseDomain)).map(parentDomain);
  const wanted = new Set(parents(subject.hosts.filter((host) => !visible.has(host))));
  if (parents(subject.hosts).length === 0) return undefined;
  const unseen = new Set(live.flatMap(({ hosts }) => parents(hosts.filter((host) => !visible.has(host)))));
  const needed = [...wanted].filter((parent) => !unseen.has(parent)).length;
  return { used: (seen?.certificates ?? 0) + unseen.size, needed };
}

function unusableReason(candidate: Candidate, policy: PlacementPolicy): string | undefined {
  const { observation, origin, ledgerState } = candidate;
  if (isLeaving(ledgerState)) return `${ledgerState} in the ledger`;
  if (observation.kind === 'unreadable') return `cannot be read: ${observation.error}`;
  if (observation.kind === 'absent') {
    if (origin === 'declared') return 'declared but absent in AWS';
    return ledgerState === 'active' ? 'active in the ledger but absent in AWS' : undefined;
  }
  if (observation.scheme !== policy.scheme) return `is ${observation.scheme}, the scope needs ${policy.scheme}`;
  return observation.state === 'failed' ? 'in state failed' : undefined;
}

/** Whether nobody may be placed there any more. */
export function isLeaving(ledgerState: Candidate['ledgerState']): boolean {
  return ledgerState === 'failed' || ledgerState === 'retiring' || ledgerState === 'retired';
}

/** Whether the domain is in its rules already: then the scope is no further load. */
export function bears({ ledgerState, observation }: Candidate, { domain }: Pick<ScopeRequest, 'domain'>): boolean {
  return !isLeaving(ledgerState) && observation.kind === 'seen' && observation.hosts.includes(domain);
}

function candidateWarning(candidate: Candidate, policy: PlacementPolicy): Warning | undefined {
  const { name, observation, origin, ledgerState } = candidate;
  switch (observation.kind) {
    case 'unreadable':
      return { code: 'BalancerSkippedUnreadable', message: `balancer ${name} could not be read: ${observation.error}` };
    case 'absent':
      if (origin === 'autocreated' && ledgerState !== 'active') return undefined;
      return {
        code: 'BalancerSkippedMissing',
        message: `balancer ${name} (${origin}) does not exist in AWS and was skipped`,
      };
    case 'seen':
      if (observation.scheme !== policy.scheme)
        return {
          code: 'BalancerSkippedScheme',
          message: `balancer ${name} is ${observation.scheme}, not ${policy.scheme}, and was skipped`,
        };
      if (observation.state === 'failed')
        return { code: 'BalancerSkippedFailed', message: `balancer ${name} is in state failed and was skipped` };
      if (observation.state === 'active_impaired')
        return { code: 'BalancerImpaired', message: `balancer ${name} is active_impaired: it routes but cannot scale` };
      if (origin === 'declared' && observation.listeners.length === 0) {
        return { code: 'BalancerWithoutListeners', message: `balancer ${name} has no listeners yet` };
      }
      return undefined;
  }
}

/** Compares max(rules/maxRules, targetGroups/maxTargetGroups) of two loads exactly, by cross multiplication. */
function compareFill(a: CandidateLoad, b: CandidateLoad): number {
  const [an, ad] = fillFraction(a);
  const [bn, bd] = fillFraction(b);
  return an * bd - bn * ad;
}

function fillFraction(load: CandidateLoad): [number, number] {
  const rulesBind = load.rules * load.maxTargetGroups >= load.targetGroups * load.maxRules;
  return rulesBind ? [load.rules, load.maxRules] : [load.targetGroups, load.maxTargetGroups];
}

function choiceReason(best: CandidateLoad, loads: readonly CandidateLoad[]): string {
  const base = loads[0];
  if (loads.length === 1) return `${best.name} is the only balancer of the pool and has room (${shortLoad(best)})`;
  const against = base && base !== best ? `; base ${base.name}: ${base.reason ?? shortLoad(base)}` : '';
  return `${best.name} has the least load of ${loads.length} candidates (${shortLoad(best)})${against}`;
}

function shortLoad(load: CandidateLoad): string {
  return `rules ${load.rules}/${load.maxRules}, target groups ${load.targetGroups}/${load.maxTargetGroups}`;
}

/** One line with the load of every candidate against each threshold. */
export function describeLoads(loads: readonly CandidateLoad[]): string {
  return loads
    .map(
      (load) => `${load.name} ${load.reason && !load.reason.startsWith('full') ? `(${load.reason})` : shortLoad(load)}`,
    )
    .join('; ');
}

function capacityHints(policy: PlacementPolicy): string[] {
  return [
    'add a balancer to the additional list',
    ...(policy.autocreateEnabled ? [] : ['enable autocreate (autocreateEnabled)']),
    'raise albMaxCapacity together with the AWS quota of rules per balancer; the quota of target groups cannot be raised',
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
