import {
  addressOfGateway,
  addressOfIngress,
  addressOfService,
  DNS_ENDPOINT,
  dnsEndpoint,
  GATEWAYS_NAMESPACE,
  type GatewayAddress,
  gatewayIngressName,
} from '../../domain/scope/dns-endpoint.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { notYet, permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import type { LiveObject } from '../kubernetes/gateway.ts';
import type { ScopeDependencies } from './dependencies.ts';

/** DNS by external-dns: the address of a gateway, and one DNSEndpoint for each scope (specs: scope creation, section 8). */

interface WithStatus extends LiveObject {
  status?: {
    loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] };
    addresses?: { type?: string; value?: string }[];
    observedGeneration?: number;
  };
}

/** The address of a gateway, from the first object that tells one; undefined when none does yet. Reading twice is harmless. */
export async function findGatewayAddress(
  deps: ScopeDependencies,
  { gateway }: { gateway: string },
): Promise<GatewayAddress | undefined> {
  const read = (apiVersion: string, kind: string, name: string): Promise<WithStatus | undefined> =>
    deps.kubernetes.read({ apiVersion, kind, name, namespace: GATEWAYS_NAMESPACE });
  const ingressName = gatewayIngressName(gateway);
  const ingress = await read('networking.k8s.io/v1', 'Ingress', ingressName);
  const byIngress = addressOfIngress(ingressName, ingress?.status?.loadBalancer?.ingress ?? []);
  if (byIngress) return byIngress;
  const object = await read('gateway.networking.k8s.io/v1', 'Gateway', gateway);
  const byGateway = addressOfGateway(gateway, object?.status?.addresses ?? []);
  if (byGateway) return byGateway;
  const service = await read('v1', 'Service', gateway);
  return addressOfService(gateway, service?.status?.loadBalancer?.ingress ?? []);
}

export interface ApplyEndpointInput {
  request: ScopeRequest;
  run: string;
  address: GatewayAddress;
}

/**
 * Applies the DNSEndpoint of a scope. Twice is harmless: server-side apply of the same object. The ledger learns of it before
 * the cluster does, and keeps the run that made it first. One of another name or namespace, which the scope had before, stays
 * known as replaced until it is removed.
 */
export async function applyDnsEndpoint(
  deps: ScopeDependencies,
  { request, run, address }: ApplyEndpointInput,
): Promise<{ generation: number; made: boolean; replaced?: string[] }> {
  const object = dnsEndpoint(request, address);
  const ref = `${object.metadata.namespace}/${object.metadata.name}`;
  const { name, namespace } = object.metadata;
  const existed = (await deps.kubernetes.read({ ...DNS_ENDPOINT, namespace, name })) !== undefined;
  const { rows } = await deps.database.query<{ by: string; replaced: string[] }>(
    `update placement set dns_endpoint = $3, dns_endpoint_by = case when $4 and dns_endpoint = $3 then dns_endpoint_by else $2 end,
            dns_endpoints_before = array_remove(
              case when dns_endpoint <> $3 then dns_endpoints_before || dns_endpoint else dns_endpoints_before end, $3),
            version = version + 1, updated_at = now()
      where scope_id = $1 and holder = $2 returning dns_endpoint_by as by, dns_endpoints_before as replaced`,
    [request.scopeId, run, ref, existed],
  );
  const [row] = rows;
  if (!row)
    throw permanent('ScopeBusy', `another run took scope ${request.scopeId} from this one. Repeat the request.`);
  try {
    const applied = await deps.kubernetes.apply(object);
    return { generation: applied.metadata?.generation ?? 1, made: row.by === run, replaced: row.replaced };
  } catch (error) {
    if (!(error instanceof KubernetesCallError) || error.kind !== 'absent') throw error;
    const message = `Kubernetes does not know DNSEndpoint, or namespace ${request.namespace} is gone: ${error.message}. Install external-dns with its definitions, then repeat.`;
    throw permanent('KubernetesRefused', message, { resource: ref }, error);
  }
}

export interface WatchEndpointInput {
  namespace: string;
  name: string;
  generation: number;
  since: string;
  until: string;
}

/** One look whether external-dns has observed the object; "not yet" is a retried attempt, past `until` it is `DnsTimeout`. */
export async function watchDnsEndpoint(deps: ScopeDependencies, input: WatchEndpointInput): Promise<void> {
  const { namespace, name, generation, since, until } = input;
  const object: WithStatus | undefined = await deps.kubernetes.read({ ...DNS_ENDPOINT, namespace, name });
  const observed = object?.status?.observedGeneration;
  if (observed !== undefined && observed >= generation) return;
  const seen = object
    ? `observedGeneration is ${observed ?? 'not set'}, generation ${generation}`
    : 'the object is gone';
  if (Date.now() >= Date.parse(until)) {
    const message = `external-dns had not observed DNSEndpoint ${namespace}/${name} by ${until}: ${seen}. Look at the logs of external-dns, then repeat.`;
    throw permanent('DnsTimeout', message, { object: `${namespace}/${name}`, lastSeen: seen, since, until });
  }
  const left = (Date.parse(until) - Date.now()) / 1000;
  throw notYet(
    `DNSEndpoint ${namespace}/${name}: ${seen}`,
    Math.max(0.001, Math.min(deps.settings.timings.dnsPollInterval, left)),
  );
}

export interface RemoveEndpointInput {
  scopeId: string;
  /** Set when undoing: only one that this run made, and what it replaces counts again. */
  onlyMadeBy?: string;
  /** Only what the DNSEndpoint of this run, which holds the scope, replaces. */
  onlyReplacedBy?: string;
}

/**
 * Removes the DNSEndpoint that the ledger has for a scope and those that it replaces. Twice is harmless: absent is done.
 */
export async function removeDnsEndpoint(
  deps: ScopeDependencies,
  { scopeId, onlyMadeBy, onlyReplacedBy }: RemoveEndpointInput,
): Promise<{ outcome: 'removed' | 'absent' | 'kept'; object?: string }> {
  if (onlyReplacedBy !== undefined) return removeReplaced(deps, scopeId, onlyReplacedBy);
  const { rows } = await deps.database.query<{ object: string | null; by: string | null; replaced: string[] }>(
    'select dns_endpoint as object, dns_endpoint_by as by, dns_endpoints_before as replaced from placement where scope_id = $1',
    [scopeId],
  );
  const { object, by, replaced } = rows[0] ?? { object: null, by: null, replaced: [] };
  if (object === null) return { outcome: 'absent' };
  if (onlyMadeBy !== undefined && by !== onlyMadeBy) return { outcome: 'kept', object };
  const outcome = await removeObject(deps, object);
  const left = onlyMadeBy === undefined ? [] : replaced;
  if (onlyMadeBy === undefined) for (const other of replaced) await removeObject(deps, other);
  await deps.database.query(
    `update placement set dns_endpoint = $3, dns_endpoint_by = null, dns_endpoints_before = $4, version = version + 1, updated_at = now()
      where scope_id = $1 and dns_endpoint = $2`,
    [scopeId, object, left.at(-1) ?? null, left.slice(0, -1)],
  );
  return { outcome, object };
}

/** From here on the new one is not undone any more: nothing else is left that answers for the domain. */
async function removeReplaced(deps: ScopeDependencies, scopeId: string, run: string): Promise<{ outcome: 'removed' }> {
  const { rows } = await deps.database.query<{ replaced: string[] }>(
    `update placement set dns_endpoint_by = null, version = version + 1, updated_at = now()
      where scope_id = $1 and holder = $2 returning dns_endpoints_before as replaced`,
    [scopeId, run],
  );
  const replaced = rows[0]?.replaced ?? [];
  for (const object of replaced) await removeObject(deps, object);
  await deps.database.query(
    `update placement set dns_endpoints_before = '{}', version = version + 1, updated_at = now()
      where scope_id = $1 and dns_endpoints_before = $2`,
    [scopeId, replaced],
  );
  return { outcome: 'removed' };
}

async function removeObject(deps: ScopeDependencies, object: string): Promise<'removed' | 'absent'> {
  const [namespace = '', name = ''] = object.split('/');
  return (await deps.kubernetes.remove({ ...DNS_ENDPOINT, namespace, name })) === 'deleting' ? 'removed' : 'absent';
}
