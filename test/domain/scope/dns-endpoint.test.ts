import { describe, expect, test } from 'vitest';
import {
  addressOfGateway,
  addressOfIngress,
  addressOfService,
  dnsEndpoint,
  dnsEndpointName,
  gatewayIngressName,
} from '../../../domain/scope/dns-endpoint.ts';

const slugs = { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' };

describe('the name of a DNSEndpoint', () => {
  test.each([
    ['short slugs', 'api', 'prod', 'k8s-api-prod-123-dns'],
    [
      'S77: slugs of 40 characters are cut to 20',
      'a'.repeat(40),
      'b'.repeat(40),
      `k8s-${'a'.repeat(20)}-${'b'.repeat(20)}-123-dns`,
    ],
    ['a hyphen at the cut is removed', `${'a'.repeat(19)}-x`, 'prod', `k8s-${'a'.repeat(19)}-prod-123-dns`],
  ])('%s', (_, application, scope, expected) => {
    expect(dnsEndpointName({ slugs: { ...slugs, application, scope }, scopeId: '123' })).toBe(expected);
  });
});

test('the object has one endpoint, a TTL of 60 seconds, and the zone type by visibility', () => {
  const request = { slugs, scopeId: '123', namespace: 'ns', domain: 'a.example.com', labels: { groundwork: 'true' } };
  const object = dnsEndpoint({ ...request, visibility: 'private' }, { type: 'A', target: '10.0.0.1' });
  expect(object).toMatchObject({
    apiVersion: 'externaldns.k8s.io/v1alpha1',
    kind: 'DNSEndpoint',
    metadata: { namespace: 'ns', labels: { 'dns/zone-type': 'private' } },
    spec: { endpoints: [{ dnsName: 'a.example.com', recordTTL: 60, recordType: 'A', targets: ['10.0.0.1'] }] },
  });
});

describe('the address of a gateway', () => {
  test('the Ingress in front of it is named without "gateway-", and only a host name counts', () => {
    expect(gatewayIngressName('gateway-public')).toBe('gateway-alb-public');
    expect(gatewayIngressName('front')).toBe('gateway-alb-front');
    expect(addressOfIngress('x', [{ ip: '10.0.0.1' }, { hostname: 'lb.example' }])).toMatchObject({
      type: 'CNAME',
      target: 'lb.example',
    });
    expect(addressOfIngress('x', [{ ip: '10.0.0.1' }])).toBeUndefined();
  });

  test('of a Gateway an IP address comes before a host name, also without a type', () => {
    const hostname = { type: 'Hostname', value: 'lb.example' };
    expect(addressOfGateway('g', [hostname, { value: '10.0.0.1' }])).toMatchObject({ type: 'A', target: '10.0.0.1' });
    expect(addressOfGateway('g', [hostname])).toMatchObject({ type: 'CNAME' });
    expect(addressOfGateway('g', [{ type: 'NamedAddress', value: 'x' }])).toBeUndefined();
  });

  test('of a Service likewise', () => {
    expect(addressOfService('s', [{ hostname: 'lb.example' }, { ip: '10.0.0.1' }])).toMatchObject({ type: 'A' });
    expect(addressOfService('s', [{ hostname: 'lb.example' }])).toMatchObject({ type: 'CNAME' });
    expect(addressOfService('s', [])).toBeUndefined();
  });
});
