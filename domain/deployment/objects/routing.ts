import { extrasOf } from '../../modifiers.ts';
import { GATEWAYS_NAMESPACE } from '../../scope/dns-endpoint.ts';
import { ALB, groupAnnotations, RESPONSE_404 } from '../../scope/keeper.ts';
import { weightsOf } from '../expected.ts';
import { brandLabel, commonLabels } from '../labels.ts';
import type { DeploymentRequest } from '../request.ts';
import type { OwnRouting } from '../rollout/routing.ts';
import type { RoutePort, RouteShape } from '../shape.ts';
import type { KubernetesObject } from './kubernetes.ts';

/** What leads traffic to the sides: Ingresses, or one HTTPRoute with external DNS (specs: deployment, sections 5 and 12). */

/** The Ingresses of the scope for a routing, main first. They name only Services of `shape`. */
export function ingresses(
  request: DeploymentRequest,
  balancer: string,
  shape: RouteShape,
  routing: OwnRouting,
): KubernetesObject[] {
  return shape.ports.map((port) => ingress(request, balancer, shape, port, routing));
}

function ingress(
  request: DeploymentRequest,
  balancer: string,
  { hosts }: RouteShape,
  port: RoutePort,
  routing: OwnRouting,
): KubernetesObject {
  const weights = weightsOf(port, routing);
  const [only] = weights;
  if (!only) throw new Error(`no Service stands behind ${port.ingress}`);
  const several = weights.length > 1;
  const backend = several
    ? { name: port.action, port: { name: 'use-annotation' } }
    : { name: only.service.name, port: { number: only.service.port } };
  const extras = extrasOf(request.modifiers, 'ingress');
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: port.ingress,
      namespace: request.scope.namespace,
      labels: { ...extras.labels, ...commonLabels(request), ...brandLabel(request) },
      annotations: {
        ...extras.annotations,
        ...listenerAnnotations(request, balancer, port),
        ...(several ? { [`${ALB}/actions.${port.action}`]: forward(weights) } : {}),
      },
    },
    spec: {
      ingressClassName: 'alb',
      rules: hosts.map((host) => ({
        host,
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: backend } }] },
      })),
    },
  };
}

/** The group's annotations; an additional port has its own listener and leaves the redirect to the main Ingress. */
function listenerAnnotations(request: DeploymentRequest, balancer: string, { additional }: RoutePort) {
  const { [`${ALB}/ssl-redirect`]: redirect = '443', ...group } = groupAnnotations(balancer, request.scope.scheme);
  const labels = { ...request.identity, ...brandLabel(request) };
  const common = {
    ...group,
    [`${ALB}/target-node-labels`]: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    [`${ALB}/actions.response-404`]: RESPONSE_404,
  };
  if (!additional) return { ...common, [`${ALB}/ssl-redirect`]: redirect };
  return {
    ...common,
    [`${ALB}/listen-ports`]: JSON.stringify([{ HTTPS: additional.port }]),
    ...(additional.type === 'GRPC'
      ? {
          [`${ALB}/backend-protocol-version`]: 'GRPC',
          [`${ALB}/load-balancer-attributes`]: 'routing.http2.enabled=true',
        }
      : {}),
  };
}

function forward(weights: ReturnType<typeof weightsOf>): string {
  const targetGroups = weights.map(({ service, percent }) => ({
    serviceName: service.name,
    servicePort: service.port,
    weight: percent,
  }));
  return JSON.stringify({ type: 'forward', forwardConfig: { targetGroups } });
}

/** The HTTPRoute that takes the place of the Ingresses with external DNS. */
export function httpRoute(request: DeploymentRequest, shape: RouteShape, routing: OwnRouting): KubernetesObject {
  const [main] = shape.ports;
  if (!main) throw new Error('a scope has a main port');
  const extras = extrasOf(request.modifiers, 'ingress');
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      name: main.ingress,
      namespace: request.scope.namespace,
      labels: { ...extras.labels, ...commonLabels(request), ...brandLabel(request) },
      annotations: extras.annotations,
    },
    spec: {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name: request.scope.gateway,
          namespace: GATEWAYS_NAMESPACE,
        },
      ],
      hostnames: shape.hosts,
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: weightsOf(main, routing).map(({ service, percent }) => ({
            group: '',
            kind: 'Service',
            name: service.name,
            port: service.port,
            weight: percent,
          })),
        },
      ],
    },
  };
}

/** The routing objects of a request by its DNS mode. */
export function routingObjects(
  request: DeploymentRequest,
  balancer: string | undefined,
  shape: RouteShape,
  routing: OwnRouting,
): KubernetesObject[] {
  if (request.scope.dnsType === 'external_dns') return [httpRoute(request, shape, routing)];
  if (balancer === undefined) throw new Error('Ingresses need the name of their balancer');
  return ingresses(request, balancer, shape, routing);
}
