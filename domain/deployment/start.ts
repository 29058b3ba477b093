import type { AdditionalPort } from '../../contract/deployment/input.ts';
import type { HostRouting } from '../../contract/deployment/status.ts';
import type { Failure, InvalidField } from '../../contract/failures.ts';
import { readServiceName, sideName } from './names.ts';
import type { DeploymentRequest } from './request.ts';
import { before, greenAlone, type Routing, sameRouting, weighted } from './rollout/routing.ts';
import { initialState, type StartingPoint } from './rollout/state.ts';
import type { RolloutPlan, RolloutState } from './rollout/types.ts';
import {
  additionalPortsOf,
  type BackendService,
  MAIN_LISTENER,
  portsOnlyBlue,
  type RouteShape,
  routeShape,
} from './shape.ts';

/** What is found of the scope when a rollout begins. Only complete readings make one. */
export interface FoundScope {
  /** What its Ingresses, or its HTTPRoute, say. */
  routing: readonly HostRouting[];
  /** Services of the scope, with their first port. */
  services: readonly BackendService[];
  /** Deployments of the scope with their planned counts: the HPA's minimum, else `spec.replicas`. */
  deployments: readonly { name: string; count: number }[];
  /** Names of those Services and Deployments that are being deleted: what holds them may let go at any moment. */
  ending: readonly string[];
  /** Deployment ids on objects of the scope of any kind that a removal would look at. */
  deploymentIds: readonly string[];
}

export type Start =
  | { ok: true; plan: RolloutPlan; state: RolloutState; shape: RouteShape }
  | { ok: false; failure: Failure };

/** Whether and from where a rollout may begin (specs: deployment, section 1). */
export function judgeStart(request: DeploymentRequest, found: FoundScope): Start {
  const { scopeId, deploymentId: green, blue, strategy } = request;
  const { routing } = found;
  const failure = thirdParty(request, routing) ?? missingBlue(request, routing, found) ?? changedPorts(request, found);
  if (failure) return { ok: false, failure };
  const name = (id: string) => sideName(scopeId, id);
  const at = startingRouting(request, routing);
  const noWayBack = blue !== undefined && isGoing(name(blue), found);
  // Where green serves alone and blue is going, all that is left of blue goes.
  const isRest = noWayBack && sameRouting(at, greenAlone);
  // An Ingress may name a Service of green that somebody removed.
  const services = [...found.services, ...servicesNamed(request, routing)];
  const shape = routeShape(request, services, (service) => isRest || found.ending.includes(service.name));
  const blueCount = found.deployments.find((one) => blue !== undefined && one.name === name(blue))?.count;
  const plan: RolloutPlan = {
    strategy,
    ...(blue === undefined ? {} : { blue }),
    green,
    replicas: request.workload.replicas,
    ...(blueCount === undefined ? {} : { blueReplicas: blueCount }),
    traffic: request.traffic,
    portsOnlyBlue: portsOnlyBlue(shape).map(({ listener }) => listener),
    orphans: [...new Set(found.deploymentIds)].filter((id) => id !== green && id !== blue).sort(),
  };
  const start: StartingPoint = {
    routing: at,
    greenExists: found.deploymentIds.includes(green),
    ...(blueCount === undefined ? {} : { blueCount }),
    noWayBack,
  };
  return { ok: true, plan, state: initialState(plan, start), shape };
}

/** Whether a side lacks its main Service or its Deployment, or is about to. */
function isGoing(side: string, { services, deployments, ending }: FoundScope): boolean {
  const isThere = ({ name }: { name: string }) => name === side;
  return !services.some(isThere) || !deployments.some(isThere) || ending.includes(side);
}

/** Weight for a deployment that is neither blue nor green: its rollout was never ended. */
function thirdParty(
  { scopeId, blue, deploymentId }: DeploymentRequest,
  routing: readonly HostRouting[],
): Failure | undefined {
  for (const { host, port, weights } of routing) {
    for (const [service, percent] of Object.entries(weights)) {
      const id = readServiceName(scopeId, service)?.deploymentId ?? service;
      if (percent === 0 || id === blue || id === deploymentId) continue;
      return {
        type: 'LeftoverRollout',
        message:
          `deployment ${id} has ${percent} % of ${host} on port ${port}, and is neither the current deployment ` +
          `(${blue ?? 'none'}) nor ${deploymentId}: finish or roll back that one, or name it as currentDeploymentId`,
        details: { deployment: id, host, port, percent },
      };
    }
  }
  return undefined;
}

function missingBlue(
  { scopeId, blue, deploymentId, scope }: DeploymentRequest,
  routing: readonly HostRouting[],
  { services, ending }: FoundScope,
): Failure | undefined {
  if (blue === undefined) return undefined;
  const main = mainWeights(routing, scope.domain);
  const green = sideName(scopeId, deploymentId);
  // A repeat that had come to removing blue: green serves alone already.
  if (main !== undefined && Object.keys(main).length === 1 && main[green] !== undefined) return undefined;
  const name = sideName(scopeId, blue);
  const refuse = (message: string): Failure => ({
    type: 'BlueMissing',
    message: `${message}: correct currentDeploymentId`,
    details: { currentDeploymentId: blue, found: main ?? {} },
  });
  if (!services.some((service) => service.name === name))
    return refuse(`the main Service ${name} of ${blue} is missing`);
  if (ending.includes(name)) return refuse(`the main Service ${name} of ${blue} is being deleted`);
  if (main === undefined) return refuse(`${blue} does not serve: nothing routes ${scope.domain}`);
  if (main[name] === undefined) {
    return refuse(`${blue} is not what ${scope.domain} is routed to (${Object.keys(main).join(', ') || 'nothing'})`);
  }
  return undefined;
}

/** Services of green that something names, each with the listener on which it does. */
function servicesNamed(
  { scopeId, deploymentId }: DeploymentRequest,
  routing: readonly HostRouting[],
): BackendService[] {
  return routing.flatMap(({ port, weights }) =>
    Object.keys(weights).flatMap((name) =>
      readServiceName(scopeId, name)?.deploymentId === deploymentId ? [{ name, port }] : [],
    ),
  );
}

/** Ports that cannot change: those of blue during a rollout, and those of green while something names them. */
function changedPorts(request: DeploymentRequest, found: FoundScope): Failure | undefined {
  const changed = [...changedTypes(request, found), ...changedMainPort(request, found)];
  if (changed.length === 0) return undefined;
  const message = changed.map((field) => `${field.path}: ${field.message}`).join('; ');
  return { type: 'InvalidInput', message, details: { fields: changed } };
}

/** One listener cannot have two Ingresses with the same host: a port keeps its type during a rollout, and in a repeat of it. */
function changedTypes(request: DeploymentRequest, { services, routing }: FoundScope): InvalidField[] {
  const { scopeId, blue, deploymentId, workload } = request;
  const typesOf = (id: string | undefined, of: readonly BackendService[]) =>
    id === undefined ? [] : additionalPortsOf(scopeId, id, of);
  const ofBlue = typesOf(blue, services);
  const ofGreen = typesOf(deploymentId, servicesNamed(request, routing));
  return workload.additionalPorts.flatMap(({ port, type }, index) => {
    const isOther = (other: AdditionalPort) => other.port === port && other.type !== type;
    const path = `workload.additionalPorts.${index}.type`;
    const [current] = ofBlue.filter(isOther);
    if (current) {
      const message = `port ${port} is ${current.type} in the current deployment: take another port, or go without first`;
      return [{ path, message }];
    }
    const [earlier] = ofGreen.filter(isOther);
    return earlier ? [{ path, message: `port ${port} ${asBefore(deploymentId, earlier.type)}` }] : [];
  });
}

/** A Service that lost the port by which an Ingress names it would make the controller fail the balancer's whole group. */
function changedMainPort(request: DeploymentRequest, { services, routing }: FoundScope): InvalidField[] {
  const { scopeId, deploymentId, workload } = request;
  const main = sideName(scopeId, deploymentId);
  const isNamed = servicesNamed(request, routing).some(({ name }) => name === main);
  const port = services.find(({ name }) => name === main)?.port;
  if (!isNamed || port === undefined || port === workload.mainPort) return [];
  return [{ path: 'workload.mainPort', message: asBefore(deploymentId, String(port)) }];
}

const asBefore = (deploymentId: string, value: string) =>
  `is ${value} in what an earlier attempt of ${deploymentId} left routed: repeat with ${value}, and roll back to change it`;

function startingRouting(
  { scopeId, deploymentId, scope }: DeploymentRequest,
  routing: readonly HostRouting[],
): Routing {
  const main = mainWeights(routing, scope.domain);
  const share = main?.[sideName(scopeId, deploymentId)];
  if (main === undefined || share === undefined) return before;
  return Object.keys(main).length === 1 ? greenAlone : weighted(Math.round(share));
}

function mainWeights(routing: readonly HostRouting[], domain: string): Record<string, number> | undefined {
  const main = routing.filter(({ port }) => port === MAIN_LISTENER);
  return (main.find(({ host }) => host === domain) ?? main[0])?.weights;
}
