import type { CandidateLoad, Warning } from '../../contract/scope/status.ts';
import { deploymentIdsOf } from '../../domain/deployment/removal.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import { withoutWayBack } from '../../domain/deployment/rollout/state.ts';
import { withConfigMap } from '../../domain/deployment/sidecar.ts';
import { type FoundScope, judgeStart, type Start } from '../../domain/deployment/start.ts';
import { invalidInput, permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { type Alias, leadAliases } from './aliases.ts';
import type { Beginning } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { isByGateway, routeKind } from './gateway.ts';
import { balancerNamed, kinds, type Live, ofScope, refOf, words } from './objects.ts';
import { endRollouts, keepOriginals, type Original, original, recordedOriginals } from './originals.ts';
import { findBalancer, judgeRoom, settleInLedger, settleOn } from './place.ts';
import { sideObjectsOf } from './removal.ts';
import { routingFound } from './sight.ts';

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
  /** The scope's records that follow to the balancer. */
  aliases: Alias[];
  warnings: Warning[];
}

/**
 * Judges the start and keeps what leads traffic to the scope, and the old version's count, as they are. Changes the ledger only, and
 * nothing when it refuses; after a run that was killed on its way back, between the Ingresses and the records, also those. Twice is
 * harmless: the placement stays, and an unfinished rollout keeps the originals that it recorded first.
 */
export async function beginRollout(deps: DeploymentDependencies, { request, run }: BeginInput): Promise<Beginning> {
  const { start, balancer, aliases, warnings, request: complete } = await prospect(deps, request, run);
  const { scopeId, scope, deploymentId } = complete;
  let { state } = start;
  const kind = routeKind(complete);
  const live = await ofScope<Live>(deps.kubernetes, kind, scope.namespace, scopeId);
  const recorded = await recordedOriginals(deps.database, { scopeId, deploymentId });
  // What it recorded names what has been removed since, by this rollout, or by another or a deletion that came in between.
  const isRemoved = recorded && !(await nameOnlyWhatExists(deps, complete, recorded));
  // Or somebody has taken the Ingresses to another balancer since: this rollout is not in them.
  const isMoved = recorded && state.applied.form === 'before' && balancerNamed(recorded) !== balancerNamed(live);
  if (isRemoved) state = withoutWayBack(state);
  if (isRemoved || isMoved) await endRollouts(deps.database, scopeId, deploymentId);
  const originals = live.map((object) => original(kind, object));
  const found = { before: originals, blueCount: start.plan.blueReplicas, aliases };
  const { blueCount } = await keepOriginals(deps.database, { scopeId, deploymentId }, run, found);
  const course = { request: complete, run, ...(balancer ? { balancer } : {}), shape: start.shape };
  const { applied } = state;
  if (applied.form === 'before') warnings.push(...(await leadAliases(deps, course, applied)));
  return {
    course,
    plan: { ...start.plan, ...(blueCount === undefined ? {} : { blueReplicas: blueCount }) },
    state,
    warnings,
  };
}

/** Whether every Service that the originals name is there: one that is missing makes the controller fail the balancer's whole group. */
async function nameOnlyWhatExists(
  { kubernetes }: DeploymentDependencies,
  request: DeploymentRequest,
  originals: readonly Original[],
): Promise<boolean> {
  const { scopeId, scope } = request;
  const services = await ofScope<Live>(kubernetes, kinds.service, scope.namespace, scopeId);
  const names = new Set(services.map(({ metadata }) => metadata?.name));
  return routingFound(request, originals).every(({ weights }) => Object.keys(weights).every((name) => names.has(name)));
}

/** What a rollout would meet; with `run` the ledger learns what it lacks, without it nothing is written. */
export async function prospect(
  deps: DeploymentDependencies,
  given: DeploymentRequest,
  run?: string,
): Promise<Prospect> {
  const request = await withSidecar(deps, given);
  const found = await findScope(deps, request);
  const start = judgeStart(request, found);
  if (!start.ok) throw permanent(start.failure.type as 'BlueMissing', start.failure.message, start.failure.details);
  const inquiry = { request, run, isRouted: found.routing.length > 0 };
  if (isByGateway(request)) return { start, request, aliases: [], warnings: await settleInLedger(deps, inquiry) };

  const account = await deps.aws.account();
  const pool: PoolKey = { account, region: request.scope.region, scheme: request.scope.scheme };
  const choice = await findBalancer(deps, inquiry, pool);
  const { name, arn, load, peak } = await judgeRoom(deps, request, pool, choice.balancer, start.shape);
  if (run !== undefined) await settleOn(deps, choice, pool, run);
  const { aliases, warnings } = choice;
  return { start, request, balancer: { name, arn }, load, peak, aliases, warnings };
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

async function findScope(deps: DeploymentDependencies, request: DeploymentRequest): Promise<FoundScope> {
  const { scopeId, scope } = request;
  const { kubernetes } = deps;
  const list = (kind: Parameters<typeof ofScope>[1]) => ofScope<Live>(kubernetes, kind, scope.namespace, scopeId);
  if (isByGateway(request)) await requireRoutes(deps, scope.namespace);
  const [routes, services, deployments, autoscalers, sides] = await Promise.all([
    routesOf(deps, request),
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
    routing: routingFound(request, routes),
    services: services.map(({ metadata, spec }) => ({
      name: metadata?.name ?? '',
      port: (spec?.ports as { port: number }[] | undefined)?.[0]?.port ?? 0,
    })),
    deployments: deployments.map(({ metadata, spec }) => {
      const name = metadata?.name ?? '';
      return { name, count: minimum(name) ?? (typeof spec?.replicas === 'number' ? spec.replicas : 1) };
    }),
    ending: [...services, ...deployments].flatMap(({ metadata }) =>
      metadata?.deletionTimestamp ? [metadata.name ?? ''] : [],
    ),
    deploymentIds: deploymentIdsOf(scopeId, sides),
  };
}

/** What leads traffic to the scope. In another namespace it is of versions that this rollout does not see: a second one of the same hosts would come beside it. */
async function routesOf({ kubernetes }: DeploymentDependencies, request: DeploymentRequest): Promise<Live[]> {
  const { scopeId, scope } = request;
  const kind = routeKind(request);
  const all = await ofScope<Live>(kubernetes, kind, undefined, scopeId);
  const isHere = ({ metadata }: Live) => metadata?.namespace === scope.namespace;
  const elsewhere = all.find((route) => !isHere(route) && !route.metadata?.deletionTimestamp)?.metadata;
  if (elsewhere) {
    const { namespace = '', name = '' } = elsewhere;
    const message = `${words(kind.kind, namespace, name)} leads traffic to scope ${scopeId} already: deploy to namespace ${namespace}, or delete its deployments there first`;
    throw invalidInput([{ path: 'scope.kubernetes.namespace', message }]);
  }
  return all.filter(isHere);
}

/** Without the definition nothing can be applied in the end: better told before anything is. */
async function requireRoutes({ kubernetes }: DeploymentDependencies, namespace: string): Promise<void> {
  try {
    await kubernetes.list(kinds.route, { namespace, labelSelector: 'groundwork=absent' });
  } catch (error) {
    if (!(error instanceof KubernetesCallError && error.kind === 'absent')) throw error;
    const message = 'the cluster does not know HTTPRoute: install the definitions of the Gateway API, then start again';
    throw permanent('KubernetesRefused', message, { kind: kinds.route.kind }, error);
  }
}
