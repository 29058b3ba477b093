import { describe, expect, test } from 'vitest';
import { type DiagnosisCheckName, diagnosisCheckNames } from '../../../contract/deployment/status.ts';
import { diagnosisResultSchema } from '../../../contract/schemas/deployment-answers.ts';
import { diagnose } from '../../../domain/deployment/diagnosis/index.ts';
import type { Reading, SeenPod, Snapshot } from '../../../domain/deployment/diagnosis/snapshot.ts';
import type { FoundRoute } from '../../../domain/deployment/http-route.ts';
import { httpRoute, ingresses } from '../../../domain/deployment/objects/routing.ts';
import { sideObjects } from '../../../domain/deployment/objects/side.ts';
import { greenAlone } from '../../../domain/deployment/rollout/routing.ts';
import { routeShape } from '../../../domain/deployment/shape.ts';
import { input, request } from './build.ts';

const read = request({ currentDeploymentId: null });
const objects = sideObjects(read);
const ok = <T>(value: T): Reading<T> => ({ ok: true, value });
const [service] = objects.filter(({ kind }) => kind === 'Service');
const [deployment] = objects.filter(({ kind }) => kind === 'Deployment');
const templateOf = (of: typeof deployment) => {
  if (!of) throw new Error('no Deployment');
  return of.spec.template as { metadata: NonNullable<SeenPod['metadata']>; spec: NonNullable<SeenPod['spec']> };
};
const template = templateOf(deployment);

const pod = (status: SeenPod['status'] = {}): SeenPod => ({
  metadata: { ...template.metadata, name: 'd-7-42-66f-abcde' },
  spec: template.spec,
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'application', ready: true, state: { running: {} } }],
    ...status,
  },
});

/** What our own planner makes, when all is well. */
const healthy: Snapshot = {
  scopeId: '7',
  deploymentId: '42',
  pods: ok([pod()]),
  deployments: ok([deployment ?? {}]),
  services: ok([service ?? {}]),
  endpoints: ok([
    {
      metadata: { labels: { 'kubernetes.io/service-name': 'd-7-42' } },
      endpoints: [{ addresses: ['10.0.0.9'], conditions: { ready: true } }],
    },
  ]),
  ingresses: ok(
    ingresses(read, 'alb', routeShape(read, []), greenAlone).map((ingress) => ({
      ...ingress,
      status: { loadBalancer: { ingress: [{ hostname: 'alb.example.com' }] } },
    })),
  ),
  routes: ok([]),
  ingressClasses: ok([{ metadata: { name: 'alb' }, spec: { controller: 'ingress.k8s.aws/alb' } }]),
  events: ok([]),
  balancer: ok({
    name: 'alb',
    state: 'active',
    load: { rules: 3, targetGroups: 4, listeners: 2 },
    thresholds: { rules: 75, targetGroups: 98, listeners: 48 },
    rules: [{ port: 443, hosts: ['app.example.com'], groups: [{ arn: 'arn', service: 'd-7-42' }] }],
    subnets: [{ id: 'subnet-1', freeAddresses: 200 }],
  }),
  logs: ok([{ pod: 'd-7-42-66f-abcde', container: 'application', lines: 100, errors: 0 }]),
};

const event = (reason: string, message: string, name = 'd-7-42-66f-abcde', kind = 'Pod') =>
  ok([{ type: 'Warning', reason, message, involvedObject: { kind, name }, lastTimestamp: '2026-01-01T00:00:00Z' }]);
const ingressName = 'k-8-s-prod-7-internet-facing';
const crashing = (reason: string, exitCode?: number) =>
  ok([
    pod({
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
      containerStatuses: [
        {
          name: 'application',
          ready: false,
          state: { waiting: { reason } },
          ...(exitCode === undefined ? {} : { lastState: { terminated: { reason: 'Error', exitCode } } }),
        },
      ],
    }),
  ]);

const statusOf = (snapshot: Snapshot, name: DiagnosisCheckName) => {
  const found = diagnose(snapshot).checks.find((one) => one.name === name);
  if (!found) throw new Error(`no check ${name}`);
  return found;
};

test('a healthy scope passes every check of the list', () => {
  const { checks, summary } = diagnose(healthy);
  expect(checks.map(({ name }) => name)).toEqual(diagnosisCheckNames);
  expect(checks.filter(({ status }) => status !== 'success')).toEqual([]);
  expect(summary).toEqual({ success: 22, warning: 0, failed: 0, skipped: 0 });
});

describe('what is wrong is found', () => {
  const balancer = healthy.balancer.ok ? healthy.balancer.value : undefined;
  if (!balancer) throw new Error('no balancer');
  const withService = (spec: object) => ok([{ ...service, spec: { ...service?.spec, ...spec } }]);

  const cases: [DiagnosisCheckName, 'warning' | 'failed', Partial<Snapshot>, string][] = [
    ['service_existence', 'failed', { services: ok([]) }, 'd-7-42 has no Service'],
    [
      'service_selector_match',
      'failed',
      { services: withService({ selector: { scope_id: '8' } }) },
      'd-7-42 selects no pod',
    ],
    ['service_endpoints', 'failed', { endpoints: ok([]) }, 'd-7-42 has no ready endpoint'],
    [
      'service_port_configuration',
      'warning',
      { services: withService({ ports: [{ port: 80, targetPort: 3000 }] }) },
      'leads port 80 to 3000',
    ],
    ['service_type_validation', 'warning', { services: withService({ type: 'NodePort' }) }, 'of type NodePort'],
    ['ingress_existence', 'failed', { ingresses: ok([]) }, 'has no Ingress'],
    ['ingress_class_validation', 'failed', { ingressClasses: ok([]) }, 'has the class "alb", which does not exist'],
    [
      'ingress_controller_sync',
      'failed',
      { events: event('FailedBuildModel', 'conflicting scheme', ingressName, 'Ingress') },
      'FailedBuildModel, conflicting scheme',
    ],
    ['ingress_host_rules', 'failed', { balancer: ok({ ...balancer, rules: [] }) }, 'actual no rule'],
    ['ingress_backend_service', 'failed', { services: ok([]) }, 'names Service d-7-42, which does not exist'],
    [
      'ingress_tls_configuration',
      'failed',
      { events: event('FailedBuildModel', 'no certificate found for host: app.example.com', ingressName, 'Ingress') },
      'lacks a certificate for app.example.com',
    ],
    [
      'alb_capacity_check',
      'warning',
      { balancer: ok({ ...balancer, load: { rules: 75, targetGroups: 4, listeners: 2 } }) },
      'has 75 rules of 75',
    ],
    ['alb_capacity_check', 'failed', { balancer: ok({ ...balancer, state: 'absent' }) }, 'does not exist'],
    [
      'alb_capacity_check',
      'warning',
      { balancer: ok({ ...balancer, subnets: [{ id: 's', freeAddresses: 3 }] }) },
      '3 free addresses',
    ],
    ['pod_existence', 'failed', { pods: ok([]) }, 'd-7-42 has no pod'],
    ['container_crash_detection', 'failed', { pods: crashing('CrashLoopBackOff', 1) }, 'CrashLoopBackOff, exit code 1'],
    ['image_pull_status', 'failed', { pods: crashing('ImagePullBackOff') }, 'ImagePullBackOff'],
    [
      'memory_limits_check',
      'failed',
      {
        pods: ok([
          pod({
            containerStatuses: [
              { name: 'application', lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } },
            ],
          }),
        ]),
      },
      'OOMKilled, exit code 137',
    ],
    ['pod_readiness', 'failed', { pods: crashing('CrashLoopBackOff') }, 'is not ready: ContainersNotReady'],
    [
      'resource_availability',
      'failed',
      { pods: ok([pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes' }] })]) },
      'is not scheduled: 0/3 nodes',
    ],
    ['storage_mounting', 'failed', { events: event('FailedMount', 'secret "x" not found') }, 'secret "x" not found'],
    [
      'container_port_health',
      'failed',
      { pods: ok([pod({ containerStatuses: [{ name: 'application', ready: false, state: { running: {} } }] })]) },
      'does not answer on 8080',
    ],
    [
      'health_probe_endpoints',
      'warning',
      { events: event('Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503') },
      'responded HTTP 503',
    ],
    [
      'application_log_evidence',
      'warning',
      { logs: ok([{ pod: 'p', container: 'application', lines: 100, errors: 7 }]) },
      '7 of 100 recent lines',
    ],
  ];

  test.each(cases)('%s: %s', (name, status, fields, words) => {
    const result = statusOf({ ...healthy, ...fields }, name);
    expect(result).toMatchObject({ status, evidence: { severity: status === 'failed' ? 'critical' : 'warning' } });
    expect(result.evidence.summary).toContain(words);
    expect(result.evidence.suggested_actions.length).toBeGreaterThan(0);
  });
});

test('what cannot be read is skipped with the permission, everything else is judged', () => {
  const denied = { ok: false as const, error: 'forbidden', permission: 'pods list' };
  const { checks, summary } = diagnose({ ...healthy, pods: denied, balancer: { ok: false, error: 'timeout' } });
  const skipped = checks.filter(({ status }) => status === 'skipped');
  expect(summary.failed).toBe(0);
  expect(skipped.map(({ name }) => name)).toContain('pod_readiness');
  expect(skipped.find(({ name }) => name === 'pod_readiness')?.evidence.summary).toBe(
    'not checked, permission missing: pods list',
  );
  expect(skipped.find(({ name }) => name === 'alb_capacity_check')?.evidence.summary).toBe(
    'not checked, balancer: timeout',
  );
});

test('an empty scope is judged as well, and the answer is the published one', () => {
  const none = ok([]);
  const empty = {
    ...healthy,
    pods: none,
    deployments: none,
    services: none,
    endpoints: none,
    ingresses: none,
    logs: none,
  };
  const result = diagnose(empty);
  expect(result.checks).toHaveLength(22);
  expect(diagnosisResultSchema.parse(result)).toEqual(result);
});

test('no value of a variable and no log line enters the result', () => {
  const secret = 'hunter2';
  const withEnv = request({ currentDeploymentId: null, workload: { image: 'a', env: { PASSWORD: secret } } });
  const made = sideObjects(withEnv).find(({ kind }) => kind === 'Deployment');
  const { spec } = templateOf(made);
  const snapshot = { ...healthy, pods: ok([{ ...pod(), spec }]), deployments: ok([made ?? {}]) };
  expect(JSON.stringify(diagnose(snapshot))).not.toContain(secret);
});

describe('with external DNS', () => {
  const external = { scope: { ...input().scope, dnsType: 'external_dns' as const }, currentDeploymentId: null };
  const asked = request(external);
  const parentRef = { name: 'gateway-public', namespace: 'gateways' };
  const conditions = (status: string, reason: string, message = '') =>
    ['Accepted', 'ResolvedRefs'].map((type) => ({ type, status, reason, message, observedGeneration: 1 }));
  const route = (...said: Parameters<typeof conditions>): FoundRoute => {
    const object = httpRoute(asked, routeShape(asked, []), greenAlone) as FoundRoute;
    return {
      ...object,
      metadata: { ...object.metadata, generation: 1 },
      status: { parents: [{ parentRef, conditions: conditions(...said) }] },
    };
  };
  const unread: Reading<never> = { ok: false, error: 'not looked at' };
  const byGateway: Snapshot = {
    ...healthy,
    byGateway: true,
    routes: ok([route('True', 'Accepted')]),
    ingresses: unread,
    ingressClasses: unread,
    balancer: unread,
  };
  const nothingThere = ['ingress_class_validation', 'ingress_host_rules', 'alb_capacity_check'];

  test('the checks of the list look at the HTTPRoute, and what has no balancer is skipped', () => {
    const { checks } = diagnose(byGateway);
    expect(checks.map(({ name }) => name)).toEqual(diagnosisCheckNames);
    const others = checks.filter(({ status }) => status !== 'success');
    expect(others.map(({ name, status }) => `${name} ${status}`)).toEqual(
      nothingThere.map((name) => `${name} skipped`),
    );
  });

  test.each<[DiagnosisCheckName, Partial<Snapshot>, string]>([
    ['ingress_existence', { routes: ok([]) }, 'no HTTPRoute'],
    ['ingress_controller_sync', { routes: ok([{ ...route('True', 'x'), status: {} }]) }, 'has not looked'],
    ['ingress_controller_sync', { routes: ok([route('False', 'NotAllowedByListeners')]) }, 'NotAllowedByListeners'],
    ['ingress_backend_service', { services: ok([]) }, 'Service d-7-42, which does not exist'],
    ['ingress_tls_configuration', { routes: ok([route('False', 'InvalidCertificateRef')]) }, 'InvalidCertificateRef'],
  ])('%s fails with %o', (name, wrong, words) => {
    const { status, evidence } = statusOf({ ...byGateway, ...wrong }, name);
    expect(status).toBe('failed');
    expect(evidence.summary).toContain(words);
  });
});
