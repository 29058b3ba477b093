import { describe, expect, test } from 'vitest';
import {
  controllerOpinion,
  type IngressEvent,
  markOf,
  saidSince,
  shownEvents,
} from '../../../domain/deployment/refusals.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const event = (message: string, fields: Partial<IngressEvent> = {}): IngressEvent => ({
  id: 'e1',
  count: 1,
  uid: 'u1',
  type: 'Warning',
  reason: 'FailedBuildModel',
  message: `Failed build model due to ${message}`,
  firstSeen: at(10),
  lastSeen: at(10),
  ...fields,
});
const ours = [
  { ingress: 'shop/k-8-s-prod-7-internet-facing', services: ['d-7-41', 'd-7-42'], hosts: ['app.example.com'] },
];
const others = [{ ingress: 'shop/k-8-s-test-8-internet-facing', services: ['d-8-4'], hosts: ['test.example.com'] }];
const opinion = (...events: IngressEvent[]) =>
  controllerOpinion({ events, uids: ['u1'], ours, others, appliedAt: at(10), heard: [], former: [] });

describe('what the balancer’s controller says', () => {
  test('a certificate that one of our hosts lacks (D46)', () => {
    expect(opinion(event('no certificate found for host: app.example.com'))).toMatchObject({
      kind: 'refused',
      type: 'CertificateMissing',
      host: 'app.example.com',
    });
  });

  test.each([
    ['FailedBuildModel', 'ingress: shop/k-8-s-prod-7-internet-facing: Service "d-7-42" not found'],
    ['FailedDeployModel', 'unable to find port 9999 on service shop/d-7-42'],
  ])('%s that names what is ours (D63)', (reason, message) => {
    expect(opinion(event(message, { reason }))).toMatchObject({ kind: 'refused', type: 'ControllerRefused' });
  });

  test.each([
    ['Service "d-8-4" not found', 'shop/k-8-s-test-8-internet-facing'],
    ['no certificate found for host: elsewhere.example.org', 'host elsewhere.example.org'],
    ['ingress: shop/unknown-to-us: conflicting scheme', 'shop/unknown-to-us'],
  ])('another member breaks the group: %s (N9)', (message, by) => {
    expect(opinion(event(message))).toMatchObject({ kind: 'broken', by });
  });

  test('names are whole: d-7-42 is not d-7-421, app.example.com not my.app.example.com', () => {
    expect(opinion(event('Service "d-7-421" not found', { firstSeen: at(1) }))).toMatchObject({ kind: 'broken' });
    expect(opinion(event('rule for my.app.example.com', { firstSeen: at(1) }))).toMatchObject({ kind: 'broken' });
  });

  test('who names nobody is ours if it began with our apply', () => {
    expect(opinion(event('too many rules'))).toMatchObject({ kind: 'refused', type: 'ControllerRefused' });
    expect(opinion(event('too many rules', { firstSeen: at(1) }))).toMatchObject({ kind: 'broken' });
  });

  test('what stood there before our apply says nothing, though of the same second; when it occurs again it does', () => {
    const asked = { uids: ['u1'], ours, others, appliedAt: at(10), former: [] };
    const stale = event('too many rules');
    const heard = [markOf(stale)];
    expect(controllerOpinion({ ...asked, events: [stale], heard })).toBeUndefined();
    for (const fresh of [{ count: 2 }, { id: 'e2' }, { lastSeen: at(11) }])
      expect(controllerOpinion({ ...asked, events: [{ ...stale, ...fresh }], heard })).toMatchObject({
        kind: 'refused',
      });
  });

  test('who misses a Service that our routing does not name any more speaks of the one before', () => {
    const asked = { uids: ['u1'], ours, others, appliedAt: at(10), heard: [], former: ['d-7-42'] };
    const about = (service: string) =>
      event(`ingress: shop/k-8-s-prod-7-internet-facing: Service "${service}" not found`);
    expect(controllerOpinion({ ...asked, events: [about('d-7-42')] })).toBeUndefined();
    expect(controllerOpinion({ ...asked, events: [about('d-7-41')] })).toMatchObject({ kind: 'refused' });
  });

  test('success, older events and events of a former Ingress say nothing (D44)', () => {
    const success = event('', { type: 'Normal', reason: 'SuccessfullyReconciled' });
    const older = event('Service "d-7-42" not found', { firstSeen: at(1), lastSeen: at(9) });
    const former = event('Service "d-7-42" not found', { uid: 'u0' });
    expect(opinion(success, older, former)).toBeUndefined();
  });

  test('what is said while a gate waits is told once each, without what was heard before or is of others', () => {
    const again = event('a', { id: 'e2', count: 7, lastSeen: at(12) });
    const heard = event('old', { id: 'e3' });
    const events = [event('a'), again, heard, event('b', { lastSeen: at(11) }), event('c', { uid: 'u2' })];
    const early = event('early', { lastSeen: at(1) });
    const said = saidSince({ events: [early, ...events], uids: ['u1'], appliedAt: at(10), heard: [markOf(heard)] });
    expect(said).toEqual(['a', 'b'].map((what) => `FailedBuildModel: Failed build model due to ${what}`));
  });

  test('warnings are shown newest first, normal events are not', () => {
    const events = [event('a'), event('b', { lastSeen: at(11) }), event('c', { type: 'Normal' })];
    expect(shownEvents(events, ['u1'])).toEqual([
      `${at(11)} FailedBuildModel: Failed build model due to b`,
      `${at(10)} FailedBuildModel: Failed build model due to a`,
    ]);
  });
});
