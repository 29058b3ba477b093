import type { AdditionalPort } from '../../contract/deployment/input.ts';
import type { Scheme } from '../../contract/scope/input.ts';

/** Names of the objects of a scope's deployments (specs: deployment, section 5). Ids are at most 24 characters, so all fit 63. */

/** Deployment and main Service of one side. */
export function sideName(scopeId: string, deploymentId: string): string {
  return `d-${scopeId}-${deploymentId}`;
}

/** Service of an additional port; also the names of its container and, with the scheme, of its Ingress end like this. */
export function portServiceName(side: string, { type, port }: AdditionalPort): string {
  return `${side}-${portSuffix({ type, port })}`;
}

export function portSuffix({ type, port }: AdditionalPort): string {
  return `${type.toLowerCase()}-${port}`;
}

export function hpaName(side: string): string {
  return `hpa-${side}`;
}

export function pdbName(side: string): string {
  return `pdb-${side}`;
}

/** The scope's main Ingress, or the one of an additional port; also its HTTPRoute. */
export function ingressName(scopeSlug: string, scopeId: string, scheme: Scheme, port?: AdditionalPort): string {
  return ['k-8-s', scopeSlug, scopeId, ...(port ? [portSuffix(port)] : []), scheme].join('-');
}

/** What a Service name says: the deployment it belongs to, and its additional port. Undefined: not of this scope. */
export function readServiceName(
  scopeId: string,
  name: string,
): { deploymentId: string; port?: AdditionalPort } | undefined {
  const prefix = `d-${scopeId}-`;
  if (!name.startsWith(prefix)) return undefined;
  const rest = name.slice(prefix.length);
  const match = /^(.+)-(http|grpc)-(\d{4,5})$/.exec(rest);
  if (!match) return rest === '' ? undefined : { deploymentId: rest };
  const [, deploymentId = '', type, port] = match;
  return { deploymentId, port: { type: type === 'grpc' ? 'GRPC' : 'HTTP', port: Number(port) } };
}

/** Pod names in messages: `...` and what follows the Deployment's name, else the full name. */
export function shortPodName(pod: string, side: string): string {
  return pod.startsWith(`${side}-`) ? `...${pod.slice(side.length + 1)}` : pod;
}
