import type { IncomingMessage } from 'node:http';
import type { Service } from './answers.ts';
import { ELB_VERSION } from './elbv2/router.ts';
import { DNS_PREFIX, dnsRoute } from './route53/router.ts';
import { STS_VERSION } from './sts.ts';

const MOST_BYTES = 1_000_000;

/** A request to one of the services, before anybody looked into its signature. */
export interface Call {
  service: Service;
  signingName: string;
  action: string;
  method: string;
  path: string;
  query: URLSearchParams;
  form: URLSearchParams;
  body: string;
  /** Path, query and body, decoded, for the `resource` of fault rules. */
  text: string;
  dns: ReturnType<typeof dnsRoute>;
}

/** Reads a body to its end; undefined when it is larger than any request of these services. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return bytes > MOST_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

/** Which service and action a request is for, undefined when it is for none. */
export function identify(method: string, url: URL, body: string): Call | undefined {
  const path = url.pathname;
  if (path.startsWith(DNS_PREFIX)) {
    const dns = dnsRoute(method, path);
    const text = `${path}?${decode(url.search.slice(1))}\n${body}`;
    return {
      service: 'route53',
      signingName: 'route53',
      action: dns?.route.action ?? 'Unknown',
      method,
      path,
      query: url.searchParams,
      form: new URLSearchParams(),
      body,
      text,
      dns,
    };
  }
  const form = new URLSearchParams(method === 'POST' ? body : url.search);
  const version = form.get('Version');
  const action = form.get('Action');
  if (path !== '/' || !action || (version !== ELB_VERSION && version !== STS_VERSION)) return undefined;
  const names = version === ELB_VERSION ? (['elbv2', 'elasticloadbalancing'] as const) : (['sts', 'sts'] as const);
  const text = `${path}?${decode(url.search.slice(1))}\n${decode(body)}`;
  return {
    service: names[0],
    signingName: names[1],
    action,
    method,
    path,
    query: url.searchParams,
    form,
    body,
    text,
    dns: undefined,
  };
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return encoded;
  }
}
