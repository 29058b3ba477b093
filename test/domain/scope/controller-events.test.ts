import { describe, expect, test } from 'vitest';
import { type ControllerEvent, controllerVerdict, relevantEvents } from '../../../domain/scope/controller-events.ts';

const event = (message: string, fields: Partial<ControllerEvent> = {}): ControllerEvent => ({
  uid: 'u1',
  type: 'Warning',
  reason: 'FailedBuildModel',
  message,
  lastSeen: '2026-01-01T00:01:00.000Z',
  ...fields,
});

test.each([
  ['Failed build model due to ingress: prod/k: no certificate found for host: k.example.com', 'CertificateMissing'],
  ['CertificateNotFound: the certificate does not exist', 'CertificateMissing'],
  ['TooManyLoadBalancers: The maximum number of load balancers has been reached', 'BalancerQuotaExceeded'],
  ['load balancer quota exceeded', 'BalancerQuotaExceeded'],
  ['DuplicateLoadBalancerName: A load balancer with the same name exists', 'BalancerNameConflict'],
  ['conflicting load balancer name: map[a:{} b:{}]', 'BalancerNameConflict'],
  ['CONFLICTING SCHEME: map[internal internet-facing]', 'BalancerNameConflict'],
  ['conflicting tag groundwork:visibility', 'BalancerNameConflict'],
] as const)('%s means %s', (message, type) => {
  expect(controllerVerdict([event(message)])?.type).toBe(type);
});

test.each(['Service "green" not found', 'operation error EC2: DescribeSubnets, timeout'])(
  '%s only means: not done yet',
  (message) => {
    expect(controllerVerdict([event(message)])).toBeUndefined();
  },
);

test('the words of other reasons end no wait', () => {
  expect(
    controllerVerdict([event('no certificate found for host: x', { reason: 'FailedUpdateStatus' })]),
  ).toBeUndefined();
});

test('the host without a certificate is named', () => {
  expect(controllerVerdict([event('no certificate found for host: k.example.com')])?.host).toBe('k.example.com');
});

describe('events that count', () => {
  test('are of this keeper, warnings, and not older than the wait by more than the clocks allow', () => {
    const events = [
      event('other keeper', { uid: 'u2' }),
      event('normal', { type: 'Normal' }),
      event('too old', { lastSeen: '2026-01-01T00:00:54.999Z' }),
      event('just allowed', { lastSeen: '2026-01-01T00:00:55.000Z' }),
      event('newest', { lastSeen: '2026-01-01T00:02:00.000Z' }),
    ];
    expect(relevantEvents(events, 'u1', '2026-01-01T00:01:00.000Z').map(({ message }) => message)).toEqual([
      'newest',
      'just allowed',
    ]);
  });
});
