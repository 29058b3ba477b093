import type { InvalidField } from '../../contract/failures.ts';
import type { Workload } from './workload.ts';

/** The traffic manager: a container in front of each port of the application (specs: deployment, sections 3 to 5). */
export interface Sidecar {
  /** With its tag. */
  image: string;
  /** Port that the main Service leads to. */
  port: number;
  configMap?: string;
  memoryMi: number;
  cpuMillicores: number;
}

export const SIDECAR_DEFAULTS = { port: 80, memoryMi: 64, cpuMillicores: 93 };

/** The image with a tag: its own, else the one of the protocol. */
export function sidecarImage(image: string, protocol: Workload['protocol']): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (name.includes(':') || name.includes('@')) return image;
  return `${image}:${protocol === 'web_sockets' ? 'websocket2' : 'latest'}`;
}

/** What is wrong with the port of the sidecar beside the workload's ports, or undefined. */
export function sidecarPortProblem(port: number, { mainPort, additionalPorts }: Workload): string | undefined {
  if (port === mainPort) return `is ${port}, the main port`;
  const same = additionalPorts.find((other) => other.port === port || other.sidecarPort === port);
  if (!same) return undefined;
  return same.port === port
    ? `is ${port}, an additional port`
    : `is ${port}, the sidecar port of additional port ${same.port}`;
}

/** Sidecar ports that the application itself listens on: one pod has one set of ports. */
export function portsTakenTwice({ mainPort, additionalPorts }: Workload): { index: number; message: string }[] {
  const own = new Set([mainPort, ...additionalPorts.map(({ port }) => port)]);
  return additionalPorts.flatMap(({ port, sidecarPort }, index) =>
    own.has(sidecarPort)
      ? [{ index, message: `the sidecar port of ${port} is ${sidecarPort}, which the application uses itself` }]
      : [],
  );
}

/** Reads the ConfigMap of the sidecar, undefined when there is none: its two files must be there, its two figures win. */
export function withConfigMap(
  sidecar: Sidecar,
  data: Record<string, string> | undefined,
): { ok: true; sidecar: Sidecar } | { ok: false; problems: InvalidField[] } {
  if (sidecar.configMap === undefined) return { ok: true, sidecar };
  const path = 'networking.scope.trafficManagerConfigMap';
  const refuse = (message: string) => ({
    ok: false as const,
    problems: [{ path, message: `ConfigMap "${sidecar.configMap}" ${message}` }],
  });
  if (data === undefined) return refuse('does not exist');
  const missing = ['nginx.conf', 'default.conf'].filter((key) => data[key] === undefined);
  if (missing.length > 0) return refuse(`has no key ${missing.join(' and no key ')}`);
  const memoryMi = figure(data.container_memory_in_memory) ?? sidecar.memoryMi;
  const cpuMillicores = figure(data.container_cpu_in_millicores) ?? sidecar.cpuMillicores;
  if (!(memoryMi > 0)) return refuse('has a container_memory_in_memory that is not a positive number');
  if (!(cpuMillicores > 0)) return refuse('has a container_cpu_in_millicores that is not a positive number');
  return { ok: true, sidecar: { ...sidecar, memoryMi, cpuMillicores } };
}

function figure(text: string | undefined): number | undefined {
  return text === undefined || text.trim() === '' ? undefined : Number(text);
}
