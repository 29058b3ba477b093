import type { HostRouting, Side } from '../../contract/deployment/status.ts';
import { type FoundIngress, routingOf } from '../../domain/deployment/expected.ts';
import { groupsOf, type ObservedRule, serviceOfTag } from '../../domain/deployment/gate.ts';
import {
  type FoundRoute,
  type RouteVerdict,
  routingOfRoutes,
  rulesOfRoutes,
} from '../../domain/deployment/http-route.ts';
import { sideName } from '../../domain/deployment/names.ts';
import type { GroupHealth, Health, SideHealth } from '../../domain/deployment/targets.ts';
import { AwsCallError } from '../aws/errors.ts';
import { readListeners, readResourceTags, readRules, readTargetStates } from '../aws/routing.ts';
import type { Course } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { askGateways, isByGateway, readyEndpoints, seeRoutes } from './gateway.ts';
import { kinds, type Live, refOf, wire } from './objects.ts';

/** What a gate looks at: the scope's rules on the real balancer, or its HTTPRoute, and the targets behind them. */

/** Where to look: the balancer, the hosts, and the Ingresses with their listeners. */
export interface Viewpoint {
  request: { scopeId?: string; scope: { region: string; dnsType?: string } };
  /** Absent, or without an ARN: there is none. */
  balancer?: { arn: string };
  shape: { namespace: string; hosts: readonly string[]; ports: readonly { listener: number; ingress: string }[] };
}

export interface Sighting {
  rules: ObservedRule[];
  /** With external DNS the rules are only what is asked for; the gateways say whether they do it. */
  gateways?: RouteVerdict;
}

export async function seeRouting(deps: DeploymentDependencies, view: Viewpoint): Promise<Sighting> {
  const { request, shape } = view;
  if (!isByGateway(request)) return { rules: await seeBalancer(deps, view) };
  const routes = await seeRoutes(deps, shape.namespace, request.scopeId ?? '');
  return { rules: rulesOfRoutes(routes), gateways: await askGateways(deps, routes) };
}

export async function seeRules(deps: DeploymentDependencies, view: Viewpoint): Promise<ObservedRule[]> {
  return (await seeRouting(deps, view)).rules;
}

/** What objects that lead traffic to a scope say. */
export function routingFound(request: Viewpoint['request'], found: readonly object[]): HostRouting[] {
  if (isByGateway(request)) return routingOfRoutes(found.map((route) => wire<FoundRoute>(route)));
  return routingOf(found.map((ingress) => wire<FoundIngress>(ingress)));
}

/** Rules of the scope's hosts on its listeners: listeners once, rules once per listener, tags only of new target groups. */
function seeBalancer(deps: DeploymentDependencies, view: Viewpoint): Promise<ObservedRule[]> {
  const ports = new Set(view.shape.ports.map(({ listener }) => listener));
  return existing(() => readView(deps, view, (port) => ports.has(port)));
}

/** Every listener of the balancer on which a rule has one of the hosts, whatever objects say. */
export async function listenersWith(deps: DeploymentDependencies, view: Viewpoint): Promise<number[]> {
  const rules = await existing(() => readView(deps, view, () => true));
  return [...new Set(rules.map(({ port }) => port))];
}

const LOOKS = 3;

/**
 * Only a balancer that AWS says does not exist has no rules: the controller deletes one with its last Ingress. A listener or
 * a target group that does not exist was in a list that is out of date: all is read again, and then the look has failed.
 */
async function existing(read: () => Promise<ObservedRule[]>): Promise<ObservedRule[]> {
  for (let looks = 1; ; looks++) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.kind !== 'absent') throw error;
      if (error.code === 'LoadBalancerNotFound') return [];
      if (looks === LOOKS) throw error;
    }
  }
}

async function readView(
  deps: DeploymentDependencies,
  { request, balancer, shape }: Viewpoint,
  isAsked: (port: number) => boolean,
): Promise<ObservedRule[]> {
  if (!balancer?.arn) return [];
  const { region } = request.scope;
  const own = new Set(shape.hosts);
  const found: { port: number; hosts: string[]; groups: { arn: string; weight: number }[] }[] = [];
  for (const { port, arn } of await readListeners(deps.aws, region, balancer.arn)) {
    if (!isAsked(port)) continue;
    for (const { hosts, forward } of await readRules(deps.aws, region, arn)) {
      if (!hosts.some((host) => own.has(host))) continue;
      const groups = (forward ?? []).map(({ targetGroupArn, weight }) => ({ arn: targetGroupArn, weight }));
      found.push({ port, hosts, groups });
    }
  }
  const tags = await tagsOf(
    deps,
    region,
    found.flatMap(({ groups }) => groups.map(({ arn }) => arn)),
  );
  const ingresses = shape.ports.map(({ ingress }) => ingress);
  return found.map(({ port, hosts, groups }) => ({
    port,
    hosts,
    groups: groups.map(({ arn, weight }) => {
      const service = serviceOfTag(tags.get(arn), shape.namespace, ingresses);
      return { arn, weight, ...(service === undefined ? {} : { service }) };
    }),
  }));
}

/** What target groups are for never changes: each is asked for once per process. */
const KNOWN_TAGS = new Map<string, string>();
const MOST_KNOWN_TAGS = 10_000;

async function tagsOf(
  deps: DeploymentDependencies,
  region: string,
  arns: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const unknown = [...new Set(arns)].filter((arn) => !KNOWN_TAGS.has(arn));
  if (unknown.length > 0) {
    if (KNOWN_TAGS.size > MOST_KNOWN_TAGS) KNOWN_TAGS.clear();
    // A group without the tag may get it yet.
    for (const [arn, tag] of Object.entries(await readResourceTags(deps.aws, region, unknown)))
      if (tag !== '') KNOWN_TAGS.set(arn, tag);
  }
  return KNOWN_TAGS;
}

/** Targets and ready pods of some sides: health once per target group that a rule names; with external DNS ready endpoints. */
export async function seeHealth(
  deps: DeploymentDependencies,
  course: Course,
  rules: readonly ObservedRule[],
  sides: readonly Side[],
): Promise<Health> {
  const health: Health = {};
  for (const side of sides) {
    const groups = isByGateway(course.request)
      ? await endpointsOf(deps, course, side)
      : await targetsOf(deps, course, rules, side);
    health[side] = { groups, readyPods: (await countsOf(deps, course, side))?.ready ?? 0 } satisfies SideHealth;
  }
  return health;
}

async function targetsOf(
  deps: DeploymentDependencies,
  course: Course,
  rules: readonly ObservedRule[],
  side: Side,
): Promise<GroupHealth[]> {
  const seen: GroupHealth[] = [];
  for (const { arn, service } of groupsOf(rules)) {
    if (sideOf(course, service) !== side) continue;
    const states = await readTargetStates(deps.aws, course.request.scope.region, arn);
    if (states) seen.push({ arn, service, states });
  }
  return seen;
}

async function endpointsOf(deps: DeploymentDependencies, { shape }: Course, side: Side): Promise<GroupHealth[]> {
  const services = shape.ports.flatMap((port) => port.services[side]?.name ?? []);
  return Promise.all(
    services.map(async (service) => {
      const healthy = await readyEndpoints(deps, shape.namespace, service);
      return { arn: service, service, states: { healthy } };
    }),
  );
}

export function sideOf({ shape }: Pick<Course, 'shape'>, service: string): Side | undefined {
  for (const { services } of shape.ports) {
    if (services.blue?.name === service) return 'blue';
    if (services.green?.name === service) return 'green';
  }
  return undefined;
}

/** Deployment ids of the sides. */
export function idsOf({ request }: Pick<Course, 'request'>): Partial<Record<Side, string>> {
  return { green: request.deploymentId, ...(request.blue === undefined ? {} : { blue: request.blue }) };
}

/** The Deployment of a side; undefined when the cluster has none. */
export async function deploymentOf(
  deps: DeploymentDependencies,
  course: Pick<Course, 'request' | 'shape'>,
  side: Side,
): Promise<Live | undefined> {
  const id = idsOf(course)[side];
  if (id === undefined) return undefined;
  const ref = refOf(kinds.deployment, course.shape.namespace, sideName(course.request.scopeId, id));
  return (await deps.kubernetes.read(ref)) as Live | undefined;
}

/** The counters of a side's Deployment; fields that are missing count 0. */
export async function countsOf(deps: DeploymentDependencies, course: Course, side: Side) {
  const live = await deploymentOf(deps, course, side);
  return live ? counts(live) : undefined;
}

export function counts({ spec, status }: Live) {
  const figure = (of: Record<string, unknown> | undefined, key: string) =>
    typeof of?.[key] === 'number' ? (of[key] as number) : 0;
  return {
    desired: figure(spec, 'replicas'),
    launched: figure(status, 'replicas'),
    ready: figure(status, 'readyReplicas'),
    available: figure(status, 'availableReplicas'),
    updated: figure(status, 'updatedReplicas'),
  };
}
