import type { Group } from '../../../../sandbox/controllers/load-balancer/groups.ts';
import { type BuildResult, buildStack } from '../../../../sandbox/controllers/load-balancer/model/build.ts';
import type { Certificate } from '../../../../sandbox/controllers/load-balancer/model/certificates.ts';
import type { Stack } from '../../../../sandbox/controllers/load-balancer/model/stack.ts';
import type { Ingress, Service } from '../../../../sandbox/controllers/objects.ts';

let uids = 0;
const meta = (namespace: string, name: string) => {
  uids += 1;
  return { namespace, name, uid: `uid-${uids}`, resourceVersion: '1', creationTimestamp: '2026-11-21T00:00:00Z' };
};

export interface IngressShape {
  namespace?: string;
  name: string;
  /** Without the prefix of the controller. */
  annotations?: Record<string, string>;
  rules?: { host?: string; path?: string; pathType?: string; service: string; port?: number | string }[];
  defaultBackend?: string;
}

export function ingress({
  namespace = 'shop',
  name,
  annotations = {},
  rules = [],
  defaultBackend,
}: IngressShape): Ingress {
  return {
    metadata: {
      ...meta(namespace, name),
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      ingressClassName: 'alb',
      ...(defaultBackend === undefined
        ? {}
        : { defaultBackend: { service: { name: defaultBackend, port: { number: 80 } } } }),
      rules: rules.map(({ host, path = '/', pathType = 'Prefix', service, port = 80 }) => ({
        ...(host === undefined ? {} : { host }),
        http: {
          paths: [
            {
              path,
              pathType,
              backend: {
                service: { name: service, port: typeof port === 'number' ? { number: port } : { name: port } },
              },
            },
          ],
        },
      })),
    },
  };
}

export function service(
  name: string,
  options: { namespace?: string; annotations?: Record<string, string>; targetPort?: number | string } = {},
): Service {
  const { namespace = 'shop', annotations = {}, targetPort = 8080 } = options;
  return {
    metadata: {
      ...meta(namespace, name),
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort }] },
  };
}

export const HTTPS = { 'listen-ports': '[{"HTTPS":443}]' };
export const wildcard: Certificate = { arn: 'arn:cert/wildcard', domains: ['example.com', '*.example.com'] };

export function build(
  members: Ingress[],
  services: Service[] = [],
  certificates: Certificate[] = [wildcard],
  id = 'web',
): BuildResult {
  const group: Group = { id, members, leaving: [] };
  const find = (namespace: string, name: string) =>
    services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return buildStack({ cluster: 'test', group, services: find, certificates, subnets: ['subnet-1', 'subnet-2'] });
}

/** The stack, or a failure of the test. */
export function stackOf(...input: Parameters<typeof build>): Stack {
  const result = build(...input);
  if (!result.ok) throw new Error(`unexpected build error: ${result.error}`);
  return result.stack;
}

/** The build error, or a failure of the test. */
export function errorOf(...input: Parameters<typeof build>): string {
  const result = build(...input);
  if (result.ok) throw new Error('the model was built');
  return result.error;
}
