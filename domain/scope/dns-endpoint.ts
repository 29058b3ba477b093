import { extrasOf } from '../modifiers.ts';
import type { ScopeRequest } from './request.ts';

/** The DNSEndpoint of a scope with external-dns (specs: scope creation, section 8). */

export const DNS_ENDPOINT = { apiVersion: 'externaldns.k8s.io/v1alpha1', kind: 'DNSEndpoint' } as const;

/** Where gateways stand, with everything that tells their address. */
export const GATEWAYS_NAMESPACE = 'gateways';

/** A gateway as `<namespace>/<name>`. */
export const gatewayRef = (gateway: string) => `${GATEWAYS_NAMESPACE}/${gateway}`;

const SLUG_LENGTH = 20;
const TTL_SECONDS = 60;

const cutSlug = (slug: string) => slug.slice(0, SLUG_LENGTH).replace(/-+$/, '');

export function dnsEndpointName({ slugs, scopeId }: Pick<ScopeRequest, 'slugs' | 'scopeId'>): string {
  return `k8s-${cutSlug(slugs.application)}-${cutSlug(slugs.scope)}-${scopeId}-dns`;
}

/** Where a scope's domain is to lead: an address is an A record, a name a CNAME. */
export interface GatewayAddress {
  type: 'A' | 'CNAME';
  target: string;
  /** The object that told it, as `Kind name`. */
  from: string;
}

export function dnsEndpoint(
  request: Pick<ScopeRequest, 'slugs' | 'scopeId' | 'namespace' | 'domain' | 'visibility' | 'labels' | 'modifiers'>,
  address: Pick<GatewayAddress, 'type' | 'target'>,
) {
  const extras = extrasOf(request.modifiers ?? {}, 'dnsendpoint');
  return {
    ...DNS_ENDPOINT,
    metadata: {
      name: dnsEndpointName(request),
      namespace: request.namespace,
      labels: { ...extras.labels, ...request.labels, 'dns/zone-type': request.visibility },
      ...(Object.keys(extras.annotations).length > 0 ? { annotations: extras.annotations } : {}),
    },
    spec: {
      endpoints: [
        { dnsName: request.domain, recordTTL: TTL_SECONDS, recordType: address.type, targets: [address.target] },
      ],
    },
  };
}

interface Addresses {
  ip?: string;
  hostname?: string;
}

/** The name of the Ingress in front of a gateway: the gateway's without `gateway-`. */
export function gatewayIngressName(gateway: string): string {
  return `gateway-alb-${gateway.replace(/^gateway-/, '')}`;
}

export function addressOfIngress(name: string, entries: readonly Addresses[]): GatewayAddress | undefined {
  const hostname = entries.map((entry) => entry.hostname).find(Boolean);
  return hostname ? { type: 'CNAME', target: hostname, from: `Ingress ${name}` } : undefined;
}

export function addressOfGateway(
  name: string,
  addresses: readonly { type?: string; value?: string }[],
): GatewayAddress | undefined {
  const ofType = (type: string) => addresses.find((one) => (one.type ?? 'IPAddress') === type && one.value)?.value;
  const from = `Gateway ${name}`;
  const ip = ofType('IPAddress');
  if (ip) return { type: 'A', target: ip, from };
  const hostname = ofType('Hostname');
  return hostname ? { type: 'CNAME', target: hostname, from } : undefined;
}

export function addressOfService(name: string, entries: readonly Addresses[]): GatewayAddress | undefined {
  const from = `Service ${name}`;
  const ip = entries.map((entry) => entry.ip).find(Boolean);
  if (ip) return { type: 'A', target: ip, from };
  const hostname = entries.map((entry) => entry.hostname).find(Boolean);
  return hostname ? { type: 'CNAME', target: hostname, from } : undefined;
}
