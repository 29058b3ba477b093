import { z } from 'zod';
import type { Ingress } from '../../objects.ts';
import { annotation, integerOf, jsonOf, listOf } from '../annotations.ts';
import { type Certificate, certificatesFor } from './certificates.ts';

/** What one Ingress, or all of a group together, want of a port. */
export interface PortConfig {
  port: number;
  protocol: 'HTTP' | 'HTTPS';
  certificates: string[];
  sslPolicy?: string;
}

const portNumber = z.number().int().min(1).max(65535).optional();
const listenPorts = z.array(z.strictObject({ http: portNumber, https: portNumber })).min(1);

/** The ports of one Ingress: `listen-ports`, else 443 with an explicit certificate, else 80. Throws without a certificate for an HTTPS port. */
export function portsOf(ingress: Ingress, certificates: readonly Certificate[]): PortConfig[] {
  const explicit = listOf(annotation(ingress, 'certificate-arn'));
  const sslPolicy = annotation(ingress, 'ssl-policy');
  return declaredPorts(ingress, explicit.length > 0).map(({ port, protocol }): PortConfig => {
    if (protocol === 'HTTP') return { port, protocol, certificates: [] };
    const arns = explicit.length > 0 ? explicit : certificatesFor(hostsOf(ingress), certificates);
    if (arns.length === 0) throw new Error(`no certificate found for HTTPS listener on port ${port}`);
    return { port, protocol, certificates: arns, ...(sslPolicy === undefined ? {} : { sslPolicy }) };
  });
}

function declaredPorts(ingress: Ingress, hasCertificate: boolean): { port: number; protocol: 'HTTP' | 'HTTPS' }[] {
  const text = annotation(ingress, 'listen-ports');
  if (text === undefined) return hasCertificate ? [{ port: 443, protocol: 'HTTPS' }] : [{ port: 80, protocol: 'HTTP' }];
  const parsed = listenPorts.safeParse(jsonOf(text, 'listen-ports'));
  if (!parsed.success) throw new Error(`failed to parse listen-ports configuration: \`${text}\``);
  const ports = parsed.data.flatMap((entry) =>
    Object.entries(entry).map(
      ([protocol, port]) => ({ port: Number(port), protocol: protocol === 'https' ? 'HTTPS' : 'HTTP' }) as const,
    ),
  );
  if (ports.length === 0) throw new Error(`empty listen-ports configuration: \`${text}\``);
  return ports;
}

function hostsOf(ingress: Ingress): string[] {
  const ofRules = (ingress.spec?.rules ?? []).flatMap(({ host }) => (host === undefined || host === '' ? [] : [host]));
  const ofTls = (ingress.spec?.tls ?? []).flatMap(({ hosts }) => hosts ?? []);
  return [...new Set([...ofRules, ...ofTls])].sort();
}

/** One port as all its Ingresses want it. Throws on different protocols or SSL policies. */
export function mergePorts(configs: readonly PortConfig[]): PortConfig[] {
  const merged = new Map<number, PortConfig>();
  for (const config of configs) {
    const known = merged.get(config.port);
    if (!known) {
      merged.set(config.port, { ...config, certificates: [...config.certificates] });
      continue;
    }
    if (known.protocol !== config.protocol) {
      throw new Error(`conflicting protocol on port ${config.port}: ${known.protocol} | ${config.protocol}`);
    }
    if (known.sslPolicy !== undefined && config.sslPolicy !== undefined && known.sslPolicy !== config.sslPolicy) {
      throw new Error(`conflicting sslPolicy on port ${config.port}: ${known.sslPolicy} | ${config.sslPolicy}`);
    }
    known.certificates = [...new Set([...known.certificates, ...config.certificates])];
    if (known.sslPolicy === undefined && config.sslPolicy !== undefined) known.sslPolicy = config.sslPolicy;
  }
  return [...merged.values()].sort((a, b) => a.port - b.port);
}

/** The HTTPS port that every HTTP listener of the group redirects to, undefined without `ssl-redirect`. */
export function sslRedirectPort(members: readonly Ingress[], ports: readonly PortConfig[]): number | undefined {
  const wanted = new Set<number>();
  for (const member of members) {
    const text = annotation(member, 'ssl-redirect');
    if (text !== undefined) wanted.add(integerOf(text, 'ssl-redirect', 0));
  }
  if (wanted.size > 1) throw new Error(`conflicting sslRedirect port: ${[...wanted].join(' | ')}`);
  const [port] = wanted;
  if (port === undefined) return undefined;
  const listener = ports.find((candidate) => candidate.port === port);
  if (!listener) throw new Error(`listener does not exist for SSLRedirect port: ${port}`);
  if (listener.protocol !== 'HTTPS') throw new Error(`listener protocol non-SSL for SSLRedirect port: ${port}`);
  return port;
}
