import type { Ingress, Service } from '../../objects.ts';
import { annotation, integerOf, mapOf, serviceAnnotation } from '../annotations.ts';
import type { GroupId } from '../groups.ts';
import { targetGroupName } from './names.ts';
import { type HealthCheckSpec, identityTags, type TargetGroupSpec } from './stack.ts';

export interface Backend {
  ingress: Ingress;
  service: Service;
  port: number | string;
}

/** The target group of one (Ingress, Service, port). Throws when the Service has no such port or an annotation is malformed. */
export function targetGroupOf(cluster: string, group: GroupId, { ingress, service, port }: Backend): TargetGroupSpec {
  const namespace = service.metadata.namespace ?? '';
  const read = (name: string) => serviceAnnotation(ingress, service, name);
  const servicePort = findPort(service, port);
  const targetType = oneOf(read('target-type') ?? 'instance', ['ip', 'instance'] as const, 'target-type');
  const protocol = oneOf(read('backend-protocol') ?? 'HTTP', ['HTTP', 'HTTPS'] as const, 'backend-protocol');
  const protocolVersion = read('backend-protocol-version') ?? 'HTTP1';
  const id = `${ingress.metadata.namespace}/${ingress.metadata.name}-${service.metadata.name}:${port}`;
  // A named container port and a Service without node port have no number to show; the controller then says 1.
  const targetPort = servicePort.targetPort ?? servicePort.port;
  const number = targetType === 'ip' ? (typeof targetPort === 'number' ? targetPort : 1) : (servicePort.nodePort ?? 1);
  const identity = [cluster, group, id, service.metadata.uid, String(number), targetType, protocol, protocolVersion];
  return {
    id,
    name: targetGroupName(namespace, service.metadata.name, identity),
    protocol,
    protocolVersion,
    port: number,
    targetType,
    healthCheck: healthCheckOf(read, protocol),
    attributes: mapOf(read('target-group-attributes'), 'target-group-attributes'),
    tags: {
      ...mapOf(annotation(ingress, 'tags'), 'tags'),
      ...mapOf(annotation(service, 'tags'), 'tags'),
      ...identityTags(cluster, group, id),
    },
    binding: { namespace, service: service.metadata.name, port },
  };
}

/** The port of the Service with that number or name. */
export function findPort(service: Service, port: number | string) {
  const wanted = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port;
  const found = service.spec?.ports?.find((candidate) =>
    typeof wanted === 'number' ? candidate.port === wanted : candidate.name === wanted,
  );
  if (!found)
    throw new Error(`unable to find port ${port} on service ${service.metadata.namespace}/${service.metadata.name}`);
  return found;
}

function healthCheckOf(read: (name: string) => string | undefined, protocol: 'HTTP' | 'HTTPS'): HealthCheckSpec {
  const integer = (name: string, byDefault: number) => integerOf(read(name), name, byDefault);
  return {
    path: read('healthcheck-path') ?? '/',
    port: read('healthcheck-port') ?? 'traffic-port',
    protocol: oneOf(read('healthcheck-protocol') ?? protocol, ['HTTP', 'HTTPS'] as const, 'healthcheck-protocol'),
    intervalSeconds: integer('healthcheck-interval-seconds', 15),
    timeoutSeconds: integer('healthcheck-timeout-seconds', 5),
    healthyThreshold: integer('healthy-threshold-count', 2),
    unhealthyThreshold: integer('unhealthy-threshold-count', 2),
    successCodes: read('success-codes') ?? '200',
  };
}

function oneOf<T extends string>(value: string, allowed: readonly T[], name: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`unknown ${name}: ${value}`);
  return found;
}
