import { balancerTagKeys, MANAGED_BY_AUTOCREATE } from '../../contract/names.ts';
import type { Scheme } from '../../contract/scope/input.ts';
import type { Extras } from '../modifiers.ts';

/** The keeper Ingress: it makes an autocreated balancer exist and keeps it alive (specs: scope creation, section 3). */

/** Prefix of the annotations that the load balancer controller reads. */
export const ALB = 'alb.ingress.kubernetes.io';

export interface KeeperSpec {
  brand: string;
  balancer: string;
  scheme: Scheme;
  /** The scope that caused the balancer; its tag value never changes. */
  scopeId: string;
  namespace: string;
  host: string;
  /** Added by the platform; what is ours wins. */
  extras?: Extras | null;
  /** ISO time of a repair: a changed annotation makes the controller look at AWS again. */
  repairedAt?: string;
}

/** The tags that mark an autocreated balancer as ours. */
export function balancerTags(spec: Pick<KeeperSpec, 'brand' | 'scheme' | 'scopeId'>): Record<string, string> {
  const keys = balancerTagKeys(spec.brand);
  return {
    [keys.managedBy]: MANAGED_BY_AUTOCREATE,
    [keys.visibility]: spec.scheme,
    [keys.createdByScope]: spec.scopeId,
  };
}

/**
 * Annotations that every member of a balancer's group must agree on: one differing value stops the whole group. The
 * controller removes undeclared tags, so ours stand here; they belong on the keeper alone.
 */
export function groupAnnotations(balancer: string, scheme: Scheme): Record<string, string> {
  return {
    [`${ALB}/group.name`]: balancer,
    [`${ALB}/load-balancer-name`]: balancer,
    [`${ALB}/scheme`]: scheme,
    [`${ALB}/listen-ports`]: '[{"HTTP":80},{"HTTPS":443}]',
    [`${ALB}/ssl-redirect`]: '443',
    [`${ALB}/target-type`]: 'ip',
  };
}

const RESPONSE_404_ACTION = {
  type: 'fixed-response',
  fixedResponseConfig: {
    contentType: 'text/plain',
    statusCode: '404',
    messageBody: '404 scope not found or has not been deployed yet',
  },
};

/** What a host without a deployment answers; the same text on every member of a group. */
export const RESPONSE_404 = JSON.stringify(RESPONSE_404_ACTION);

export function keeperName(brand: string, balancer: string): string {
  return `${brand}-autocreate-${balancer}`;
}

/** The keeper as a `networking.k8s.io/v1` Ingress, for server-side apply. */
export function keeperIngress(spec: KeeperSpec) {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: keeperName(spec.brand, spec.balancer),
      namespace: spec.namespace,
      labels: {
        ...spec.extras?.labels,
        [spec.brand]: 'true',
        [`${spec.brand}-autocreate`]: 'true',
        alb_name: spec.balancer,
      },
      annotations: {
        ...spec.extras?.annotations,
        ...groupAnnotations(spec.balancer, spec.scheme),
        [`${ALB}/actions.response-404`]: RESPONSE_404,
        [`${ALB}/tags`]: Object.entries(balancerTags(spec))
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
        ...(spec.repairedAt ? { [`${spec.brand}/repaired-at`]: spec.repairedAt } : {}),
      },
    },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host: spec.host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: 'response-404', port: { name: 'use-annotation' } } },
              },
            ],
          },
        },
      ],
    },
  } as const;
}
