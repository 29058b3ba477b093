import { ApplicationFailure } from '@temporalio/common';
import { workflowIds } from '../../contract/names.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { capacityProblem, othersLoad, peakLoad } from '../../domain/deployment/capacity.ts';
import { chooseBalancer } from '../../domain/deployment/drift.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import type { RouteShape } from '../../domain/deployment/shape.ts';
import { balancerDnsName } from '../../domain/scope/hosts.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import { effectiveLoad } from '../../domain/scope/placement.ts';
import { foundRecord, readRecords } from '../aws/records.ts';
import { readListeners, readRules } from '../aws/routing.ts';
import { invalidInput, notYet, permanent } from '../failures.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { ensureDnsRecord } from '../scope/dns.ts';
import { poolFacts } from '../scope/ledger/candidates.ts';
import { isOpen } from '../scope/ledger/holding.ts';
import { observePool, observeRegion } from '../scope/observation.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { type Placement, placeInLedger, plannedBalancer, readLivePlacement } from './ledger.ts';
import { kinds, type Live, ofScope } from './objects.ts';

/** Where a scope stands: its place in the ledger, its balancer, and whether that has room (specs: deployment, section 6). */

/** The live placement, which must be of this scope and not in the making; undefined: the ledger does not know it. */
async function readPlacement(
  deps: DeploymentDependencies,
  { scopeId, scope }: DeploymentRequest,
  run: string | undefined,
): Promise<Placement | undefined> {
  const placement = await atRest(deps, scopeId, await readLivePlacement(deps, scopeId), run);
  if (!placement) return undefined;
  if (!('balancer' in placement)) {
    const message = `scope ${scopeId} is held by ${placement.holder}: wait until that run has ended, or end it`;
    throw permanent('ScopeBusy', message, { holder: placement.holder });
  }
  const { dnsType } = placement;
  if (dnsType !== null && dnsType !== scope.dnsType) {
    const message = `the scope was created with ${dnsType}, not ${scope.dnsType}`;
    throw invalidInput([{ path: 'scope.dnsType', message }]);
  }
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
export async function settleInLedger(
  deps: DeploymentDependencies,
  request: DeploymentRequest,
  run: string | undefined,
): Promise<Warning[]> {
  const { scopeId, scope } = request;
  const placement = await readPlacement(deps, request, run);
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

/** Which balancer: ledger, Ingress and alias must agree, or `adopt` says which one wins. */
export async function findBalancer(
  deps: DeploymentDependencies,
  request: DeploymentRequest,
  pool: PoolKey,
  run: string | undefined,
): Promise<{ balancer: string; warnings: Warning[]; aliasFollows: boolean }> {
  const { scopeId, scope } = request;
  const placement = await readPlacement(deps, request, run);
  const ingresses = await ofScope<Live>(deps.kubernetes, kinds.ingress, scope.namespace, scopeId);
  const [ingress] = ingresses.flatMap(({ metadata }) => metadata?.annotations?.[`${ALB}/load-balancer-name`] ?? []);
  const choice = chooseBalancer(
    scopeId,
    {
      ...(placement ? { ledger: ledgerSide(placement) } : {}),
      ...(ingress === undefined ? {} : { ingress }),
      aliases: await aliasesOf(deps, request, pool),
    },
    request.adopt,
  );
  if (choice.kind === 'refused')
    throw permanent(choice.failure.type as 'BalancerDrift', choice.failure.message, choice.failure.details);
  const { warnings } = choice;
  if (placement) requireDomain(placement, request);
  const missing = scope.hosts.filter((host) => !placement?.hosts.includes(host));
  const aliasFollows = choice.kind === 'use' && choice.follow.includes('alias');
  const known = choice.kind === 'use' && !choice.adopted && missing.length === 0;
  if (known && !choice.follow.includes('ledger')) return { balancer: choice.balancer, warnings, aliasFollows };
  if (run === undefined) {
    const balancer = choice.kind === 'use' ? choice.balancer : await plannedBalancer(deps, scope, pool);
    return { balancer, warnings, aliasFollows };
  }
  const balancer = await placeInLedger(deps, {
    scope: placement ? { ...scope, hosts: [...new Set([...placement.hosts, ...scope.hosts])] } : scope,
    pool,
    run,
    ...(choice.kind === 'use'
      ? { known: { balancer: choice.balancer, reason: `scope ${scopeId} is on balancer ${choice.balancer} already` } }
      : {}),
    moves: choice.kind === 'use' && choice.follow.includes('ledger'),
    maxAgeSeconds: deps.settings.scope.timings.observationMaxAge,
  });
  return { balancer, warnings, aliasFollows };
}

/** Balancers that the records of the domain lead to, one per zone that has one. */
async function aliasesOf(deps: DeploymentDependencies, request: DeploymentRequest, pool: PoolKey): Promise<string[]> {
  const { scope } = request;
  const records = [];
  for (const { id } of scope.zones)
    records.push(...(await readRecords(deps.aws, id, scope.domain)).map((record) => foundRecord(id, record)));
  if (records.length === 0) return [];
  const { value: region } = await observeRegion(asScope(deps), pool.account, pool.region, {
    maxAgeSeconds: deps.settings.scope.timings.observationMaxAge,
    reader: `${scope.scopeId}/aliases`,
  });
  return records.flatMap(({ target, type }) => {
    if (!['A', 'AAAA', 'CNAME'].includes(type)) return [];
    const found = region.balancers.find(
      ({ dnsName }) => dnsName && balancerDnsName(dnsName) === balancerDnsName(target),
    );
    return found ? [found.name] : [];
  });
}

/** Lets the scope's own records lead to the balancer that won; one that is not ours is told and left. */
export async function moveAliases(
  deps: DeploymentDependencies,
  { scopeId, scope }: DeploymentRequest,
  run: string,
  target: { dnsName: string; canonicalHostedZoneId: string },
): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const zone of scope.zones) {
    try {
      await ensureDnsRecord(asScope(deps), { scopeId, run, zone, name: scope.domain, target, knownAbsent: false });
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'DnsRecordConflict') throw error;
      warnings.push({ code: 'AliasKept', message: error.message });
    }
  }
  return warnings;
}

/** Whether the balancer exists and has room for the height of the rollout. */
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
  const { arn, dnsName = '', canonicalHostedZoneId = '' } = candidate.observation;
  const policy = { scheme: pool.scheme, thresholds, autocreateEnabled: false, baseDomain: scope.suffix.base };
  const load = effectiveLoad(candidate, { scopeId, hosts: scope.hosts }, facts.placements, policy);
  const here = await readOwn(deps, request, arn, shape);
  const others = othersLoad(load, here.own);
  const peak = peakLoad(shape, here.taken);
  const problem = capacityProblem(name, others, peak, thresholds, here.own.rules);
  if (problem) throw permanent(problem.type as 'NoCapacity', problem.message, problem.details);
  return { name, arn, load: { ...load, ...others }, peak, target: { dnsName, canonicalHostedZoneId } };
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
