import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type * as inputs from '../../contract/deployment/input.ts';
import type * as statuses from '../../contract/deployment/status.ts';
import type * as given from '../../contract/schemas/deployment.ts';
import { deploymentInputSchema, instanceRestartInputSchema } from '../../contract/schemas/deployment.ts';
import type * as answers from '../../contract/schemas/deployment-answers.ts';
import { deploymentStatusSchema } from '../../contract/schemas/deployment-answers.ts';
import { readWith } from '../../contract/schemas/fields.ts';

const slugs = { account: 'acme', namespace: 'shop', application: 'api', scope: 'prod' };
const smallest = {
  scopeId: '7',
  deploymentId: '42',
  scope: { slugs, visibility: 'public' },
  hosts: { domain: 'app.example.com' },
  workload: { image: 'api:1' },
};

const holding = (holdSeconds: number) => ({
  trafficPlan: { mode: 'steps', steps: [{ percent: 100, holdSeconds }] },
});
const probing = (initialDelaySeconds: number) => ({
  workload: { ...smallest.workload, healthCheck: { initialDelaySeconds } },
});

async function validator(name: string) {
  const file = new URL(`../../contract/schemas/json/${name}.json`, import.meta.url);
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    formats: { 'date-time': true },
  });
  return ajv.compile(JSON.parse(await readFile(file, 'utf8')));
}

test('the schemas of the deployment room say what its types say', () => {
  expectTypeOf<z.infer<typeof given.deploymentDeletionInputSchema>>().toEqualTypeOf<inputs.DeploymentDeletionInput>();
  expectTypeOf<z.infer<typeof given.instanceRestartInputSchema>>().toEqualTypeOf<inputs.InstanceRestartInput>();
  expectTypeOf<z.infer<typeof given.diagnosisInputSchema>>().toEqualTypeOf<inputs.DiagnosisInput>();
  expectTypeOf<z.infer<typeof given.deploymentInputSchema>>().toEqualTypeOf<inputs.DeploymentInput>();
  expectTypeOf<z.infer<typeof answers.deploymentStatusSchema>>().toEqualTypeOf<statuses.DeploymentStatus>();
  expectTypeOf<z.infer<typeof answers.deploymentResultSchema>>().toEqualTypeOf<statuses.DeploymentResult>();
  expectTypeOf<z.infer<typeof answers.deploymentPlanSchema>>().toEqualTypeOf<statuses.DeploymentPlan>();
  expectTypeOf<z.infer<typeof answers.diagnosisResultSchema>>().toEqualTypeOf<statuses.DiagnosisResult>();
});

describe('reading a deployment', () => {
  test.each([
    ['the smallest', smallest, true],
    [
      'nulls for what is left to defaults',
      { ...smallest, currentDeploymentId: null, trafficPlan: null, adopt: null },
      true,
    ],
    ['a later field', { ...smallest, later: true }, true],
    ['the other spelling of a strategy', { ...smallest, strategy: 'blue-green' }, true],
    ['another strategy', { ...smallest, strategy: 'canary' }, false],
    ['a step that holds a week', { ...smallest, ...holding(604_800) }, true],
    ['a step that holds longer', { ...smallest, ...holding(604_801) }, false],
    ['a probe that waits for ever', { ...smallest, ...probing(1e15) }, false],
    ['no workload', { ...smallest, workload: undefined }, false],
    ['a deployment id of 25 characters', { ...smallest, deploymentId: 'a'.repeat(25) }, false],
    ['a deployment id that ends with a hyphen', { ...smallest, deploymentId: 'a-' }, false],
  ])('zod and JSON Schema agree on %s', async (_, value, valid) => {
    expect(readWith(deploymentInputSchema, value).ok).toBe(valid);
    expect((await validator('deployment-input'))(JSON.parse(JSON.stringify(value)))).toBe(valid);
  });

  test('names every wrong field in words', () => {
    const reading = readWith(deploymentInputSchema, {
      ...smallest,
      deploymentId: 'No',
      scope: { slugs, visibility: 'all' },
      workload: { image: 7, replicas: 'two', additionalPorts: [{ port: '80', type: 'TCP' }], env: { A: 1 } },
      trafficPlan: { mode: 'fast' },
    });
    expect(reading.ok ? [] : reading.fields.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'deploymentId: must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
      'scope.visibility: must be one of "public", "private", "internal"',
      'workload.image: must be a string',
      'workload.replicas: must be a number',
      'workload.additionalPorts.0.port: must be a number',
      'workload.additionalPorts.0.type: must be one of "HTTP", "GRPC"',
      'workload.env.A: must be a string',
      'trafficPlan.mode: must be one of "manual", "steps"',
    ]);
  });

  test.each(['v2-http-2024', 'v2-grpc-50051'])(
    '%s is no id of a deployment: it would be read as a port of v2',
    (id) => {
      const message = 'must not end like the Service of a port ("-http-" or "-grpc-" and 4 or 5 digits)';
      for (const path of ['deploymentId', 'currentDeploymentId']) {
        const reading = readWith(deploymentInputSchema, { ...smallest, [path]: id });
        expect(reading.ok ? [] : reading.fields).toEqual([{ path, message }]);
      }
      expect(readWith(deploymentInputSchema, { ...smallest, deploymentId: 'v2-http-124' }).ok).toBe(true);
    },
  );

  test('a restart needs the name of an instance (D99)', () => {
    const ask = { scopeId: '7', deploymentId: '42', scope: smallest.scope };
    const reading = readWith(instanceRestartInputSchema, ask);
    expect(reading.ok ? [] : reading.fields).toEqual([{ path: 'instanceId', message: 'is required' }]);
    expect(readWith(instanceRestartInputSchema, { ...ask, instanceId: 'Not/A/Pod' }).ok).toBe(false);
  });
});

test('the published status takes what a run answers', async () => {
  const status: statuses.DeploymentStatus = {
    scopeId: '7',
    deploymentId: '42',
    kind: 'deployment',
    strategy: 'rolling',
    phase: 'Running',
    paused: false,
    blue: '41',
    green: '42',
    percent: { confirmed: 10, wanted: 50 },
    plan: { step: 2, steps: 3 },
    expected: [{ host: 'app.example.com', port: 443, weights: { 'd-7-41': 90, 'd-7-42': 10 } }],
    actual: [],
    healthyTargets: { green: 1 },
    instances: { green: { desired: 1, launched: 1, ready: 1, available: 1, updated: 1 } },
    warnings: [],
  };
  const validate = await validator('deployment-status');
  expect(validate({ ...status, later: true })).toBe(true);
  expect(validate({ ...status, phase: 'Dreaming' })).toBe(false);
  expect(readWith(deploymentStatusSchema, status)).toEqual({ ok: true, value: status });
});
