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
  /** Ports that only blue had and whose Service leaves: nothing is led there, and an Ingress that is left is removed with the old version. */
  leaving?: RoutePort[];
}

export const MAIN_LISTENER = 443;
export const MAIN_ACTION = 'bg-deployment';

/**
 * The shape of a rollout. `blueServices` are those of blue that were confirmed to exist, with their first port; an Ingress must not
 * name those that leave: one that is missing makes the controller fail the balancer's whole group.
 */
export function routeShape(
  request: DeploymentRequest,
  blueServices: readonly BackendService[],
  isLeaving: (service: BackendService) => boolean = () => false,
): RouteShape {
  const { scopeId, scope, workload, deploymentId } = request;
  const green = sideName(scopeId, deploymentId);
  const blue = request.blue === undefined ? undefined : sideName(scopeId, request.blue);
  const staying = blueServices.filter((service) => !isLeaving(service));
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
  const bluePorts = request.blue === undefined ? [] : additionalPortsOf(scopeId, request.blue, blueServices);
  const all = [...greenPorts, ...bluePorts].filter(
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
