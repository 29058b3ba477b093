import type { AdditionalPort, SecretRef, WorkloadInput } from '../../contract/deployment/input.ts';

/** A workload with every default filled in (specs: deployment, sections 1 and 4). */

/** An additional port's sidecar listens this much higher. */
export const SIDECAR_PORT_OFFSET = 10_000;
/** So that the sidecar port does not pass 65535. */
export const HIGHEST_ADDITIONAL_PORT = 55_535;
const LOWEST_ADDITIONAL_PORT = 1024;

export interface Autoscaling {
  minReplicas: number;
  maxReplicas: number;
  /** Percent of the request. */
  targetCpuUtilization: number;
  targetMemoryUtilization?: number;
}

export interface Resources {
  cpuMillicores: number;
  cpuMillicoresLimit: number;
  memoryMi: number;
  memoryMiLimit: number;
}

export interface HealthCheck {
  type: 'HTTP' | 'TCP';
  path: string;
  initialDelaySeconds: number;
  periodSeconds: number;
  timeoutSeconds: number;
}

export interface WorkloadPort extends AdditionalPort {
  sidecarPort: number;
}

export interface Workload {
  image: string;
  /** Planned instances: `replicas`, or the fewest that autoscaling allows. */
  replicas: number;
  autoscaling?: Autoscaling;
  resources: Resources;
  mainPort: number;
  protocol: 'http' | 'web_sockets';
  additionalPorts: WorkloadPort[];
  healthCheck: HealthCheck;
  env: Record<string, string>;
  secretRefs: SecretRef[];
}

type Wrong = (path: string, message: string) => void;

const whole = (value: number, from: number, to = Number.MAX_SAFE_INTEGER) =>
  Number.isInteger(value) && value >= from && value <= to;

export function readWorkload(input: WorkloadInput, wrong: Wrong): Workload {
  const at: Wrong = (path, message) => wrong(`workload.${path}`, message);
  const autoscaling = readAutoscaling(input, at);
  const mainPort = input.mainPort ?? 8080;
  if (!whole(mainPort, 1, 65_535)) at('mainPort', `must be a whole number 1-65535, got ${mainPort}`);
  if (input.image.trim() === '') at('image', 'is empty');
  else if (/\s/.test(input.image)) at('image', `"${input.image}" contains blanks`);
  return {
    image: input.image,
    replicas: autoscaling?.minReplicas ?? readReplicas(input, at),
    ...(autoscaling ? { autoscaling } : {}),
    resources: readResources(input, at),
    mainPort,
    protocol: input.protocol ?? 'http',
    additionalPorts: readPorts(input, at),
    healthCheck: readHealthCheck(input, at),
    env: readEnv(input, at),
    secretRefs: readSecrets(input, at),
  };
}

function readReplicas({ replicas }: WorkloadInput, at: Wrong): number {
  const count = replicas ?? 1;
  if (!whole(count, 1)) at('replicas', `must be a whole number from 1, got ${count}`);
  return count;
}

function readAutoscaling({ autoscaling, replicas }: WorkloadInput, at: Wrong): Autoscaling | undefined {
  if (!autoscaling) return undefined;
  if (replicas !== undefined && replicas !== null) at('replicas', 'does not go with autoscaling: give one of the two');
  const minReplicas = autoscaling.minReplicas ?? 1;
  const maxReplicas = autoscaling.maxReplicas ?? Math.max(5, minReplicas);
  const targetCpuUtilization = autoscaling.targetCpuUtilization ?? 70;
  const memory = autoscaling.targetMemoryUtilization ?? undefined;
  if (!whole(minReplicas, 1)) at('autoscaling.minReplicas', `must be a whole number from 1, got ${minReplicas}`);
  if (!whole(maxReplicas, 1)) at('autoscaling.maxReplicas', `must be a whole number from 1, got ${maxReplicas}`);
  else if (minReplicas > maxReplicas) {
    at('autoscaling.maxReplicas', `is ${maxReplicas}, below minReplicas ${minReplicas}`);
  }
  if (!whole(targetCpuUtilization, 1)) {
    at('autoscaling.targetCpuUtilization', `must be a whole number of percent from 1, got ${targetCpuUtilization}`);
  }
  if (memory !== undefined && !whole(memory, 1)) {
    at('autoscaling.targetMemoryUtilization', `must be a whole number of percent from 1, got ${memory}`);
  }
  return {
    minReplicas,
    maxReplicas,
    targetCpuUtilization,
    ...(memory === undefined ? {} : { targetMemoryUtilization: memory }),
  };
}

/** A limit that is absent, null or below its request is the request. */
function readResources({ resources }: WorkloadInput, at: Wrong): Resources {
  const read = (key: 'cpuMillicores' | 'cpuMillicoresLimit' | 'memoryMi' | 'memoryMiLimit', fallback: number) => {
    const value = resources?.[key] ?? fallback;
    const inherited = resources?.[key] === undefined || resources[key] === null;
    if (!inherited && !whole(value, 1)) at(`resources.${key}`, `must be a whole number from 1, got ${value}`);
    return value;
  };
  const cpuMillicores = read('cpuMillicores', 100);
  const memoryMi = read('memoryMi', 128);
  return {
    cpuMillicores,
    cpuMillicoresLimit: Math.max(cpuMillicores, read('cpuMillicoresLimit', cpuMillicores)),
    memoryMi,
    memoryMiLimit: Math.max(memoryMi, read('memoryMiLimit', memoryMi)),
  };
}

function readPorts({ additionalPorts }: WorkloadInput, at: Wrong): WorkloadPort[] {
  const seen = new Set<number>();
  return (additionalPorts ?? []).map(({ port, type }, index) => {
    const path = `additionalPorts.${index}.port`;
    if (!whole(port, LOWEST_ADDITIONAL_PORT, HIGHEST_ADDITIONAL_PORT)) {
      at(path, `must be a whole number ${LOWEST_ADDITIONAL_PORT}-${HIGHEST_ADDITIONAL_PORT}, got ${port}`);
    } else if (seen.has(port)) at(path, `${port} is given twice`);
    seen.add(port);
    return { port, type, sidecarPort: port + SIDECAR_PORT_OFFSET };
  });
}

function readHealthCheck({ healthCheck }: WorkloadInput, at: Wrong): HealthCheck {
  const { type, path, initialDelaySeconds, periodSeconds, timeoutSeconds } = healthCheck ?? {};
  const check: HealthCheck = {
    type: type ?? 'HTTP',
    path: path || '/health',
    initialDelaySeconds: initialDelaySeconds ?? 30,
    periodSeconds: periodSeconds ?? 10,
    timeoutSeconds: timeoutSeconds ?? 5,
  };
  if (!/^\/\S*$/.test(check.path)) at('healthCheck.path', `"${check.path}" must begin with "/" and have no blanks`);
  if (!whole(check.initialDelaySeconds, 0)) at('healthCheck.initialDelaySeconds', 'must be a whole number from 0');
  if (!whole(check.periodSeconds, 1)) at('healthCheck.periodSeconds', 'must be a whole number from 1');
  if (!whole(check.timeoutSeconds, 1)) at('healthCheck.timeoutSeconds', 'must be a whole number from 1');
  else if (check.timeoutSeconds >= check.periodSeconds) {
    at('healthCheck.timeoutSeconds', `is ${check.timeoutSeconds}, not under periodSeconds ${check.periodSeconds}`);
  }
  return check;
}

function readEnv({ env }: WorkloadInput, at: Wrong): Record<string, string> {
  for (const name of Object.keys(env ?? {})) {
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)) at(`env.${name}`, 'is not a name of an environment variable');
  }
  return env ?? {};
}

function readSecrets({ secretRefs }: WorkloadInput, at: Wrong): SecretRef[] {
  const paths = new Set<string>();
  const mounted = new Set<string>();
  for (const [index, { name, as, files }] of (secretRefs ?? []).entries()) {
    const here = `secretRefs.${index}`;
    if (!isObjectName(name)) at(`${here}.name`, `"${name}" is not a name of a Secret`);
    if (as === 'env' && files && files.length > 0) at(`${here}.files`, 'goes with as "files" only');
    if (mounted.has(`${as} ${name}`)) at(`${here}.name`, `"${name}" is given twice as ${as}`);
    mounted.add(`${as} ${name}`);
    for (const [position, { path }] of (files ?? []).entries()) {
      const field = `${here}.files.${position}.path`;
      if (!/^\/[^\s:]*[^\s:/]$/.test(path)) at(field, `"${path}" must be an absolute path of a file`);
      else if (paths.has(path)) at(field, `"${path}" is given twice`);
      paths.add(path);
    }
  }
  return secretRefs ?? [];
}

/** Whether Kubernetes takes this as the name of an object. */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(name);
}
