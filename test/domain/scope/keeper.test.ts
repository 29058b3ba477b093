import { expect, test } from 'vitest';
import { groupAnnotations, keeperIngress } from '../../../domain/scope/keeper.ts';

const keeper = keeperIngress({
  brand: 'groundwork',
  balancer: 'groundwork-auto-public-abc123',
  scheme: 'internet-facing',
  scopeId: '123',
  namespace: 'prod',
  host: 'k.apps.example.com',
});

test('the keeper is the Ingress of the specification', () => {
  expect(keeper).toEqual({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'groundwork-autocreate-groundwork-auto-public-abc123',
      namespace: 'prod',
      labels: { groundwork: 'true', 'groundwork-autocreate': 'true', alb_name: 'groundwork-auto-public-abc123' },
      annotations: {
        'alb.ingress.kubernetes.io/group.name': 'groundwork-auto-public-abc123',
        'alb.ingress.kubernetes.io/load-balancer-name': 'groundwork-auto-public-abc123',
        'alb.ingress.kubernetes.io/scheme': 'internet-facing',
        'alb.ingress.kubernetes.io/listen-ports': '[{"HTTP":80},{"HTTPS":443}]',
        'alb.ingress.kubernetes.io/ssl-redirect': '443',
        'alb.ingress.kubernetes.io/target-type': 'ip',
        'alb.ingress.kubernetes.io/actions.response-404':
          '{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"404","messageBody":"404 scope not found or has not been deployed yet"}}',
        'alb.ingress.kubernetes.io/tags':
          'groundwork:managed-by=autocreate,groundwork:visibility=internet-facing,groundwork:created-by-scope-id=123',
      },
    },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host: 'k.apps.example.com',
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
  });
});

test("what all members of a group must agree on is part of the keeper, the tags are the keeper's alone", () => {
  const shared = groupAnnotations('groundwork-auto-public-abc123', 'internet-facing');
  expect(keeper.metadata.annotations).toMatchObject(shared);
  expect(Object.keys(shared)).not.toContain('alb.ingress.kubernetes.io/tags');
});

test('a platform adds labels and annotations, of which none replaces one of ours', () => {
  const { labels, annotations } = keeper.metadata;
  const given = { 'alb.ingress.kubernetes.io/scheme': 'internal', 'example.com/owner': 'web' };
  const spec = {
    balancer: 'b',
    scheme: 'internet-facing',
    scopeId: '1',
    namespace: 'prod',
    host: 'k.example.com',
  } as const;
  const extras = { labels: { team: 'web', alb_name: 'other' }, annotations: given };
  const { metadata } = keeperIngress({ ...spec, brand: 'groundwork', extras });
  expect(metadata.labels).toEqual({ ...labels, alb_name: 'b', team: 'web' });
  expect(Object.keys(metadata.annotations).sort()).toEqual([...Object.keys(annotations), 'example.com/owner'].sort());
  expect(metadata.annotations).toMatchObject({ 'alb.ingress.kubernetes.io/scheme': 'internet-facing' });
});
