import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { TrafficPlanInput } from '../../../contract/deployment/input.ts';
import type { RolloutMessage } from '../../../domain/deployment/rollout/types.ts';
import { input } from './build.ts';
import { failure, type Story, type StoryEvent, tell } from './story.ts';

/** Golden transcripts (specs: deployment, section 15): read them as prose in transcripts/. `vitest -u` writes them anew. */

const say = (on: string, message: RolloutMessage): StoryEvent => ({ on, message });
const waiting = 'until a message';
const to = (percent: number): RolloutMessage => ({ name: 'switchTraffic', percent });
const back: RolloutMessage = { name: 'rollback', reason: 'errors in checkout' };
const steps = (fields: Partial<TrafficPlanInput> = {}): TrafficPlanInput => ({
  mode: 'steps',
  steps: [10, 50, 100].map((percent) => ({ percent, holdSeconds: 60 })),
  autoFinalize: true,
  ...fields,
});
const fails = (on: string, type: string, message?: string, applied?: boolean): StoryEvent => ({
  on,
  outcome: { kind: 'failed', failure: failure(type, message), ...(applied === undefined ? {} : { applied }) },
});

const initial = { currentDeploymentId: null };
const port8081 = { port: 8081, type: 'HTTP' as const };
const withPort = { image: 'registry.example.com/shop/api:1.4.2', replicas: 10, additionalPorts: [port8081] };
const bluePort = { name: 'd-7-41-http-8081', port: 8081 };
const blueMain = { name: 'd-7-41', port: 8080 };

const byGateway = { scope: { ...input().scope, dnsType: 'external_dns' as const } };

const rollbackAt = (percent: number): Story => ({
  events: [...(percent === 0 ? [] : [say(waiting, to(percent))]), say(waiting, back)],
});

const stories: Record<string, Story> = {
  initial: { input: initial, events: [] },
  'initial, repeated without a port of its first attempt': {
    input: initial,
    blue: [{ name: 'd-7-42-http-8081', port: 8081 }],
    start: { routing: { form: 'single', side: 'green' }, greenExists: true },
    events: [],
  },
  'initial fails': { input: initial, events: [fails('wait', 'InstancesNotReady', 'container application was killed')] },
  'initial refused by the controller': {
    input: initial,
    events: [fails('apply    Ingresses', 'CertificateMissing', 'no certificate for app.example.com')],
  },
  'blue green by hand': {
    events: [say(waiting, to(25)), say(waiting, to(100)), say(waiting, { name: 'finalize' })],
  },
  'plan with holds': { input: { trafficPlan: steps() }, events: [] },
  'blue dead before the rollout, cured by plan': {
    input: { trafficPlan: steps() },
    events: [
      { on: 'apply    Ingresses', outcome: { kind: 'done', illBefore: '41: 0 of 1 targets of d-7-41 healthy' } },
      say(waiting, { name: 'resume' }),
    ],
  },
  'blue dead before the rollout, cured by hand at once': {
    events: [
      { on: 'apply    Ingresses', outcome: { kind: 'done', illBefore: '41: 0 of 1 targets of d-7-41 healthy' } },
      say(waiting, to(100)),
      say(waiting, { name: 'finalize' }),
    ],
  },
  'the old version does not go': {
    events: [
      say(waiting, to(100)),
      say(waiting, { name: 'finalize' }),
      fails('delete', 'RemovalTimeout', 'Service d-7-41 is held by finalizer example.com/hold'),
    ],
  },
  'plan without autoFinalize': {
    input: { trafficPlan: steps({ autoFinalize: false }) },
    events: [say(waiting, { name: 'finalize' })],
  },
  'plan paused, moved by hand and resumed': {
    input: { trafficPlan: steps() },
    events: [
      say('hold     60 s (plan, step 1)', { name: 'pause', reason: 'looking at latency' }),
      say(waiting, to(60)),
      say(waiting, { name: 'resume' }),
    ],
  },
  'plan paused and resumed': {
    input: { trafficPlan: steps() },
    events: [say('hold     60 s (plan, step 2)', { name: 'pause' }), say(waiting, { name: 'resume' })],
  },
  'green crashes during a hold at 50': {
    input: { trafficPlan: steps() },
    events: [
      {
        on: 'hold     60 s (plan, step 2)',
        outcome: {
          kind: 'ill',
          side: 'green',
          failure: failure('TargetsUnhealthy', 'container application was killed'),
        },
      },
    ],
  },
  'green crashes, onFailure pause, a person goes back': {
    input: { trafficPlan: steps({ onFailure: 'pause' }) },
    events: [
      {
        on: 'hold     60 s (plan, step 2)',
        outcome: { kind: 'ill', side: 'green', failure: failure('TargetsUnhealthy', 'no healthy target') },
      },
      say(waiting, back),
    ],
  },
  'blue falls ill during a hold': {
    input: { trafficPlan: steps() },
    events: [
      {
        on: 'hold     60 s (plan, step 1)',
        outcome: {
          kind: 'ill',
          side: 'blue',
          failure: failure('TargetsUnhealthy', 'no healthy target'),
          restSeconds: 5,
        },
      },
      say(waiting, { name: 'resume' }),
    ],
  },
  ...Object.fromEntries([0, 1, 50, 99, 100].map((percent) => [`rollback at ${percent}`, rollbackAt(percent)])),
  'rollback from Creating': { events: [say('apply    Service', back)] },
  'rollback from WaitingForInstances': { events: [say('wait', back)] },
  'rollback from Verifying': { events: [say('apply    Ingresses', back)] },
  'rollback from Finalizing, during the drain': {
    events: [say(waiting, to(100)), say(waiting, { name: 'finalize' }), say('drain    41', back)],
  },
  'rollback from Finalizing, after the single form': {
    events: [say(waiting, to(100)), say(waiting, { name: 'finalize' }), say('443 app.example.com {42:100}', back)],
  },
  'rollback without a healthy target of blue': {
    events: [
      say(waiting, to(50)),
      say(waiting, back),
      fails('targets 41 has a healthy target', 'TargetsUnhealthy', 'no target of 41 is healthy', false),
    ],
  },
  'rollback after somebody removed a Service of green': {
    events: [
      say(waiting, to(50)),
      {
        on: waiting,
        outcome: { kind: 'ill', side: 'green', failure: failure('TargetsUnhealthy', 'no healthy target') },
      },
      fails('{41:100, 42:0}', 'ControllerRefused', 'Service d-7-42 not found'),
    ],
  },
  'cancel while starting': { events: [{ on: 'wait', cancel: true }] },
  'external DNS, a move refused because green lost its Service': {
    input: byGateway,
    events: [
      say(waiting, to(25)),
      say(waiting, to(50)),
      fails('{41:50, 42:50}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
      fails('{41:75, 42:25}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
      fails('{41:100, 42:0}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
    ],
  },
  'external DNS, the first move refused because green lost its Service': {
    input: byGateway,
    events: [
      say(waiting, to(25)),
      fails('{41:75, 42:25}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
      fails('{41:100, 42:0}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
      fails('{41:100, 42:0}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
    ],
  },
  'external DNS, rolled back while a route without its Service is put back': {
    input: byGateway,
    events: [
      say(waiting, to(50)),
      {
        on: waiting,
        outcome: { kind: 'changed', at: 0, percent: 50, words: 'ResolvedRefs is False, BackendNotFound' },
      },
      say('{41:50, 42:50}', back),
      fails('{41:100, 42:0}', 'RouteNotAccepted', 'BackendNotFound: d-7-42'),
    ],
  },
  'cancel in a hold': {
    input: { trafficPlan: steps() },
    events: [{ on: 'hold     60 s (plan, step 2)', cancel: true }],
  },
  'cancel after the point of no return': {
    events: [say(waiting, to(100)), say(waiting, { name: 'finalize' }), { on: 'delete   blue', cancel: true }],
  },
  'a port that blue lacks': {
    input: { workload: withPort },
    events: [say(waiting, to(50)), say(waiting, to(100)), say(waiting, { name: 'finalize' })],
  },
  'a port that green lacks': {
    blue: [blueMain, bluePort],
    events: [say(waiting, to(100)), say(waiting, { name: 'finalize' })],
  },
  'custom domains': {
    input: {
      hosts: { domain: 'app.example.com', custom: ['www.shop.example'] },
      workload: withPort,
      trafficPlan: steps(),
    },
    blue: [blueMain, bluePort],
    events: [],
  },
  'refused by the controller': {
    input: { trafficPlan: steps() },
    events: [fails('{41:50, 42:50}', 'ControllerRefused', 'Failed build model')],
  },
  'refused by the controller, onFailure pause': {
    input: { trafficPlan: steps({ onFailure: 'pause' }) },
    events: [fails('{41:50, 42:50}', 'ControllerRefused', 'Failed build model'), say(waiting, { name: 'resume' })],
  },
  'external DNS by plan': { input: { ...byGateway, trafficPlan: steps() }, events: [] },
  'external DNS refused by the gateway, onFailure pause': {
    input: { ...byGateway, trafficPlan: steps({ onFailure: 'pause' }) },
    events: [
      fails('{41:90, 42:10}', 'RouteNotAccepted', 'ResolvedRefs is False, BackendNotFound'),
      say(waiting, { name: 'resume' }),
      say('hold     60 s (plan, step 2)', back),
    ],
  },
  'targets unhealthy at weight 0': {
    events: [
      say(waiting, to(25)),
      fails('gate     targets 42', 'TargetsUnhealthy', 'no target of 42 is healthy', false),
    ],
  },
  'looked again while a move is confirmed, green ill by then': {
    events: [
      say(waiting, to(25)),
      { on: '{41:75, 42:25}', outcome: { kind: 'interrupted' } },
      fails('gate     targets 42', 'TargetsUnhealthy', 'no target of 42 is healthy', false),
    ],
  },
  'weights edited by a person, twice': {
    input: { trafficPlan: steps() },
    events: [
      {
        on: 'hold     60 s (plan, step 1)',
        outcome: { kind: 'changed', at: 0, percent: 90, words: 'kubectl-edit changed the weights', restSeconds: 40 },
      },
      {
        on: 'hold     40 s (plan, step 1)',
        outcome: {
          kind: 'changed',
          at: 300_000,
          percent: 50,
          words: 'kubectl-edit changed the weights',
          restSeconds: 30,
        },
      },
      say(waiting, { name: 'resume' }),
    ],
  },
  'weights edited by a person, rolled back while they are put back': {
    events: [
      say(waiting, to(25)),
      { on: waiting, outcome: { kind: 'changed', at: 0, percent: 90, words: 'kubectl-edit changed the weights' } },
      say('{41:75, 42:25}', back),
      fails('{41:75, 42:25}', 'NotConverged', 'the controller is slow'),
    ],
  },
  'weights edited by a person at 0, rolled back while they are put back': {
    events: [
      { on: waiting, outcome: { kind: 'changed', at: 0, percent: 90, words: 'kubectl-edit changed the weights' } },
      say('{41:100, 42:0}', back),
    ],
  },
  'external DNS, refused while traffic holds at 0, rolled back while the route is put back': {
    input: byGateway,
    events: [
      { on: waiting, outcome: { kind: 'changed', at: 0, percent: 0, words: 'Accepted is False, UnsupportedValue' } },
      say('{41:100, 42:0}', back),
    ],
  },
  'refused by the controller, rolled back while the weights before are put back slowly': {
    input: { trafficPlan: steps({ onFailure: 'pause' }) },
    events: [
      fails('{41:50, 42:50}', 'ControllerRefused', 'Failed build model'),
      say('{41:90, 42:10}', back),
      fails('{41:90, 42:10}', 'NotConverged', 'the rules have 50, not 10'),
    ],
  },
  'rollback of a blue with fewer instances does not scale it': {
    start: { routing: { form: 'before' }, greenExists: false, blueCount: 6 },
    events: [say(waiting, to(50)), say(waiting, back)],
  },
  'rolling with autoscaling': {
    input: {
      strategy: 'rolling',
      workload: { image: 'registry.example.com/shop/api:1.4.2', autoscaling: { minReplicas: 20, maxReplicas: 40 } },
      trafficPlan: steps({ steps: [25, 75, 100].map((percent) => ({ percent, holdSeconds: 60 })) }),
    },
    events: [],
  },
  'rolling without room for the new instances, a smaller percentage chosen': {
    input: {
      strategy: 'rolling',
      workload: { image: 'registry.example.com/shop/api:1.4.2', replicas: 20 },
      trafficPlan: { mode: 'manual', onFailure: 'pause' },
    },
    events: [
      say(waiting, to(25)),
      say(waiting, to(75)),
      fails('scale    42 to 15', 'InstancesNotReady', 'no node has room'),
      say(waiting, to(30)),
      say(waiting, to(75)),
      fails('scale    42 to 15', 'InstancesNotReady', 'no node has room'),
      say(waiting, to(10)),
      say(waiting, to(75)),
      fails('scale    42 to 15', 'InstancesNotReady', 'no node has room'),
      say(waiting, to(10)),
      say(waiting, back),
    ],
  },
  'rolling rolled back at 75': {
    input: {
      strategy: 'rolling',
      workload: { image: 'registry.example.com/shop/api:1.4.2', replicas: 20 },
      trafficPlan: { mode: 'manual' },
    },
    events: [say(waiting, to(25)), say(waiting, to(75)), say(waiting, back)],
  },
  'rolling to fewer instances, rolled back': {
    input: { strategy: 'rolling' },
    start: { routing: { form: 'before' }, greenExists: false, blueCount: 20 },
    events: [say(waiting, to(10)), say(waiting, to(50)), say(waiting, back)],
  },
  'rolling to more instances': {
    input: { strategy: 'rolling' },
    start: { routing: { form: 'before' }, greenExists: false, blueCount: 4 },
    events: [say(waiting, to(50)), say(waiting, to(100)), say(waiting, { name: 'finalize' })],
  },
  'rolling terminated at 50, repeated and rolled back': {
    input: { strategy: 'rolling' },
    start: { routing: { form: 'weighted', percent: 50 }, greenExists: true, blueCount: 10 },
    blueBefore: 20,
    events: [say(waiting, back)],
  },
  'repeat after termination at 50': {
    input: { trafficPlan: steps() },
    start: { routing: { form: 'weighted', percent: 50 }, greenExists: true },
    events: [],
  },
  'repeat after termination while finalizing': {
    start: { routing: { form: 'single', side: 'green' }, greenExists: true },
    events: [],
  },
  'repeat while blue is being removed, its messages refused': {
    start: { routing: { form: 'single', side: 'green' }, greenExists: true, noWayBack: true },
    events: [say('wait', back), say('wait', { name: 'pause' })],
  },
  'repeat while blue is being removed, green ill': {
    start: { routing: { form: 'single', side: 'green' }, greenExists: true, noWayBack: true },
    events: [fails('gate     rules, 42', 'TargetsUnhealthy', 'no target of 42 is healthy')],
  },
  'repeat while blue is being removed, cancelled': {
    start: { routing: { form: 'single', side: 'green' }, greenExists: true, noWayBack: true },
    events: [{ on: 'wait', cancel: true }],
  },
  'switch kept until verified': {
    events: [
      say('wait', to(10)),
      say('apply    Ingresses', to(20)),
      say(waiting, { name: 'finalize' }),
      say(waiting, back),
    ],
  },
  'switch kept, paused and resumed': {
    events: [
      say('wait', to(10)),
      say('apply    Ingresses', { name: 'pause' }),
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'switch kept, paused and replaced': {
    events: [
      say('wait', to(10)),
      say('apply    Ingresses', { name: 'pause' }),
      say(waiting, to(20)),
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'switch kept and taken back while paused': {
    events: [
      say('wait', to(10)),
      say('apply    Ingresses', { name: 'pause' }),
      say(waiting, to(0)),
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'switch kept while paused': {
    events: [
      say('apply    Ingresses', { name: 'pause' }),
      say('apply    Ingresses', to(10)),
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'switch kept while paused, resumed and paused again': {
    events: [
      say('wait', { name: 'pause' }),
      say(waiting, to(50)),
      say(waiting, { name: 'resume' }),
      say('apply    Ingresses', { name: 'pause' }),
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'switch kept, blue dead before the rollout': {
    events: [
      say('apply    Ingresses', { name: 'pause' }),
      say('apply    Ingresses', to(50)),
      { on: 'apply    Ingresses', outcome: { kind: 'done', illBefore: '41: 0 of 1 targets of d-7-41 healthy' } },
      say(waiting, { name: 'resume' }),
      say(waiting, back),
    ],
  },
  'orphans of an earlier rollout': {
    orphans: ['39'],
    events: [say(waiting, to(100)), say(waiting, { name: 'finalize' })],
  },
};

describe('the story of a rollout', () => {
  test.each(Object.entries(stories))('%s', async (name, story) => {
    await expect(tell(story).text).toMatchFileSnapshot(`transcripts/${fileName(name)}`);
  });

  test('every transcript has its story', async () => {
    const files = await readdir(new URL('transcripts', import.meta.url));
    expect(files.sort()).toEqual(Object.keys(stories).map(fileName).sort());
  });
});

function fileName(name: string): string {
  return `${name.replace(/[^a-zA-Z0-9]+/g, '-')}.txt`;
}
