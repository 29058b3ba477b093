import { DEPLOYMENT_ID_LABEL } from '../../../contract/names.ts';
import { extrasOf, placementOf } from '../../modifiers.ts';
import { ALB } from '../../scope/keeper.ts';
import { brandLabel, sideLabels } from '../labels.ts';
import { hpaName, pdbName, portServiceName, sideName } from '../names.ts';
import type { DeploymentRequest } from '../request.ts';
import type { HealthCheck, WorkloadPort } from '../workload.ts';
import { containers, volumes } from './containers.ts';
import type { KubernetesObject } from './kubernetes.ts';

/**
 * The objects of the new side in the order in which they may be applied: Services, then Deployment, HPA and PDB (specs:
 * deployment, section 5). Equal requests give equal objects.
 */
export function sideObjects(request: DeploymentRequest): KubernetesObject[] {
  return [
    ...services(request),
    deployment(request),
    ...(request.workload.autoscaling ? [autoscaler(request)] : []),
    ...(request.disruptionBudget ? [disruptionBudget(request)] : []),
  ];
}

function services(request: DeploymentRequest): KubernetesObject[] {
  const { workload, sidecar } = request;
  const side = sideName(request.scopeId, request.deploymentId);
  const main = service(
    request,
    side,
    workload.mainPort,
    sidecar?.port ?? workload.mainPort,
    healthOf(workload.healthCheck),
  );
  const others = workload.additionalPorts.map((port) => {
    const targetPort = sidecar ? port.sidecarPort : port.port;
    return service(request, portServiceName(side, port), port.port, targetPort, portHealth(port, workload.healthCheck));
  });
  return [main, ...others];
}

function service(
  request: DeploymentRequest,
  name: string,
  port: number,
  targetPort: number,
  annotations: Record<string, string>,
): KubernetesObject {
  const extras = extrasOf(request.modifiers, 'service');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: request.scope.namespace,
      labels: { ...extras.labels, ...sideLabels(request, name) },
      annotations: { ...extras.annotations, ...annotations },
    },
    spec: {
      type: 'ClusterIP',
      ports: [{ name: 'http', port, targetPort, protocol: 'TCP' }],
      selector: { ...request.identity, [DEPLOYMENT_ID_LABEL]: request.deploymentId, ...brandLabel(request) },
    },
  };
}

/** How ALB asks a target. A duration that ALB would refuse is moved to the nearest one that it takes. */
function healthOf({
  path,
  periodSeconds,
  timeoutSeconds,
}: Pick<HealthCheck, 'path' | 'periodSeconds' | 'timeoutSeconds'>) {
  const interval = Math.min(300, Math.max(5, periodSeconds));
  const timeout = Math.min(120, interval - 1, Math.max(2, timeoutSeconds));
  return {
    [`${ALB}/healthcheck-path`]: path,
    [`${ALB}/healthcheck-interval-seconds`]: String(interval),
    [`${ALB}/healthcheck-timeout-seconds`]: String(timeout),
    [`${ALB}/healthy-threshold-count`]: '2',
    [`${ALB}/unhealthy-threshold-count`]: '3',
    [`${ALB}/success-codes`]: '200-299',
  };
}

function portHealth({ type }: WorkloadPort, check: HealthCheck): Record<string, string> {
  if (type === 'HTTP') return { ...healthOf(check), [`${ALB}/backend-protocol`]: 'HTTP' };
  return {
    ...healthOf({ path: '/grpc.health.v1.Health/Check', periodSeconds: 10, timeoutSeconds: 5 }),
    [`${ALB}/success-codes`]: '0',
    [`${ALB}/backend-protocol-version`]: 'GRPC',
  };
}

function deployment(request: DeploymentRequest): KubernetesObject {
  const { workload, pullSecrets, serviceAccountName, modifiers, runAsRoot } = request;
  const name = sideName(request.scopeId, request.deploymentId);
  const extras = extrasOf(modifiers, 'deployment');
  const placement = placementOf(modifiers);
  const labels = { ...extras.labels, ...sideLabels(request, name) };
  const mounted = volumes(request);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: request.scope.namespace, labels, annotations: extras.annotations },
    spec: {
      // An autoscaler owns the count: writing it here would undo its work.
      ...(workload.autoscaling ? {} : { replicas: workload.replicas }),
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      selector: { matchLabels: { name } },
      template: {
        metadata: { labels: { ...labels, ...brandLabel(request) }, annotations: extras.annotations },
        spec: {
          ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
          ...(pullSecrets.length > 0 ? { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })) } : {}),
          ...(runAsRoot ? { securityContext: { runAsUser: 0 } } : {}),
          terminationGracePeriodSeconds: 30,
          ...(placement.tolerations ? { tolerations: placement.tolerations } : {}),
          ...(placement.nodeselector ? { nodeSelector: placement.nodeselector } : {}),
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: { name } },
            },
          ],
          containers: containers(request),
          ...(mounted.length > 0 ? { volumes: mounted } : {}),
        },
      },
    },
  };
}

function autoscaler(request: DeploymentRequest): KubernetesObject {
  const target = sideName(request.scopeId, request.deploymentId);
  const scaling = request.workload.autoscaling;
  const extras = extrasOf(request.modifiers, 'hpa');
  const metric = (name: string, averageUtilization: number | undefined) =>
    averageUtilization === undefined
      ? []
      : [{ type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization } } }];
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: hpaName(target),
      namespace: request.scope.namespace,
      labels: { ...extras.labels, ...sideLabels(request, target) },
      annotations: extras.annotations,
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
      minReplicas: scaling?.minReplicas,
      maxReplicas: scaling?.maxReplicas,
      metrics: [...metric('cpu', scaling?.targetCpuUtilization), ...metric('memory', scaling?.targetMemoryUtilization)],
    },
  };
}

function disruptionBudget(request: DeploymentRequest): KubernetesObject {
  const target = sideName(request.scopeId, request.deploymentId);
  const name = pdbName(target);
  const extras = extrasOf(request.modifiers, 'pdb');
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {
      name,
      namespace: request.scope.namespace,
      labels: { ...extras.labels, ...sideLabels(request, name) },
      annotations: extras.annotations,
    },
    spec: { maxUnavailable: request.disruptionBudget?.maxUnavailable, selector: { matchLabels: { name: target } } },
  };
}
