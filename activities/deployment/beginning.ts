import type { CandidateLoad, Warning } from '../../contract/scope/status.ts';
import { capacityProblem, othersLoad, peakLoad } from '../../domain/deployment/capacity.ts';
import { chooseBalancer } from '../../domain/deployment/drift.ts';
import type { FoundIngress } from '../../domain/deployment/expected.ts';
import { deploymentIdsOf } from '../../domain/deployment/removal.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import type { RouteShape } from '../../domain/deployment/shape.ts';
import { withConfigMap } from '../../domain/deployment/sidecar.ts';
import { judgeStart, type Start } from '../../domain/deployment/start.ts';
import { balancerDnsName } from '../../domain/scope/hosts.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import { effectiveLoad } from '../../domain/scope/placement.ts';
import { foundRecord, readRecords } from '../aws/records.ts';
import { readListeners, readRules } from '../aws/routing.ts';
import { invalidInput, notYet, permanent } from '../failures.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { poolFacts } from '../scope/ledger/candidates.ts';
import { observePool, observeRegion } from '../scope/observation.ts';
import type { Beginning } from './course.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { placeInLedger, readLivePlacement } from './ledger.ts';
import { kinds, type Live, ofScope, refOf, wire } from './objects.ts';
import { keepOriginals, original } from './originals.ts';
import { sideObjectsOf } from './removal.ts';
import { routeKind } from './routing.ts';

/** Everything a rollout looks at before it changes anything (specs: deployment, sections 1 and 6). */

export interface BeginInput {
  request: DeploymentRequest;
  run: string;
}

export interface Prospect {
  start: Extract<Start, { ok: true }>;
  request: DeploymentRequest;
  balancer?: { name: string; arn: string };
  load?: CandidateLoad;
  peak?: { targetGroups: number; listeners: number; rules: number };
  warnings: Warning[];
}

/**
 * Judges the start and keeps the Ingresses as they are. Changes the ledger only, and nothing when it refuses. Twice is
 * harmless: the placement stays, and an unfinished rollout keeps the originals that it recorded first.
 */
export async function beginRollout(deps: DeploymentDependencies, { request, run }: BeginInput): Promise<Beginning> {
  const { start, balancer, warnings, request: complete } = await prospect(deps, request, run);
  const { scopeId, scope, deploymentId } = complete;
  const kind = routeKind({ request: complete });
  const live = await ofScope<Live>(deps.kubernetes, kind, scope.namespace, scopeId);
  const originals = live.map((object) => original(kind, object));
  await keepOriginals(deps.database, { scopeId, deploymentId }, run, originals);
  return {
    course: { request: complete, run, ...(balancer ? { balancer } : {}), shape: start.shape },
    plan: start.plan,
    state: start.state,
    warnings,
  };
}

/** What a rollout would meet; with `run` the ledger learns what it lacks, without it nothing is written. */
export async function prospect(
  deps: DeploymentDependencies,
  given: DeploymentRequest,
  run?: string,
): Promise<Prospect> {
  const request = await withSidecar(deps, given);
  const start = judgeStart(request, await findScope(deps, request));
  if (!start.ok) throw permanent(start.failure.type as 'BlueMissing', start.failure.message, start.failure.details);
  if (request.scope.dnsType === 'external_dns') return { start, request, warnings: [] };

  const account = await deps.aws.account();
  const pool: PoolKey = { account, region: request.scope.region, scheme: request.scope.scheme };
  const chosen = await findBalancer(deps, request, pool, run);
  const { name, arn, load, peak } = await judgeRoom(deps, request, pool, chosen.balancer, start.shape);
  return { start, request, balancer: { name, arn }, load, peak, warnings: chosen.warnings };
}

async function withSidecar(deps: DeploymentDependencies, request: DeploymentRequest): Promise<DeploymentRequest> {
  const { sidecar, scope } = request;
  if (!sidecar?.configMap) return request;
  const ref = refOf({ apiVersion: 'v1', kind: 'ConfigMap' }, scope.namespace, sidecar.configMap);
  const live = (await deps.kubernetes.read(ref)) as (Live & { data?: Record<string, string> }) | undefined;
  const reading = withConfigMap(sidecar, live ? (live.data ?? {}) : undefined);
  if (!reading.ok) throw invalidInput(reading.problems);
  return { ...request, sidecar: reading.sidecar };
}

async function findScope(deps: DeploymentDependencies, request: DeploymentRequest) {
  const { scopeId, scope } = request;
  const { kubernetes } = deps;
  const list = (kind: Parameters<typeof ofScope>[1]) => ofScope<Live>(kubernetes, kind, scope.namespace, scopeId);
  const [routes, services, deployments, autoscalers, sides] = await Promise.all([
    list(routeKind({ request })),
    list(kinds.service),
    list(kinds.deployment),
    list(kinds.autoscaler),
    sideObjectsOf(kubernetes, scope.namespace, scopeId),
  ]);
  const minimum = (name: string) => {
    const autoscaler = autoscalers.find(({ metadata }) => metadata?.name === `hpa-${name}`);
    return typeof autoscaler?.spec?.minReplicas === 'number' ? autoscaler.spec.minReplicas : undefined;
  };
  return {
    ingresses: routes.map((route) => wire<FoundIngress>(route)),
    services: services.map(({ metadata, spec }) => ({
      name: metadata?.name ?? '',
      port: (spec?.ports as { port: number }[] | undefined)?.[0]?.port ?? 0,
    })),
    deployments: deployments.map(({ metadata, spec }) => {
      const name = metadata?.name ?? '';
      return { name, count: minimum(name) ?? (typeof spec?.replicas === 'number' ? spec.replicas : 1) };
    }),
    deploymentIds: deploymentIdsOf(scopeId, sides),
  };
}

/** Which balancer: ledger, Ingress and alias must agree, or `adopt` says which one wins. */
async function findBalancer(
  deps: DeploymentDependencies,
  request: DeploymentRequest,
  pool: PoolKey,
  run: string | undefined,
): Promise<{ balancer: string; warnings: Warning[] }> {
  const { scopeId, scope } = request;
  const placement = await readLivePlacement(deps, scopeId);
  if (placement && !('balancer' in placement)) {
    const message = `scope ${scopeId} is held by ${placement.holder}: wait until that run has ended, or end it`;
    throw permanent('ScopeBusy', message, { holder: placement.holder });
  }
  const ingresses = await ofScope<Live>(deps.kubernetes, kinds.ingress, scope.namespace, scopeId);
  const [ingress] = ingresses.flatMap(({ metadata }) => metadata?.annotations?.[`${ALB}/load-balancer-name`] ?? []);
  const choice = chooseBalancer(
    scopeId,
    {
      ...(placement
        ? {
            ledger: {
              balancer: placement.balancer,
              state: placement.state,
              ...(placement.holder === null ? {} : { holder: placement.holder }),
            },
          }
        : {}),
      ...(ingress === undefined ? {} : { ingress }),
      aliases: await aliasesOf(deps, request, pool),
    },
    request.adopt,
  );
  if (choice.kind === 'refused')
    throw permanent(choice.failure.type as 'BalancerDrift', choice.failure.message, choice.failure.details);
  const { warnings } = choice;
  if (placement && placement.domain !== scope.domain) {
    const message = `the scope's domain is ${placement.domain}, not ${scope.domain}`;
    throw invalidInput([{ path: 'hosts.domain', message }]);
  }
  const missing = scope.hosts.filter((host) => !placement?.hosts.includes(host));
  const known = choice.kind === 'use' && !choice.adopted && missing.length === 0;
  if (known && !choice.follow.includes('ledger')) return { balancer: choice.balancer, warnings };
  if (run === undefined)
    return { balancer: choice.kind === 'use' ? choice.balancer : (scope.declared[0] ?? ''), warnings };
  const balancer = await placeInLedger(deps, {
    scope: placement ? { ...scope, hosts: [...new Set([...placement.hosts, ...scope.hosts])] } : scope,
    pool,
    run,
    ...(choice.kind === 'use'
      ? { known: { balancer: choice.balancer, reason: `scope ${scopeId} is on balancer ${choice.balancer} already` } }
      : {}),
    maxAgeSeconds: deps.settings.scope.timings.observationMaxAge,
  });
  return { balancer, warnings };
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

/** Whether the balancer exists and has room for the height of the rollout. */
async function judgeRoom(
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
  const { arn } = candidate.observation;
  const policy = { scheme: pool.scheme, thresholds, autocreateEnabled: false, baseDomain: '*' };
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
