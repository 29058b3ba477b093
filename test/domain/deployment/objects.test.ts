import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import { expectedRouting, greenPercent, routingOf } from '../../../domain/deployment/expected.ts';
import type { KubernetesObject } from '../../../domain/deployment/objects/kubernetes.ts';
import { routingObjects } from '../../../domain/deployment/objects/routing.ts';
import { sideObjects } from '../../../domain/deployment/objects/side.ts';
import { greenAlone, greenShare, type OwnRouting, weighted } from '../../../domain/deployment/rollout/routing.ts';
import { type BackendService, routeShape } from '../../../domain/deployment/shape.ts';
import { groupAnnotations } from '../../../domain/scope/keeper.ts';
import { blueMain, input, request } from './build.ts';

/** Golden objects stand in objects/*.yaml, as they go to server-side apply. */

const grpc = { port: 9090, type: 'GRPC' as const };
const http = { port: 8081, type: 'HTTP' as const };
const image = 'registry.example.com/shop/api:1.4.2';

const full: Partial<DeploymentInput> = {
  hosts: { domain: 'app.example.com', custom: ['www.shop.example'] },
  workload: {
    image,
    autoscaling: { minReplicas: 2, maxReplicas: 8, targetMemoryUtilization: 80 },
    resources: { cpuMillicores: 250, memoryMi: 512, memoryMiLimit: 768 },
    additionalPorts: [http, grpc],
    healthCheck: { path: '/ready', periodSeconds: 2, timeoutSeconds: 1 },
    env: { LOG_LEVEL: 'info' },
    secretRefs: [
      { name: 's-7-d-42', as: 'env' },
      { name: 's-7-d-42-files', as: 'files', files: [{ key: 'tls.pem', path: '/etc/api/tls.pem' }] },
    ],
    pullSecrets: ['registry'],
    disruptionBudget: { enabled: true },
    modifiers: {
      global: { labels: { team: 'checkout' } },
      service: { annotations: { 'example.com/owner': 'checkout' } },
      ingress: { annotations: { 'alb.ingress.kubernetes.io/wafv2-acl-arn': 'arn:aws:wafv2:eu-west-1:1:acl/x' } },
      deployment: { nodeselector: { pool: 'apps' }, tolerations: [{ key: 'apps', operator: 'Exists' }] },
      pdb: { annotations: { 'example.com/why': 'slow start' } },
    },
  },
  networking: {
    scope: {
      trafficManagerImage: 'registry.example.com/traffic-manager',
      trafficManagerConfigMap: 'nginx',
      serviceAccountPrefix: 'apps',
    },
  },
};

const services: BackendService[] = [blueMain, { name: 'd-7-41-http-8081', port: 8081 }];

const golden = (name: string, objects: readonly KubernetesObject[]) =>
  expect(
    objects.map((object) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 })).join('---\n'),
  ).toMatchFileSnapshot(`objects/${name}.yaml`);

function routes(fields: Partial<DeploymentInput>, routing: OwnRouting, blue = services) {
  const read = request(fields);
  return routingObjects(read, 'k8s-groundwork-public', routeShape(read, blue), routing);
}

describe('golden objects', () => {
  test('a side that says only its image', () => golden('side-small', sideObjects(request())));
  test('a side with everything', () => golden('side-full', sideObjects(request(full))));
  test('a TCP check and containers of the preset', () => {
    const read = request({ workload: { image, healthCheck: { type: 'TCP' } } }, { runAsRoot: true });
    return golden('side-tcp-root', sideObjects(read));
  });
  test('Ingresses in weighted form', () => golden('ingresses-weighted', routes(full, weighted(25))));
  test('Ingresses in single form', () => golden('ingresses-single', routes(full, greenAlone)));
  test('a port that green lacks', () => golden('ingresses-port-only-blue', routes({}, weighted(50))));
  test('an HTTPRoute with external DNS', () => {
    const scope = { ...input().scope, dnsType: 'external_dns' as const };
    return golden('http-route', routes({ scope }, weighted(25), [blueMain]));
  });
});

const all = (fields: Partial<DeploymentInput>) => [...sideObjects(request(fields)), ...routes(fields, weighted(25))];
const labelsOf = (object: KubernetesObject) => object.metadata.labels ?? {};

describe('every object', () => {
  test('carries the identity labels; those of a side also deployment and name', () => {
    for (const object of all(full)) {
      expect(labelsOf(object)).toMatchObject({ account: 'acme', account_id: '2', application_id: '4', scope_id: '7' });
      expect(labelsOf(object)['app.kubernetes.io/managed-by']).toBe('groundwork');
      expect(labelsOf(object).deployment_id).toBe(object.kind === 'Ingress' ? undefined : '42');
      expect(labelsOf(object).team).toBe('checkout');
    }
  });

  test('Services first, then the Deployment', () => {
    expect(sideObjects(request(full)).map(({ kind }) => kind)).toEqual([
      'Service',
      'Service',
      'Service',
      'Deployment',
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
    ]);
  });

  test('the disruption budget and the Services select the pods', () => {
    const objects = sideObjects(request(full));
    const pods = objects.find(({ kind }) => kind === 'Deployment')?.spec.template as {
      metadata: { labels: Record<string, string> };
    };
    const { labels } = pods.metadata;
    for (const object of objects) {
      const selector = object.spec.selector as { matchLabels?: Record<string, string> } | undefined;
      if (selector) expect(labels).toMatchObject(selector.matchLabels ?? selector);
    }
  });

  test('the annotations of the group are the keeper’s; only the main Ingress redirects (D105)', () => {
    const [main, second, third] = routes(full, weighted(25)).map(({ metadata }) => metadata.annotations ?? {});
    const group = groupAnnotations('k8s-groundwork-public', 'internet-facing');
    const alb = 'alb.ingress.kubernetes.io';
    expect(main).toMatchObject(group);
    for (const [port, annotations] of [
      [8081, second],
      [9090, third],
    ] as const) {
      const { [`${alb}/ssl-redirect`]: _, [`${alb}/listen-ports`]: __, ...shared } = group;
      expect(annotations).toMatchObject({ ...shared, [`${alb}/listen-ports`]: `[{"HTTPS":${port}}]` });
      expect(annotations).not.toHaveProperty(`${alb}/ssl-redirect`);
    }
    expect(third?.[`${alb}/backend-protocol-version`]).toBe('GRPC');
  });

  test('with an autoscaler the Deployment does not say its count', () => {
    const deployment = sideObjects(request(full)).find(({ kind }) => kind === 'Deployment');
    expect(deployment?.spec).not.toHaveProperty('replicas');
  });

  test.each([
    [1, 0, 5, 2],
    [400, 200, 300, 120],
    [6, 5, 6, 5],
    [5, 4, 5, 4],
  ])('a check every %i s within %i s asks ALB for %i and %i', (periodSeconds, timeoutSeconds, interval, timeout) => {
    const healthCheck = { periodSeconds, timeoutSeconds: Math.max(1, timeoutSeconds) };
    const fields = {
      workload: { image, healthCheck: periodSeconds === 1 ? { periodSeconds: 2, timeoutSeconds: 1 } : healthCheck },
    };
    const [service] = sideObjects(request(fields));
    const annotations = service?.metadata.annotations ?? {};
    expect(annotations['alb.ingress.kubernetes.io/healthcheck-interval-seconds']).toBe(String(interval));
    expect(annotations['alb.ingress.kubernetes.io/healthcheck-timeout-seconds']).toBe(String(timeout));
  });
});

describe('the Services behind each port', () => {
  const ports = (fields: Partial<DeploymentInput>, blue: BackendService[]) =>
    routeShape(request(fields), blue).ports.map(({ listener, services: { blue: old, green } }) => [
      listener,
      old?.name,
      green?.name,
    ]);

  test('without blue there are none of blue (D17)', () => {
    expect(ports({ currentDeploymentId: null }, [])).toEqual([[443, undefined, 'd-7-42']]);
  });

  test('blue’s are taken as they are found, port by port (D18)', () => {
    expect(ports(full, services)).toEqual([
      [443, 'd-7-41', 'd-7-42'],
      [8081, 'd-7-41-http-8081', 'd-7-42-http-8081'],
      [9090, undefined, 'd-7-42-grpc-9090'],
    ]);
  });

  test('the Service of another deployment whose id begins alike is not blue’s', () => {
    expect(ports({}, [blueMain, { name: 'd-7-41-http-8081-http-9000', port: 9000 }])).toEqual([
      [443, 'd-7-41', 'd-7-42'],
    ]);
  });
});

const anyPorts = fc.uniqueArray(
  fc.record({ port: fc.integer({ min: 1024, max: 1100 }), type: fc.constantFrom('HTTP' as const, 'GRPC' as const) }),
  {
    maxLength: 4,
    selector: ({ port }) => port,
  },
);

describe('for any ports and percentage', () => {
  test('expected weights sum to 100 on every host and listener, and the Ingresses say the same', () => {
    fc.assert(
      fc.property(
        anyPorts,
        anyPorts,
        fc.integer({ min: 0, max: 100 }),
        fc.boolean(),
        (green, blue, percent, single) => {
          const read = request({ workload: { image, additionalPorts: green }, hosts: full.hosts ?? { domain: 'a.b' } });
          const found = [
            blueMain,
            ...blue.map(({ port, type }) => ({ name: `d-7-41-${type.toLowerCase()}-${port}`, port })),
          ];
          const shape = routeShape(read, found);
          const routing = single ? greenAlone : weighted(percent);
          const expected = expectedRouting(shape, routing);
          expect(expected).toHaveLength(2 * shape.ports.length);
          for (const { weights } of expected) expect(Object.values(weights).reduce((a, b) => a + b)).toBe(100);
          expect(greenPercent(shape, expected)).toBe(greenShare(routing));
          const objects = routingObjects(read, 'balancer', shape, routing);
          expect(routingOf(objects)).toEqual(expected);
          expect(routingObjects(read, 'balancer', shape, routing)).toEqual(objects);
        },
      ),
    );
  });

  test('names and label values are what Kubernetes takes', () => {
    const slug = fc.stringMatching(/^[a-z0-9-]{1,63}$/);
    const id = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/);
    fc.assert(
      fc.property(slug, slug, id, id, anyPorts, (scope, account, scopeId, deploymentId, additionalPorts) => {
        const fields: Partial<DeploymentInput> = {
          scopeId,
          deploymentId,
          currentDeploymentId: null,
          workload: { image, additionalPorts, disruptionBudget: { enabled: true } },
          scope: { ...input().scope, slugs: { ...input().scope.slugs, scope, account } },
        };
        for (const { kind, metadata } of [...sideObjects(request(fields)), ...routes(fields, greenAlone, [])]) {
          expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
          expect(metadata.name.length).toBeLessThanOrEqual(kind === 'Ingress' ? 253 : 63);
          for (const value of Object.values(metadata.labels ?? {})) {
            expect(value).toMatch(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/);
          }
        }
      }),
    );
  });
});
