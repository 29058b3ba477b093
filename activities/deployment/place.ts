import { workflowIds } from '../../contract/names.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { capacityProblem, othersLoad, peakLoad } from '../../domain/deployment/capacity.ts';
import { chooseBalancer } from '../../domain/deployment/drift.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import { differencesOf } from '../../domain/deployment/same-scope.ts';
import type { RouteShape } from '../../domain/deployment/shape.ts';
import { effectiveLoad } from '../../domain/scope/placement.ts';
import { readListeners, readRules } from '../aws/routing.ts';
import { invalidInput, notYet, permanent } from '../failures.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { poolFacts } from '../scope/ledger/candidates.ts';
import { isOpen } from '../scope/ledger/holding.ts';
import { observePool } from '../scope/observation.ts';
import { type Alias, findAliases, followingAliases } from './aliases.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { type Placement, type PlaceScopeInput, placeInLedger, plannedBalancer, readLivePlacement } from './ledger.ts';
import { balancerNamed, kinds, type Live, ofScope } from './objects.ts';

/** Where a scope stands: its place in the ledger, its balancer, and whether that has room (specs: deployment, section 6). */

/** Who asks where a scope stands. */
export interface Inquiry {
  request: DeploymentRequest;
  /** Absent: a dry run. */
  run: string | undefined;
  /** Whether something leads traffic to the scope in the request's namespace. */
  isRouted: boolean;
}

/** The live placement, which must be of this scope and not in the making; undefined: the ledger does not know it. */
async function readPlacement(
  deps: DeploymentDependencies,
  { request: { scopeId, scope }, run, isRouted }: Inquiry,
): Promise<Placement | undefined> {
  const placement = await atRest(deps, scopeId, await readLivePlacement(deps, scopeId), run);
  if (!placement) return undefined;
  if (!('balancer' in placement)) {
    const message = `scope ${scopeId} is held by ${placement.holder}: wait until that run has ended, or end it`;
    throw permanent('ScopeBusy', message, { holder: placement.holder });
  }
  const problems = differencesOf(scope, placement, isRouted);
  if (problems.length > 0) throw invalidInput(problems);
  return placement;
}

/** Without a holder that holds no more: this run, whose attempt was lost while it placed the scope, or a run that is closed. */
async function atRest(
  { temporal }: DeploymentDependencies,
  scopeId: string,
  placement: Awaited<ReturnType<typeof readLivePlacement>>,
  run: string | undefined,
): Promise<typeof placement> {
  const holder = placement?.holder;
  if (!placement || !holder || (holder !== run && (await isOpen(temporal, holder)))) return placement;
  // What a rollout has reserved is no unfinished creation: it is placed once more, and keeps its place.
  const ofRollout = holder.startsWith(`${workflowIds.deployment(scopeId)}@`);
  if (!('balancer' in placement) || (placement.state === 'reserved' && ofRollout)) return undefined;
  return { ...placement, holder: null };
}

function requireDomain({ domain }: Placement, { scope }: DeploymentRequest): void {
  if (domain === scope.domain) return;
  throw invalidInput([{ path: 'hosts.domain', message: `the scope's domain is ${domain}, not ${scope.domain}` }]);
}

const ledgerSide = ({ balancer, state, holder }: Placement) => ({
  balancer,
  state,
  ...(holder === null ? {} : { holder }),
});

/** With external DNS the ledger only says that the scope is at rest, and whose its hosts are. AWS is not asked. */
export async function settleInLedger(deps: DeploymentDependencies, inquiry: Inquiry): Promise<Warning[]> {
  const { request, run } = inquiry;
  const { scopeId, scope } = request;
  const placement = await readPlacement(deps, inquiry);
  const choice = chooseBalancer(scopeId, { ...(placement ? { ledger: ledgerSide(placement) } : {}), aliases: [] });
  if (choice.kind === 'refused')
    throw permanent(choice.failure.type as 'ScopeNotReady', choice.failure.message, choice.failure.details);
  if (placement) requireDomain(placement, request);
  const hosts = [...new Set([...(placement?.hosts ?? []), ...scope.hosts])];
  if (run !== undefined && hosts.length !== placement?.hosts.length)
    await placeInLedger(deps, {
      scope: { ...scope, hosts },
      pool: { account: '', region: scope.region, scheme: scope.scheme },
      run,
      maxAgeSeconds: 0,
    });
  return choice.warnings;
}

export interface Choice {
  balancer: string;
  /** The scope's records that follow. */
  aliases: Alias[];
  /** What the ledger lacks, or has otherwise. */
  placing?: Pick<PlaceScopeInput, 'scope' | 'known'>;
  warnings: Warning[];
}

/** Which balancer: ledger, Ingress and alias must agree, or `adopt` says which one wins. Reads only. */
export async function findBalancer(deps: DeploymentDependencies, inquiry: Inquiry, pool: PoolKey): Promise<Choice> {
  const { request } = inquiry;
  const { scopeId, scope } = request;
  const placement = await readPlacement(deps, inquiry);
  const ingress = balancerNamed(await ofScope<Live>(deps.kubernetes, kinds.ingress, scope.namespace, scopeId));
  const found = await findAliases(deps, request, pool);
  const choice = chooseBalancer(
    scopeId,
    {
      ...(placement ? { ledger: ledgerSide(placement) } : {}),
      ...(ingress === undefined ? {} : { ingress }),
      aliases: found.flatMap(({ balancer }) => balancer ?? []),
    },
    request.adopt,
  );
  if (choice.kind === 'refused')
    throw permanent(choice.failure.type as 'BalancerDrift', choice.failure.message, choice.failure.details);
  if (placement) requireDomain(placement, request);
  const hosts = [...new Set([...(placement?.hosts ?? []), ...scope.hosts])];
  const placing = { scope: { ...scope, hosts } };
  if (choice.kind === 'place') {
    const balancer = await plannedBalancer(deps, scope, pool);
    return { balancer, aliases: [], placing, warnings: choice.warnings };
  }
  const { balancer, follow } = choice;
  const moves = follow.includes('ledger');
  const elsewhere = follow.includes('alias') ? found.filter((alias) => alias.balancer !== balancer) : [];
  const { aliases, warnings } = await followingAliases(deps, request, elsewhere);
  const known = { balancer, reason: `scope ${scopeId} is on balancer ${balancer} already`, moves };
  const isKnown = hosts.length === placement?.hosts.length && !moves;
  return {
    balancer,
    aliases,
    ...(isKnown ? {} : { placing: { ...placing, known } }),
    warnings: [...choice.warnings, ...warnings],
  };
}

/** The ledger learns what it lacks. Another balancer than the one that was judged is judged in the next attempt. */
export async function settleOn(
  deps: DeploymentDependencies,
  { balancer, placing }: Choice,
  pool: PoolKey,
  run: string,
): Promise<void> {
  if (!placing) return;
  const maxAgeSeconds = deps.settings.scope.timings.observationMaxAge;
  const placed = await placeInLedger(deps, { ...placing, pool, run, maxAgeSeconds });
  if (placed !== balancer) throw notYet(`the last room on balancer ${balancer} was taken: ${placed} is looked at`, 0.2);
}

/** Whether the balancer exists, is of the request's scheme, and has room for the height of the rollout. */
export async function judgeRoom(
  deps: DeploymentDependencies,
  request: DeploymentRequest,
  pool: PoolKey,
  name: string,
  shape: RouteShape,
) {
  const { scope, scopeId } = request;
  const { thresholds } = scope;
  const maxAgeSeconds = deps.settings.scope.timings.observationMaxAge;
  const reader = `${scopeId}/rollout`;
  const { unreadable } = await observePool(asScope(deps), {
    pool,
    names: [name],
    withCertificates: false,
    reader,
    maxAgeSeconds,
  });
  const error = unreadable[name];
  if (error !== undefined) throw notYet(`balancer ${name} cannot be read: ${error}`, request.timings.pollInterval);
  const facts = await poolFacts(deps.database, {
    pool,
    declared: [name],
    withAutocreated: false,
    maxAgeSeconds: maxAgeSeconds + 1,
    withCertificates: false,
    unreadable,
  });
  if (facts === 'region-stale' || facts.stale.length > 0) throw notYet(`balancer ${name} was not observed yet`, 0.2);
  const [candidate] = facts.candidates;
  if (candidate?.observation.kind !== 'seen') {
    const message = `balancer ${name} of scope ${scopeId} does not exist in ${pool.region}: restore it (repeat the scope's creation), then deploy`;
    throw permanent('BalancerMissing', message, { balancer: name });
  }
  const { arn, scheme } = candidate.observation;
  if (scheme !== pool.scheme) {
    const message = `${scope.visibility} is ${pool.scheme}, but balancer ${name} of scope ${scopeId} is ${scheme}: an Ingress of another scheme would block all its scopes`;
    throw invalidInput([{ path: 'scope.visibility', message }]);
  }
  const policy = { scheme: pool.scheme, thresholds, autocreateEnabled: false, baseDomain: scope.suffix.base };
  const load = effectiveLoad(candidate, { scopeId, hosts: scope.hosts }, facts.placements, policy);
  const here = await readOwn(deps, request, arn, shape);
  const others = othersLoad(load, here.own);
  const peak = peakLoad(shape, here.taken);
  const problem = capacityProblem(name, others, peak, thresholds, here.own.rules);
  if (problem) throw permanent(problem.type as 'NoCapacity', problem.message, problem.details);
  return { name, arn, load: { ...load, ...others }, peak };
}

/** What the scope has on the balancer already, and the ports on which others listen. */
async function readOwn(deps: DeploymentDependencies, { scope }: DeploymentRequest, arn: string, shape: RouteShape) {
  const hosts = new Set(scope.hosts);
  const additional = new Set(shape.ports.filter((port) => port.additional).map(({ listener }) => listener));
  const groups = new Set<string>();
  const own = { rules: 0, targetGroups: 0, listeners: 0 };
  const taken: number[] = [];
  for (const listener of await readListeners(deps.aws, scope.region, arn)) {
    const rules = await readRules(deps.aws, scope.region, listener.arn);
    const mine = rules.filter((rule) => rule.hosts.some((host) => hosts.has(host)));
    own.rules += mine.length;
    for (const { forward } of mine) for (const { targetGroupArn } of forward ?? []) groups.add(targetGroupArn);
    if (!additional.has(listener.port)) continue;
    if (rules.length > mine.length || mine.length === 0) taken.push(listener.port);
    else own.listeners += 1;
  }
  return { own: { ...own, targetGroups: groups.size }, taken };
}
