import { portSuffix } from '../names.ts';
import type { DeploymentRequest } from '../request.ts';
import type { Sidecar } from '../sidecar.ts';
import type { HealthCheck, Workload, WorkloadPort } from '../workload.ts';

/** The containers of a pod and what they mount (specs: deployment, section 5). Durations in seconds. */

const PRE_STOP_SECONDS = 16;
const SIDECAR_GRACE_SECONDS = 15;
const SIDECAR_CPU_REQUEST = 31;

type PodRequest = Pick<DeploymentRequest, 'workload' | 'sidecar'>;

export function containers({ workload, sidecar }: PodRequest): Record<string, unknown>[] {
  const application = applicationContainer(workload);
  if (!sidecar) return [application];
  const main = sidecarContainer('http', sidecar, workload, { listen: sidecar.port, upstream: workload.mainPort });
  const others = workload.additionalPorts.map((port) =>
    sidecarContainer(portSuffix(port), sidecar, workload, { listen: port.sidecarPort, upstream: port.port, of: port }),
  );
  return [application, main, ...others];
}

export function volumes({ workload, sidecar }: PodRequest): Record<string, unknown>[] {
  const secrets = fileSecrets(workload).map(({ name, volume }) => ({ name: volume, secret: { secretName: name } }));
  const config = sidecar?.configMap ? [{ name: NGINX_VOLUME, configMap: { name: sidecar.configMap } }] : [];
  return [...secrets, ...config];
}

function applicationContainer(workload: Workload): Record<string, unknown> {
  const { image, resources, mainPort, additionalPorts, healthCheck, env } = workload;
  const mounts = fileSecrets(workload).flatMap(({ name, volume, files }) =>
    files.length === 0
      ? [{ name: volume, mountPath: `/etc/secrets/${name}`, readOnly: true }]
      : files.map(({ key, path }) => ({ name: volume, mountPath: path, subPath: key, readOnly: true })),
  );
  const fromSecrets = workload.secretRefs.filter((ref) => ref.as === 'env');
  const ports = [...new Set([mainPort, ...additionalPorts.map(({ port }) => port)])];
  return {
    name: 'application',
    image,
    imagePullPolicy: 'IfNotPresent',
    ports: ports.map((containerPort) => ({ containerPort, protocol: 'TCP' })),
    ...(fromSecrets.length > 0 ? { envFrom: fromSecrets.map(({ name }) => ({ secretRef: { name } })) } : {}),
    ...(Object.keys(env).length > 0 ? { env: variables(env) } : {}),
    ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
    resources: {
      requests: { cpu: `${resources.cpuMillicores}m`, memory: `${resources.memoryMi}Mi` },
      limits: { cpu: `${resources.cpuMillicoresLimit}m`, memory: `${resources.memoryMiLimit}Mi` },
    },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    ...probes(healthCheck, mainPort, healthCheck.type === 'HTTP', { live: 6, ready: 3, startup: 90 }),
  };
}

interface SidecarPorts {
  listen: number;
  upstream: number;
  /** The additional port; absent for the main one. */
  of?: WorkloadPort;
}

function sidecarContainer(
  name: string,
  sidecar: Sidecar,
  { healthCheck }: Workload,
  { listen, upstream, of }: SidecarPorts,
): Record<string, unknown> {
  const protocol = of?.type === 'GRPC' ? 'grpc' : 'http';
  const http = protocol === 'http' && healthCheck.type === 'HTTP';
  return {
    name,
    image: sidecar.image,
    imagePullPolicy: 'Always',
    ports: [{ containerPort: listen, protocol: 'TCP' }],
    env: variables({
      LISTENER_PORT: String(listen),
      UPSTREAM_PORT: String(upstream),
      LISTENER_PROTOCOL: protocol,
      HEALTH_CHECK_TYPE: protocol,
      HEALTH_CHECK_PATH: healthCheck.path,
      GRACE_PERIOD: String(SIDECAR_GRACE_SECONDS),
    }),
    ...(sidecar.configMap ? { volumeMounts: NGINX_MOUNTS } : {}),
    resources: {
      requests: { cpu: `${Math.min(SIDECAR_CPU_REQUEST, sidecar.cpuMillicores)}m`, memory: `${sidecar.memoryMi}Mi` },
      limits: { cpu: `${sidecar.cpuMillicores}m`, memory: `${sidecar.memoryMi}Mi` },
    },
    ...probes(healthCheck, listen, http, { live: 9, ready: 3, startup: 90 }),
  };
}

const NGINX_VOLUME = 'traffic-manager-configuration';
const NGINX_MOUNTS = [
  { name: NGINX_VOLUME, mountPath: '/etc/nginx/nginx.conf', subPath: 'nginx.conf', readOnly: true },
  { name: NGINX_VOLUME, mountPath: '/etc/nginx/conf.d/default.conf', subPath: 'default.conf', readOnly: true },
];

function probes(
  check: HealthCheck,
  port: number,
  http: boolean,
  failures: { live: number; ready: number; startup: number },
) {
  const probe = (failureThreshold: number) => ({
    ...(http ? { httpGet: { path: check.path, port, scheme: 'HTTP' } } : { tcpSocket: { port } }),
    initialDelaySeconds: check.initialDelaySeconds,
    periodSeconds: check.periodSeconds,
    timeoutSeconds: check.timeoutSeconds,
    successThreshold: 1,
    failureThreshold,
  });
  return {
    startupProbe: probe(failures.startup),
    livenessProbe: probe(failures.live),
    readinessProbe: probe(failures.ready),
  };
}

function fileSecrets({ secretRefs }: Workload) {
  return secretRefs
    .filter((ref) => ref.as === 'files')
    .map(({ name, files }, index) => ({ name, files: files ?? [], volume: `secret-files-${index}` }));
}

function variables(values: Record<string, string>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
