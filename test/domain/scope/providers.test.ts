import { describe, expect, test } from 'vitest';
import type { ProviderDocuments, ScopeCreationInput } from '../../../contract/scope/input.ts';
import { resolveScopeRequest } from '../../../domain/scope/request.ts';
import type { ScopeSettings } from '../../../domain/scope/settings.ts';
import { settings } from './build.ts';

const base: ScopeCreationInput = {
  scopeId: '123',
  slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' },
  visibility: 'public',
};

function resolve(
  providers: ProviderDocuments,
  fields: Partial<ScopeCreationInput> = {},
  knobs: ScopeSettings['knobs'] = {},
) {
  const resolution = resolveScopeRequest({ ...base, ...fields, providers }, settings(knobs, 'nullplatform'));
  if (!resolution.ok) throw new Error(resolution.problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return resolution.request;
}

describe('provider documents under the preset', () => {
  test('are read by the paths of each document', () => {
    const request = resolve({
      'scope-configurations': {
        object_modifiers: { ingress: { labels: { team: 'web' } } },
        cluster: { namespace: 'apps', create_namespace_if_not_exist: 'false' },
        networking: {
          balancer_public_name: 'np-public',
          additional_public_balancers: ['np-extra'],
          alb_max_capacity: '60',
          application_domain: true,
        },
      },
      'container-orchestration': {
        balancer: {
          additional_public_names: ['np-platform', 'np-extra'],
          alb_max_listeners: 10,
          autocreate_enabled: true,
          autocreate_name_prefix: 'np-auto-',
          autocreate_timeout_seconds: 120,
        },
        gateway: { public_name: 'front' },
      },
      'cloud-providers': {
        account: { region: 'sa-east-1' },
        networking: { domain_name: 'acme.io', hosted_public_zone_id: 'ZPUB', hosted_zone_id: 'ZPRIV' },
      },
    });
    expect(request).toMatchObject({
      namespace: 'apps',
      createNamespace: false,
      declared: ['np-public', 'np-extra', 'np-platform'],
      thresholds: { rules: 60, listeners: 10 },
      autocreate: { enabled: true, prefix: 'np-auto-', timeoutSeconds: 120 },
      gateway: 'front',
      modifiers: { ingress: { labels: { team: 'web' } } },
      region: 'sa-east-1',
      zones: [
        { id: 'ZPRIV', kind: 'private' },
        { id: 'ZPUB', kind: 'public' },
      ],
      warnings: [],
    });
    expect(request.domain).toMatch(/\.acme\.acme\.io$/);
  });

  test('scope over platform over worker; null and empty are not set; an explicit false is', () => {
    const networking = (value: unknown) => ({ networking: { alb_max_capacity: value } });
    const platform = { balancer: { alb_capacity_threshold: 50, autocreate_enabled: false } };
    const knobs = { albMaxCapacity: 40, autocreateEnabled: true };
    const both = { 'scope-configurations': networking(60), 'container-orchestration': platform };
    expect(resolve(both, {}, knobs).thresholds.rules).toBe(60);
    for (const unset of [null, '', undefined]) {
      const documents = { 'scope-configurations': networking(unset), 'container-orchestration': platform };
      expect(resolve(documents, {}, knobs).thresholds.rules).toBe(50);
    }
    expect(resolve(both, {}, knobs).autocreate.enabled).toBe(false);
    expect(resolve({ 'container-orchestration': null }, {}, knobs)).toMatchObject({
      thresholds: { rules: 40 },
      autocreate: { enabled: true },
    });
  });

  test('an explicit knob of the same level counts more', () => {
    const providers = {
      'scope-configurations': { networking: { alb_max_capacity: 60, dns_type: 'external_dns' } },
      'cloud-providers': { networking: { hosted_public_zone_id: 'ZPUB', hosted_zone_id: 'ZPRIV' } },
    };
    const request = resolve(providers, {
      dnsType: 'route53',
      networking: { scope: { albMaxCapacity: 30 }, platform: { hostedZones: { public: 'ZOWN' } } },
    });
    expect(request).toMatchObject({ dnsType: 'route53', thresholds: { rules: 30 } });
    expect(request.zones.map(({ id }) => id)).toEqual(['ZPRIV', 'ZOWN']);
    expect(resolve(providers).dnsType).toBe('external_dns');
  });

  test('knobs without effect are told', () => {
    const networking = { alb_reconciliation_enabled: false, alb_metrics_enabled: true };
    expect(resolve({ 'scope-configurations': { networking } }).warnings.map(({ code }) => code)).toEqual([
      'KnobIgnored',
      'KnobIgnored',
    ]);
  });

  test('a value of the wrong kind is named by its path in the document', () => {
    const providers = {
      'scope-configurations': { networking: { additional_public_balancers: 'a,b' }, object_modifiers: { pod: {} } },
      'container-orchestration': { balancer: { autocreate_enabled: 'perhaps' } },
    };
    expect(() => resolve(providers)).toThrow(
      /providers\.scope-configurations\.networking\.additional_public_balancers: must be a list.*object_modifiers: must be labels and annotations by kind of object.*providers\.container-orchestration\.balancer\.autocreate_enabled: must be true or false/s,
    );
  });

  test('without the preset they are not read, and that is told', () => {
    const networking = { platform: { domainName: 'apps.example.com', region: 'us-east-1' } };
    const providers = { 'scope-configurations': { networking: { alb_max_capacity: 60 } } };
    const resolution = resolveScopeRequest({ ...base, networking, providers }, settings());
    expect(resolution).toMatchObject({
      ok: true,
      request: { thresholds: { rules: 75 }, warnings: [{ code: 'ProvidersIgnored' }] },
    });
  });
});
