import type { AdditionalPort } from '../../contract/deployment/input.ts';
import type { Side } from '../../contract/deployment/status.ts';
import { ingressName, portServiceName, portSuffix, readServiceName, sideName } from './names.ts';
import type { DeploymentRequest } from './request.ts';

/** Which listeners a scope has during a rollout, and which Services stand behind them. */

/** A Service and the port that an Ingress names. */
export interface BackendService {
  name: string;
  port: number;
}

export interface RoutePort {
  /** Port of the listener: 443, or the additional port. */
  listener: number;
  /** Absent: the main Ingress. */
  additional?: AdditionalPort;
  /** Name of the Ingress. */
  ingress: string;
  /** Name of the weighted action in its annotations. */
  action: string;
  /** A side without a Service for this port is absent. */
  services: Partial<Record<Side, BackendService>>;
}

export interface RouteShape {
  namespace: string;
  hosts: string[];
  ports: RoutePort[];
  /**
   * Ports to which nothing is led and whose Ingress, if one is left, is removed with the old version, or with green on the way back:
   * those that only blue had and whose Service leaves, and those of an earlier attempt of green that this one goes without.
   */
  leaving?: RoutePort[];
}

export const MAIN_LISTENER = 443;
export const MAIN_ACTION = 'bg-deployment';

/**
 * The shape of a rollout. `services` are those of the scope that were confirmed to exist, with their first port; an Ingress must not
 * name those of blue that leave: one that is missing makes the controller fail the balancer's whole group.
 */
export function routeShape(
  request: DeploymentRequest,
  services: readonly BackendService[],
  isLeaving: (service: BackendService) => boolean = () => false,
): RouteShape {
  const { scopeId, scope, workload, deploymentId } = request;
  const green = sideName(scopeId, deploymentId);
  const blue = request.blue === undefined ? undefined : sideName(scopeId, request.blue);
  const staying = services.filter((service) => !isLeaving(service));
  const blueMain = staying.find(({ name }) => name === blue);
  const main: RoutePort = {
    listener: MAIN_LISTENER,
    ingress: ingressName(scope.slugs.scope, scopeId, scope.scheme),
    action: MAIN_ACTION,
    services: { ...(blueMain ? { blue: blueMain } : {}), green: { name: green, port: workload.mainPort } },
  };
  const route = { namespace: scope.namespace, hosts: scope.hosts };
  // One HTTPRoute has one port: those of an old version are left to its removal.
  if (scope.dnsType === 'external_dns') return { ...route, ports: [main] };
  const greenPorts = workload.additionalPorts.map(({ port, type }) => ({ port, type }));
  const bluePorts = request.blue === undefined ? [] : additionalPortsOf(scopeId, request.blue, services);
  const all = [...greenPorts, ...bluePorts, ...additionalPortsOf(scopeId, deploymentId, services)].filter(
    (port, index, list) => list.findIndex((other) => samePort(other, port)) === index,
  );
  const others = all.map((port): RoutePort => {
    const blueService = staying.find(({ name }) => blue !== undefined && name === portServiceName(blue, port));
    const inGreen = greenPorts.some((other) => samePort(other, port));
    return {
      listener: port.port,
      additional: port,
      ingress: ingressName(scope.slugs.scope, scopeId, scope.scheme, port),
      action: `${MAIN_ACTION}-${portSuffix(port)}`,
      services: {
        ...(blueService ? { blue: blueService } : {}),
        ...(inGreen ? { green: { name: portServiceName(green, port), port: port.port } } : {}),
      },
    };
  });
  const isLed = ({ services }: RoutePort) => Object.keys(services).length > 0;
  const leaving = others.filter((port) => !isLed(port));
  return { ...route, ports: [main, ...others.filter(isLed)], ...(leaving.length > 0 ? { leaving } : {}) };
}

/** The shape with the ports that leave: for what is put back or removed. */
export function wholeShape({ leaving = [], ...shape }: RouteShape): RouteShape {
  return { ...shape, ports: [...shape.ports, ...leaving] };
}

/** Those Services of an earlier attempt of green that stand for additional ports which this one goes without. */
export function servicesLeft<T extends { name: string }>(
  { scopeId, deploymentId, workload }: Pick<DeploymentRequest, 'scopeId' | 'deploymentId' | 'workload'>,
  services: readonly T[],
): T[] {
  return services.filter(({ name }) => {
    const read = readServiceName(scopeId, name);
    if (read?.deploymentId !== deploymentId || !read.port) return false;
    const { port } = read;
    return !workload.additionalPorts.some((wanted) => samePort(wanted, port));
  });
}

/** Additional ports that the Services of one deployment stand for, lowest first. */
export function additionalPortsOf(
  scopeId: string,
  deploymentId: string,
  services: readonly BackendService[],
): AdditionalPort[] {
  return services
    .flatMap(({ name }) => {
      const read = readServiceName(scopeId, name);
      return read?.deploymentId === deploymentId && read.port ? [read.port] : [];
    })
    .sort((a, b) => a.port - b.port);
}

/** Ports whose Ingresses go when green takes over. */
export function portsOnlyBlue(shape: RouteShape): RoutePort[] {
  return wholeShape(shape).ports.filter(({ services }) => services.green === undefined);
}

function samePort(a: AdditionalPort, b: AdditionalPort): boolean {
  return a.port === b.port && a.type === b.type;
}
