import { describe, expect, test } from 'vitest';
import type { DeploymentInput, WorkloadInput } from '../../../contract/deployment/input.ts';
import { withConfigMap } from '../../../domain/deployment/sidecar.ts';
import { brands, defaultTimings } from '../../../domain/scope/settings.ts';
import { input, problems, request, settings } from './build.ts';

const workload = (fields: Partial<WorkloadInput>): WorkloadInput => ({
  image: 'registry.example.com/api:1',
  ...fields,
});
const networking = (
  scope: NonNullable<DeploymentInput['networking']>['scope'],
  platform: NonNullable<DeploymentInput['networking']>['platform'] = {},
) => ({ scope, platform });

describe('defaults', () => {
  test('of a workload that says only its image', () => {
    expect(request({ workload: workload({}) }).workload).toEqual({
      image: 'registry.example.com/api:1',
      replicas: 1,
      resources: { cpuMillicores: 100, cpuMillicoresLimit: 100, memoryMi: 128, memoryMiLimit: 128 },
      mainPort: 8080,
      protocol: 'http',
      additionalPorts: [],
      healthCheck: { type: 'HTTP', path: '/health', initialDelaySeconds: 30, periodSeconds: 10, timeoutSeconds: 5 },
      env: {},
      secretRefs: [],
    });
  });

  test('of autoscaling: 1 to 5 at 70 % CPU', () => {
    expect(request({ workload: workload({ autoscaling: {} }) }).workload).toMatchObject({
      replicas: 1,
      autoscaling: { minReplicas: 1, maxReplicas: 5, targetCpuUtilization: 70 },
    });
  });

  test.each([
    [null, 8080],
    [3000, 3000],
  ])('main port %s is %i (D19)', (mainPort, port) => {
    expect(request({ workload: workload({ mainPort }) }).workload.mainPort).toBe(port);
  });

  test.each([
    ['absent', { cpuMillicores: 200, memoryMi: 256 }],
    ['null', { cpuMillicores: 200, memoryMi: 256, cpuMillicoresLimit: null, memoryMiLimit: null }],
    ['below the request', { cpuMillicores: 200, memoryMi: 256, cpuMillicoresLimit: 100, memoryMiLimit: 1 }],
  ])('a limit that is %s becomes the request', (_, resources) => {
    const read = request({ workload: workload({ resources }) }).workload.resources;
    expect([read.cpuMillicoresLimit, read.memoryMiLimit]).toEqual([200, 256]);
  });

  test('the deployment may take 600 s unless a level says otherwise (D82)', () => {
    expect(request().maxWaitSeconds).toBe(600);
    expect(request({ networking: networking({ deploymentMaxWaitSeconds: '90' }) }).maxWaitSeconds).toBe(90);
  });

  test('an additional port gets a sidecar port, absent lists stay empty', () => {
    const ports = [{ port: 55535, type: 'GRPC' as const }];
    expect(request({ workload: workload({ additionalPorts: ports }) }).workload.additionalPorts).toEqual([
      { port: 55535, type: 'GRPC', sidecarPort: 65535 },
    ]);
    expect(request({ workload: workload({ additionalPorts: null }) }).workload.additionalPorts).toEqual([]);
  });
});

describe('strategy', () => {
  test('is initial without a current deployment and blue_green with one', () => {
    expect(request({ currentDeploymentId: null }).strategy).toBe('initial');
    expect(request().strategy).toBe('blue_green');
    expect(request({ strategy: 'blue-green' }).strategy).toBe('blue_green');
  });

  test('comes from scope before platform before worker (D15)', () => {
    const worker = { knobs: { deploymentStrategy: 'rolling' } };
    expect(request({}, worker).strategy).toBe('rolling');
    expect(request({ networking: networking({}, { deploymentStrategy: 'blue_green' }) }, worker).strategy).toBe(
      'blue_green',
    );
    const both = networking({ deploymentStrategy: 'rolling' }, { deploymentStrategy: 'blue_green' });
    expect(request({ networking: both }).strategy).toBe('rolling');
  });

  test.each([
    [{ strategy: 'initial' as const }, 'strategy: "initial" contradicts currentDeploymentId "41"'],
    [
      { strategy: 'rolling' as const, currentDeploymentId: null },
      'currentDeploymentId: is required for strategy "rolling"',
    ],
    [{ deploymentId: '41' }, 'deploymentId: "41" is the current deployment already'],
  ])('refuses %j', (fields, message) => {
    expect(problems(fields)).toEqual([message]);
  });

  test('a plan of an initial rollout is ignored with a warning', () => {
    const trafficPlan = { mode: 'steps' as const, steps: [{ percent: 100, holdSeconds: 1 }] };
    const read = request({ currentDeploymentId: null, trafficPlan });
    expect(read.traffic.steps).toEqual([]);
    expect(read.warnings.map(({ code }) => code)).toEqual(['TrafficPlanIgnored']);
  });
});

describe('wrong fields', () => {
  test('are named all at once', () => {
    const wrong = problems({
      hosts: { domain: 'nodots', custom: ['*bad.example.com'] },
      workload: workload({
        replicas: 0,
        resources: { cpuMillicores: 0 },
        mainPort: 70_000,
        additionalPorts: [
          { port: 55_536, type: 'HTTP' },
          { port: 8081, type: 'HTTP' },
          { port: 8081, type: 'GRPC' },
        ],
        healthCheck: { periodSeconds: 5, timeoutSeconds: 5 },
        secretRefs: [{ name: 'Not_A_Name', as: 'files', files: [{ key: 'a', path: 'relative' }] }],
      }),
      trafficPlan: {
        mode: 'steps',
        steps: [
          { percent: 50, holdSeconds: 1 },
          { percent: 50, holdSeconds: -1 },
        ],
      },
      networking: networking({
        deploymentMaxWaitSeconds: 'soon',
        albMaxCapacity: 'many',
        trafficManagerPort: 'eighty',
      }),
    });
    expect(wrong.map((line) => line.split(':')[0]).sort()).toEqual(
      [
        'hosts.custom.0',
        'hosts.domain',
        'networking.scope.albMaxCapacity',
        'networking.scope.deploymentMaxWaitSeconds',
        'networking.scope.trafficManagerPort',
        'trafficPlan.steps.1.holdSeconds',
        'trafficPlan.steps.1.percent',
        'workload.additionalPorts.0.port',
        'workload.additionalPorts.2.port',
        'workload.healthCheck.timeoutSeconds',
        'workload.mainPort',
        'workload.replicas',
        'workload.resources.cpuMillicores',
        'workload.secretRefs.0.files.0.path',
        'workload.secretRefs.0.name',
      ].sort(),
    );
  });

  test.each([
    [
      { autoscaling: { minReplicas: 6, maxReplicas: 5 } },
      'workload.autoscaling.maxReplicas: is 5, below minReplicas 6',
    ],
    [{ autoscaling: {}, replicas: 2 }, 'workload.replicas: does not go with autoscaling: give one of the two'],
    [{ image: 'a b' }, 'workload.image: "a b" contains blanks'],
    [{ env: { '1A': 'x' } }, 'workload.env.1A: is not a name of an environment variable'],
  ])('of a workload: %j', (fields, message) => {
    expect(problems({ workload: workload(fields) })).toEqual([message]);
  });

  test('the last step of a plan with autoFinalize is 100', () => {
    const trafficPlan = { mode: 'steps' as const, steps: [{ percent: 50, holdSeconds: 0 }], autoFinalize: true };
    expect(problems({ trafficPlan })).toEqual([
      'trafficPlan.steps.0.percent: must be 100 in the last step of a plan with autoFinalize, got 50',
    ]);
  });

  test('steps do not go with a manual plan', () => {
    const trafficPlan = { mode: 'manual' as const, steps: [{ percent: 50, holdSeconds: 0 }], autoFinalize: true };
    expect(problems({ trafficPlan })).toHaveLength(2);
  });

  test('additional ports are refused with external DNS, an unknown DNS type by the scope room (D64)', () => {
    const scope = { ...input().scope, dnsType: 'external_dns' as const };
    const ports = workload({ additionalPorts: [{ port: 8081, type: 'HTTP' }] });
    expect(problems({ scope, workload: ports })).toEqual([
      'workload.additionalPorts: are not supported with dnsType "external_dns" yet',
    ]);
    const other = { scope: { ...settings().scope, knobs: { region: 'eu-west-1', dnsType: 'azure' } } };
    expect(problems({}, other)[0]).toContain('scope.dnsType: "azure" is not supported');
  });
});

test.each([
  ['scope.nrn', { nrn: 'account=a b' }],
  ['scope.region', { region: 'nowhere' }],
  ['scope.hostedZones.private', { hostedZones: { private: 'not a zone', public: 'Z1' } }],
])('what the scope room refuses is named as in this input: %s', (path, fields) => {
  const scope = { ...input().scope, ...fields };
  expect(problems({ scope }).map((problem) => problem.split(': ')[0])).toEqual([path]);
});

describe('the sidecar', () => {
  const on = { trafficManagerImage: 'registry.example.com:5000/traffic' };

  test.each([
    ['web_sockets' as const, 'websocket2'],
    ['http' as const, 'latest'],
  ])('has the tag of protocol %s (D13)', (protocol, tag) => {
    const read = request({ workload: workload({ protocol }), networking: networking(on) });
    expect(read.sidecar?.image).toBe(`registry.example.com:5000/traffic:${tag}`);
  });

  test('keeps the tag or digest of its image', () => {
    for (const image of ['registry.example.com/traffic:2', 'registry.example.com/traffic@sha256:00']) {
      expect(request({ networking: networking({ trafficManagerImage: image }) }).sidecar?.image).toBe(image);
    }
  });

  test('is off without an image, has 64 Mi, 93 m and port 80 with one', () => {
    expect(request().sidecar).toBeUndefined();
    expect(request({ networking: networking(on) }).sidecar).toMatchObject({
      port: 80,
      memoryMi: 64,
      cpuMillicores: 93,
    });
  });

  const ports = workload({ mainPort: 8080, additionalPorts: [{ port: 9000, type: 'HTTP' }] });
  test.each([
    [{ ...on, trafficManagerPort: 8080 }, 'is 8080, the main port'],
    [{ ...on, trafficManagerPort: 9000 }, 'is 9000, an additional port'],
    [{ ...on, trafficManagerPort: '19000' }, 'is 19000, the sidecar port of additional port 9000'],
    [{ trafficManagerPort: 8080 }, 'is 8080, the main port'],
    [{ ...on, trafficManagerPort: 0 }, 'must be a port number 1-65535, got "0"'],
  ])('refuses %j beside the ports of the workload', (knobs, message) => {
    expect(problems({ workload: ports, networking: networking(knobs) })).toEqual([
      `networking.scope.trafficManagerPort: ${message}`,
    ]);
  });

  test('a default port that is not used may equal the main port', () => {
    expect(problems({ workload: workload({ mainPort: 80 }) })).toEqual([]);
    expect(problems({ workload: workload({ mainPort: 80 }), networking: networking(on) })).toHaveLength(1);
  });

  test('the application may not listen on the port of a sidecar', () => {
    const taken = workload({ mainPort: 19_000, additionalPorts: [{ port: 9000, type: 'HTTP' }] });
    expect(problems({ workload: taken })).toEqual([]);
    expect(problems({ workload: taken, networking: networking(on) })).toEqual([
      'workload.additionalPorts.0.port: the sidecar port of 9000 is 19000, which the application uses itself',
    ]);
  });

  test('its ConfigMap: missing, without default.conf, with the memory key only (D16)', () => {
    const sidecar = { image: 'a:1', port: 80, configMap: 'nginx', memoryMi: 64, cpuMillicores: 93 };
    const files = { 'nginx.conf': 'x', 'default.conf': 'y' };
    const words = (data: Record<string, string> | undefined) => {
      const read = withConfigMap(sidecar, data);
      return read.ok ? read.sidecar : read.problems.map(({ message }) => message).join();
    };
    expect(words(undefined)).toBe('ConfigMap "nginx" does not exist');
    expect(words({ 'nginx.conf': 'x' })).toBe('ConfigMap "nginx" has no key default.conf');
    expect(words(files)).toEqual(sidecar);
    expect(words({ ...files, container_memory_in_memory: '96' })).toEqual({ ...sidecar, memoryMi: 96 });
    expect(words({ ...files, container_cpu_in_millicores: 'much' })).toContain('not a positive number');
  });
});

describe('names of accounts and Secrets', () => {
  test('with a prefix the account is <prefix>-<scopeId>, else none (D12)', () => {
    expect(request({ networking: networking({ serviceAccountPrefix: 'apps' }) }).serviceAccountName).toBe('apps-7');
    expect(request().serviceAccountName).toBeUndefined();
    const own = workload({ serviceAccountName: 'mine' });
    expect(
      request({ workload: own, networking: networking({ serviceAccountPrefix: 'apps' }) }).serviceAccountName,
    ).toBe('mine');
  });

  test('pull secrets of the workload win over the configured ones (D14)', () => {
    const worker = { knobs: { pullSecrets: ['configured'] } };
    expect(request({}, worker).pullSecrets).toEqual(['configured']);
    expect(request({ workload: workload({ pullSecrets: ['own', 'own'] }) }, worker).pullSecrets).toEqual(['own']);
  });

  test('a disruption budget by workload, scope, platform, worker (D15)', () => {
    const worker = { knobs: { disruptionBudgetEnabled: true } };
    expect(request({}, worker).disruptionBudget).toEqual({ maxUnavailable: '25%' });
    expect(
      request({ networking: networking({ disruptionBudgetEnabled: false }) }, worker).disruptionBudget,
    ).toBeUndefined();
    const own = workload({ disruptionBudget: { enabled: true, maxUnavailable: '2' } });
    expect(request({ workload: own }).disruptionBudget).toEqual({ maxUnavailable: 2 });
    expect(problems({ workload: workload({ disruptionBudget: { maxUnavailable: '101%' } }) })).toHaveLength(1);
  });
});

describe('modifiers', () => {
  test.each([
    ['ingress', 'annotations', 'alb.ingress.kubernetes.io/scheme'],
    ['global', 'annotations', 'alb.ingress.kubernetes.io/actions.bg-deployment'],
    ['ingress', 'annotations', 'alb.ingress.kubernetes.io/tags'],
    ['service', 'annotations', 'alb.ingress.kubernetes.io/healthcheck-path'],
    ['deployment', 'labels', 'deployment_id'],
    ['global', 'labels', 'groundwork'],
    ['pdb', 'labels', 'app.kubernetes.io/name'],
  ])('may not set on %s the %s %s', (kind, part, key) => {
    expect(problems({ workload: workload({ modifiers: { [kind]: { [part]: { [key]: 'x' } } } }) })).toEqual([
      `workload.modifiers.${kind}.${part}.${key}: is set by Groundwork`,
    ]);
  });

  test('must be keys and values that Kubernetes takes', () => {
    const modifiers = { global: { labels: { 'a/b/c': 'x', ok: 'no blanks' }, annotations: { '': 'x' } } };
    expect(problems({ workload: workload({ modifiers }) })).toHaveLength(3);
  });

  test('of the workload come before those of scope and worker', () => {
    const own = { service: { labels: { team: 'a' } } };
    expect(request({ networking: networking({ objectModifiers: own }) }).modifiers).toEqual(own);
  });
});

test('thresholds: default, at several levels, not a number (D68, D69, D71)', () => {
  expect(request().scope.thresholds).toMatchObject({ rules: 75, targetGroups: 98, listeners: 48 });
  const levels = networking({ albMaxTargetGroups: 50 }, { albMaxTargetGroups: 60, albMaxListeners: 40 });
  expect(request({ networking: levels }).scope.thresholds).toMatchObject({ targetGroups: 50, listeners: 40 });
  expect(problems({ networking: networking({ albMaxListeners: 'x' }) })).toHaveLength(1);
});

test('with external DNS a side is drained for 300 s unless the worker says otherwise', () => {
  const scope = { ...input().scope, dnsType: 'external_dns' as const };
  expect(request({ scope }).timings.drainSeconds).toBe(300);
  expect(request().timings.drainSeconds).toBeUndefined();
  const timings = { ...settings().timings, drainSeconds: 5 };
  expect(request({ scope }, { timings }).timings.drainSeconds).toBe(5);
});

test('with the preset, brand and root user follow', () => {
  const scope = { brand: brands.nullplatform, knobs: {}, timings: defaultTimings, maxReplacements: 2 };
  const read = request({}, { scope, runAsRoot: true });
  expect([read.scope.namespace, read.scope.region, read.runAsRoot]).toEqual(['nullplatform', 'us-east-1', true]);
});
