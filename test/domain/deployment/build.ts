import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import { type DeploymentRequest, resolveDeployment } from '../../../domain/deployment/request.ts';
import { type DeploymentSettings, defaultDeploymentTimings } from '../../../domain/deployment/settings.ts';
import type { BackendService } from '../../../domain/deployment/shape.ts';
import { brands, defaultTimings } from '../../../domain/scope/settings.ts';

/** A scope 7 of shop/api, whose deployment 41 serves and whose deployment 42 is rolled out. */

export function settings(fields: Partial<DeploymentSettings> = {}): DeploymentSettings {
  return {
    scope: { brand: brands.groundwork, knobs: { region: 'eu-west-1' }, timings: defaultTimings, maxReplacements: 2 },
    knobs: {},
    timings: defaultDeploymentTimings,
    runAsRoot: false,
    ...fields,
  };
}

export function input(fields: Partial<DeploymentInput> = {}): DeploymentInput {
  return {
    scopeId: '7',
    deploymentId: '42',
    currentDeploymentId: '41',
    scope: {
      slugs: { account: 'acme', namespace: 'shop', application: 'api', scope: 'prod' },
      nrn: 'organization=1:account=2:namespace=3:application=4:scope=7',
      visibility: 'public',
    },
    hosts: { domain: 'app.example.com' },
    workload: { image: 'registry.example.com/shop/api:1.4.2', replicas: 10 },
    ...fields,
  };
}

export function request(
  fields: Partial<DeploymentInput> = {},
  worker: Partial<DeploymentSettings> = {},
): DeploymentRequest {
  const resolution = resolveDeployment(input(fields), settings(worker));
  if (!resolution.ok) throw new Error(JSON.stringify(resolution.problems));
  return resolution.request;
}

/** `path: message` of everything that is wrong. */
export function problems(fields: Partial<DeploymentInput> = {}, worker: Partial<DeploymentSettings> = {}): string[] {
  const resolution = resolveDeployment(input(fields), settings(worker));
  return resolution.ok ? [] : resolution.problems.map(({ path, message }) => `${path}: ${message}`);
}

export const blueMain: BackendService = { name: 'd-7-41', port: 8080 };
