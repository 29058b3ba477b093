import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import { defaultThresholds } from '../../../domain/scope/configuration.ts';
import type {
  Candidate,
  LivePlacement,
  Observation,
  PlacementPolicy,
  SeenBalancer,
} from '../../../domain/scope/placement.ts';
import { brands, defaultTimings, type ScopeSettings } from '../../../domain/scope/settings.ts';

/** Builders for facts in tests: everything has a plain value, a test says only what matters to it. */

export function settings(
  knobs: ScopeSettings['knobs'] = {},
  preset: keyof typeof brands = 'groundwork',
): ScopeSettings {
  return { brand: brands[preset], knobs, timings: defaultTimings, maxReplacements: 2 };
}

export function input(fields: Partial<ScopeCreationInput> = {}): ScopeCreationInput {
  return {
    scopeId: '123',
    slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' },
    visibility: 'public',
    region: 'us-east-1',
    networking: { platform: { domainName: 'apps.example.com' } },
    ...fields,
  };
}

export function seen(fields: Partial<SeenBalancer> = {}): SeenBalancer {
  return {
    kind: 'seen',
    state: 'active',
    scheme: 'internet-facing',
    arn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/1',
    dnsName: 'x-1.us-east-1.elb.amazonaws.com',
    canonicalHostedZoneId: 'Z35SXDOTRQ7X7K',
    rules: 0,
    hosts: [],
    targetGroups: 0,
    listeners: [
      { port: 80, protocol: 'HTTP' },
      { port: 443, protocol: 'HTTPS' },
    ],
    ...fields,
  };
}

export function declared(name: string, observation: Observation): Candidate {
  return { name, origin: 'declared', ledgerState: 'active', observation };
}

export function autocreated(
  name: string,
  observation: Observation,
  ledgerState: Candidate['ledgerState'] = 'active',
): Candidate {
  return { name, origin: 'autocreated', ledgerState, keeperHost: `${name}.apps.example.com`, observation };
}

export function policy(fields: Partial<PlacementPolicy> = {}): PlacementPolicy {
  return {
    scheme: 'internet-facing',
    thresholds: defaultThresholds,
    autocreateEnabled: false,
    baseDomain: 'apps.example.com',
    ...fields,
  };
}

export function live(scopeId: string, balancer: string, ...hosts: string[]): LivePlacement {
  return { scopeId, balancer, hosts: hosts.length > 0 ? hosts : [`${scopeId}.apps.example.com`] };
}

export const subject = { scopeId: '123', hosts: ['new.apps.example.com'] };
