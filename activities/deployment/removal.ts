import type { CoreV1Event } from '@kubernetes/client-node';
import type { Side } from '../../contract/deployment/status.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { compareRules } from '../../domain/deployment/gate.ts';
import { readServiceName } from '../../domain/deployment/names.ts';
import {
  type FoundObject,
  type InventoryItem,
  inventory,
  isGone,
  removalTimeout,
  sideKinds,
  sideSelector,
  united,
} from '../../domain/deployment/removal.ts';
import type { RemovalTarget } from '../../domain/deployment/rollout/types.ts';
import { type RoutePort, servicesLeft } from '../../domain/deployment/shape.ts';
import { permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { type ClusterEvent, readEvent } from '../kubernetes/events.ts';
import type { KubernetesGateway } from '../kubernetes/gateway.ts';
import { beat, heartbeatDetails } from '../signal.ts';
import type { Course } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { routeKind } from './gateway.ts';
import { keptAlive, lookUntil } from './looping.ts';
import { kinds, type Live, ofScope, refOf, words } from './objects.ts';
import { idsOf, routingFound, seeRules } from './sight.ts';

export interface RemoveInput {
  course: Course;
  what: RemovalTarget;
  /** Further deployment ids of the scope. */
  orphans: string[];
  until: string;
}

export interface RemoveAnswer {
  removed: string[];
  warnings: Warning[];
}

/** What travels in the heartbeats of a removal: another attempt finds only what is still there, and answers for all. */
interface Progress {
  items: InventoryItem[];
  lastSeen?: string | undefined;
}

const itemsBefore = (): InventoryItem[] => heartbeatDetails<Partial<Progress>>()?.items ?? [];

/**
 * Deletes what a rollout no longer needs and waits until it is gone: in the foreground, and only the objects that were found
 * with their uid. Twice is harmless: absent is done, and an object that took a place is left alone. What an attempt found whose
 * answer was lost is in its heartbeats.
 */
export async function removeObjects(deps: DeploymentDependencies, input: RemoveInput): Promise<RemoveAnswer> {
  const { course, what, orphans, until } = input;
  const { request } = course;
  if (what === 'ports') return removePorts(deps, input);
  const ids = what === 'orphans' ? orphans : [idsOf(course)[what as Side] ?? ''];
  const find = () => findObjects(deps.kubernetes, request.scope.namespace, request.scopeId, ids);
  const known = await withEarlier(find);
  await proveUnnamed(deps, input, ids, known);
  const items = united(known, await find());
  await removeItems(deps, items, until, request.timings.pollInterval, request.timings.removalTimeout);
  return { removed: items.map(say), warnings: [] };
}

/** What is found, and what an earlier attempt had found; the server is told before anything is removed. */
async function withEarlier(find: () => Promise<InventoryItem[]>): Promise<InventoryItem[]> {
  const earlier = itemsBefore();
  const items = united(earlier, await keptAlive(find, () => ({ items: earlier })));
  beat({ items } satisfies Progress);
  return items;
}

const say = ({ kind, namespace, name }: InventoryItem) => words(kind, namespace, name);

/** Looks until nothing names these deployments: a single look may see what was. */
async function proveUnnamed(
  deps: DeploymentDependencies,
  { course, until }: RemoveInput,
  ids: readonly string[],
  items: InventoryItem[],
): Promise<void> {
  let named: string | undefined;
  const unnamed = await lookUntil({
    look: async () => {
      named = await namedStill(deps, course, ids);
      return named === undefined ? true : undefined;
    },
    seen: (): Progress => ({ items, lastSeen: named }),
    pollSeconds: course.request.timings.pollInterval,
    until: Date.parse(until),
    // A failed read shows nothing: the attempt ends, and Temporal makes another.
    onTrouble: (error) => {
      throw error;
    },
  });
  if (!unnamed)
    throw permanent('NotConverged', `objects of ${ids.join(', ')} are kept: ${named}`, { deployments: ids });
}

/**
 * What must not be: a rule that gives weight to, or names, a Service of these deployments, or an Ingress of the scope, or its
 * HTTPRoute, that names one: an Ingress that names a missing Service makes the controller fail the balancer's whole group.
 */
async function namedStill(
  deps: DeploymentDependencies,
  course: Course,
  ids: readonly string[],
): Promise<string | undefined> {
  const { request, shape } = course;
  const isTheirs = (service: string | undefined) => {
    const id = service === undefined ? undefined : readServiceName(request.scopeId, service)?.deploymentId;
    return id !== undefined && ids.includes(id);
  };
  for (const { groups, port } of await seeRules(deps, course)) {
    const named = groups.find(({ service }) => isTheirs(service));
    if (named) return `a rule of port ${port} still names ${named.service} (weight ${named.weight ?? 1})`;
  }
  const kind = routeKind(request);
  for (const route of await ofScope<Live>(deps.kubernetes, kind, shape.namespace, request.scopeId)) {
    // One that is being deleted is no member of the group any more.
    if (route.metadata?.deletionTimestamp) continue;
    const services = routingFound(request, [route]).flatMap(({ weights }) => Object.keys(weights));
    const named = services.find(isTheirs);
    if (named !== undefined)
      return `${words(kind.kind, shape.namespace, route.metadata?.name ?? '')} still names ${named}`;
  }
  return undefined;
}

/** The Ingresses of ports that green lacks, and then the Services for such ports that an earlier attempt of green had. */
async function removePorts(deps: DeploymentDependencies, { course, until }: RemoveInput): Promise<RemoveAnswer> {
  const { request, shape } = course;
  const { namespace, ports } = shape;
  const gone = ports.filter(({ services }) => services.green === undefined);
  const items = await withEarlier(() => ingressesOf(deps.kubernetes, namespace, gone));
  const { timings } = request;
  await removeItems(deps, items, until, timings.pollInterval, timings.removalTimeout, 'Background');
  // A port that changed its type is another port on the same listener.
  const silent = gone.filter(
    ({ listener }) => !ports.some((port) => port.services.green && port.listener === listener),
  );
  const expected = silent.flatMap(({ listener }) => shape.hosts.map((host) => ({ host, port: listener, weights: {} })));
  const quiet = await lookUntil({
    look: async () => (compareRules(expected, await seeRules(deps, course)).converged ? true : undefined),
    seen: (): Progress => ({ items, lastSeen: 'rules of ports that go' }),
    pollSeconds: timings.pollInterval,
    until: Date.parse(until),
  });
  if (!quiet) {
    const warning = { code: 'RulesLeft', message: 'rules of removed ports are still on the balancer' };
    return { removed: items.map(say), warnings: [warning] };
  }
  const all = united(items, await leftOfGreen(deps.kubernetes, course));
  await removeItems(deps, all, until, timings.pollInterval, timings.removalTimeout);
  return { removed: all.map(say), warnings: [] };
}

async function ingressesOf(
  kubernetes: KubernetesGateway,
  namespace: string,
  ports: readonly RoutePort[],
): Promise<InventoryItem[]> {
  const found: InventoryItem[] = [];
  for (const { ingress } of ports) {
    const live = await kubernetes.read(refOf(kinds.ingress, namespace, ingress));
    if (live?.metadata?.uid) found.push({ ...kinds.ingress, namespace, name: ingress, uid: live.metadata.uid });
  }
  return found;
}

async function leftOfGreen(kubernetes: KubernetesGateway, { request }: Course): Promise<InventoryItem[]> {
  const own = await findObjects(kubernetes, request.scope.namespace, request.scopeId, [request.deploymentId]);
  const services = own.filter(({ kind }) => kind === kinds.service.kind);
  return servicesLeft(request, services);
}

/** Everything of some deployments of a scope, in the order of removal. */
export async function findObjects(
  kubernetes: KubernetesGateway,
  namespace: string,
  scopeId: string,
  ids: readonly string[],
): Promise<InventoryItem[]> {
  return inventory(scopeId, ids, await sideObjectsOf(kubernetes, namespace, scopeId));
}

/** Objects of the scope that carry a deployment id. */
export async function sideObjectsOf(
  kubernetes: KubernetesGateway,
  namespace: string,
  scopeId: string,
): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for (const kind of sideKinds) {
    try {
      const objects = await kubernetes.list<Live>(kind, { namespace, labelSelector: sideSelector(scopeId) });
      // Items of a list do not say what they are.
      found.push(...objects.map((object) => ({ ...(object as FoundObject), ...kind })));
    } catch (error) {
      if (!(error instanceof KubernetesCallError && error.kind === 'absent')) throw error;
    }
  }
  return found;
}

/** Deletes the items and waits until each is gone. Fails with `RemovalTimeout`. */
export async function removeItems(
  deps: DeploymentDependencies,
  items: readonly InventoryItem[],
  until: string,
  pollSeconds: number,
  seconds: number,
  propagation: 'Foreground' | 'Background' = 'Foreground',
): Promise<void> {
  for (const item of items) await deps.kubernetes.remove(item, { uid: item.uid, propagation });
  let stuck: { item: InventoryItem; live: FoundObject }[] = [];
  const gone = await lookUntil({
    look: async () => {
      stuck = [];
      for (const item of items) {
        const live = (await deps.kubernetes.read(item)) as FoundObject | undefined;
        if (live && !isGone(item, live)) stuck.push({ item, live });
      }
      return stuck.length === 0 ? true : undefined;
    },
    seen: (): Progress => ({ items: [...items], lastSeen: stuck.map(({ item }) => say(item)).join(', ') }),
    pollSeconds,
    until: Date.parse(until),
  });
  if (gone) return;
  const { type, message, details } = removalTimeout(stuck, seconds, await lastWord(deps, stuck));
  throw permanent(type as 'RemovalTimeout', message, details);
}

/** The last event of the objects that are stuck. What cannot be read must not hide that they are. */
async function lastWord(
  { kubernetes }: DeploymentDependencies,
  stuck: readonly { item: InventoryItem }[],
): Promise<string | undefined> {
  const events: ClusterEvent[] = [];
  try {
    for (const { item } of stuck) {
      const options = { namespace: item.namespace, fieldSelector: `involvedObject.uid=${item.uid}` };
      const found = await kubernetes.list<CoreV1Event>({ apiVersion: 'v1', kind: 'Event' }, options);
      events.push(...found.map(readEvent));
    }
  } catch (error) {
    if (!(error instanceof KubernetesCallError)) throw error;
  }
  const [last] = events.sort((a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen));
  return last ? `${last.reason}: ${last.message}` : undefined;
}
