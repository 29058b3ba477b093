import type { SimulatedClock } from '../../clock.ts';
import { isNotFound, type KubeClient } from '../client.ts';
import type { SimulatedController } from '../index.ts';
import {
  canonicalJson,
  type EndpointSlice,
  isBeingDeleted,
  keyOf,
  type Namespace,
  pathOf,
  pathTo,
  resources,
  type Service,
} from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import type { Reflector } from '../watch.ts';
import { backendProblem, type Judgement, judgeParent, type Surroundings } from './attachment.ts';
import type { Condition, Gateway, HttpRoute, RouteParentStatus } from './objects.ts';
import { type GatewayWay, type ProgrammedRoute, routeFor, wayThrough } from './table.ts';

/** How the simulated controller may misbehave. All times are simulated seconds. */
export interface GatewayKnobs {
  /** Waits so long before it takes a change up; default 1. */
  reconcileDelaySeconds: number;
  /** Leaves these HTTPRoutes (true: all) alone, without a word; default false. */
  neverReconcile: boolean | ((route: HttpRoute) => boolean);
  /** Says False to a route that is in order. */
  refuse:
    | ((route: HttpRoute) => { type: 'Accepted' | 'ResolvedRefs'; reason: string; message: string } | undefined)
    | undefined;
}

export interface GatewayOptions {
  client: KubeClient;
  clock: SimulatedClock;
  gateways: Reflector<Gateway>;
  routes: Reflector<HttpRoute>;
  services: Reflector<Service>;
  endpointSlices: Reflector<EndpointSlice>;
  namespaces: Reflector<Namespace>;
  log: (line: string) => void;
}

export const CONTROLLER_NAME = 'sandbox.groundwork/gateway-controller';
const LOOK_AGAIN_SECONDS = 5;

/**
 * A gateway controller, simulated: HTTPRoutes are attached to the Gateways of any class, their status says so, and `way` tells
 * what the proxies would do with a request. It does not write the status of Gateways: their addresses are the tests' own.
 */
export class GatewayController implements SimulatedController<GatewayKnobs> {
  readonly knobs: GatewayKnobs = { reconcileDelaySeconds: 1, neverReconcile: false, refuse: undefined };
  readonly #options: GatewayOptions;
  readonly #queue: WorkQueue;
  readonly #programmed = new Map<string, ProgrammedRoute>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { clock, log, routes } = options;
    this.#queue = new WorkQueue({
      workers: 2,
      backOff: { firstMs: 5, longestMs: 2_000 },
      onError: (key, error) => log(`gateway controller: ${key}: ${String(error)}`),
      reconcile: (key) => this.#reconcile(key),
    });
    routes.onChange(({ type, object, previous }) => {
      if (
        type === 'modified' &&
        previous?.metadata.generation === object.metadata.generation &&
        !isBeingDeleted(object)
      )
        return;
      this.#queue.addAfter(keyOf(object), clock.toRealMs(this.knobs.reconcileDelaySeconds));
    });
    options.gateways.onChange(() => this.#enqueueAll());
    options.services.onChange(({ object }) => {
      for (const route of routes.values()) if (names(route, object)) this.#queue.add(keyOf(route));
    });
  }

  /** The backends that a gateway, `<namespace>/<name>`, has for a host at this moment. */
  backends(gateway: string, host: string): ProgrammedRoute['backends'] {
    return routeFor([...this.#programmed.values()], gateway, host)?.backends ?? [];
  }

  /** What it does with a request. */
  way(gateway: string, host: string, random: () => number): GatewayWay {
    return wayThrough([...this.#programmed.values()], this.#options.endpointSlices.values(), { gateway, host, random });
  }

  pause(): Promise<void> {
    return this.#queue.pause();
  }

  async resume(): Promise<void> {
    this.#enqueueAll();
    this.#queue.resume();
  }

  async restart(): Promise<void> {
    await this.pause();
    this.#queue.clear();
    await this.resume();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #enqueueAll(): void {
    for (const route of this.#options.routes.values()) this.#queue.add(keyOf(route));
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const { clock, routes } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const route = routes.get(namespace, name);
    if (!route || isBeingDeleted(route)) {
      this.#programmed.delete(key);
      return undefined;
    }
    const { neverReconcile } = this.knobs;
    if (typeof neverReconcile === 'function' ? neverReconcile(route) : neverReconcile)
      return Math.max(100, clock.toRealMs(1));
    const parents = await this.#judge(route);
    this.#program(key, route, parents);
    await this.#writeStatus(route, parents);
    // Secrets are not watched.
    const open = parents.some(({ conditions }) => conditions.some(({ status }) => status !== 'True'));
    return open ? Math.max(100, clock.toRealMs(LOOK_AGAIN_SECONDS)) : undefined;
  }

  async #judge(route: HttpRoute): Promise<RouteParentStatus[]> {
    const around = this.#surroundings();
    const refused = this.knobs.refuse?.(route);
    const parents: RouteParentStatus[] = [];
    for (const parentRef of route.spec.parentRefs ?? []) {
      const judged = await judgeParent(route, parentRef, around);
      if (!judged) continue;
      const before = route.status?.parents?.find(
        (one) => one.controllerName === CONTROLLER_NAME && canonicalJson(one.parentRef) === canonicalJson(parentRef),
      );
      const condition = (type: 'Accepted' | 'ResolvedRefs', found: Judgement) => {
        const said: Judgement = refused?.type === type ? { ...refused, status: 'False' } : found;
        return conditionOf(route, type, said, before?.conditions ?? []);
      };
      parents.push({
        parentRef,
        controllerName: CONTROLLER_NAME,
        conditions: [condition('Accepted', judged.accepted), condition('ResolvedRefs', judged.resolved)],
      });
    }
    return parents;
  }

  /** Before the status: whoever reads it finds that the proxies do as it says. */
  #program(key: string, route: HttpRoute, parents: readonly RouteParentStatus[]): void {
    const around = this.#surroundings();
    const accepted = parents.filter(({ conditions }) =>
      conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
    );
    const namespace = route.metadata.namespace ?? '';
    this.#programmed.set(key, {
      gateways: accepted.map(({ parentRef }) => `${parentRef.namespace ?? namespace}/${parentRef.name}`),
      namespace,
      hosts: (route.spec.hostnames ?? []).map((host) => host.toLowerCase()),
      // One rule is enough here: the first without regard to its matches.
      backends: (route.spec.rules?.[0]?.backendRefs ?? []).map((backend) => ({
        ...(backendProblem(route, backend, around) ? {} : { service: backend.name }),
        weight: backend.weight ?? 1,
      })),
      since: route.metadata.creationTimestamp,
    });
  }

  async #writeStatus(route: HttpRoute, parents: readonly RouteParentStatus[]): Promise<void> {
    const found = route.status?.parents ?? [];
    const all = [...found.filter(({ controllerName }) => controllerName !== CONTROLLER_NAME), ...parents];
    if (canonicalJson(found) === canonicalJson(all)) return;
    const { resourceVersion } = route.metadata;
    await this.#options.client
      .merge(pathTo(resources.httpRoutes, route, 'status'), { metadata: { resourceVersion }, status: { parents: all } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  #surroundings(): Surroundings {
    const { gateways, services, namespaces, client } = this.#options;
    return {
      gateway: (namespace, name) => gateways.get(namespace, name),
      service: (namespace, name) => services.get(namespace, name),
      namespace: (name) => namespaces.get(undefined, name),
      hasSecret: async (namespace, name) =>
        (await client.find(pathOf(resources.secrets, namespace, name))) !== undefined,
    };
  }
}

function conditionOf(
  { metadata: { generation } }: HttpRoute,
  type: string,
  { status, reason, message }: Judgement,
  before: readonly Condition[],
): Condition {
  const known = before.find((one) => one.type === type && one.status === status);
  return {
    type,
    status,
    reason,
    message,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: known?.lastTransitionTime ?? new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

function names(route: HttpRoute, { metadata }: Service): boolean {
  if (route.metadata.namespace !== metadata.namespace) return false;
  return (route.spec.rules ?? []).some(({ backendRefs = [] }) =>
    backendRefs.some(({ name }) => name === metadata.name),
  );
}
