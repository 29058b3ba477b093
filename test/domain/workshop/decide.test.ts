import { describe, expect, test } from 'vitest';
import { workshopAnnotations, workshopLabels } from '../../../contract/workshop/objects.ts';
import { decisionReasons } from '../../../contract/workshop/status.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { explain } from '../../../domain/workshop/decide.ts';
import { readObservation } from '../../../domain/workshop/observation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import {
  at,
  claim,
  decideAbout,
  decideOn,
  enabled,
  NOW,
  observe,
  rawObjects,
  type Situation,
  seatsFor,
  taken,
  timings,
} from './build.ts';

const full = (count: number, more: Partial<Situation> = {}): Situation => ({ count, assigned: count, ...more });
const set = (fields: object) => ({ autoScaling: { ...enabled, ...fields } });

describe('the ratio strategy', () => {
  test.each<[string, Situation, number]>([
    ['W5 8 of 10, inclusive', { count: 10, assigned: 8 }, 15],
    ['W6 all of 10, a single step', full(10), 15],
    ['W8 one of one', full(1), 2],
    ['W9 two of two', full(2), 3],
    ['W9 three of three', full(3), 4],
    ['four of four', full(4), 6],
    ['W10 five of five', full(5), 7],
    ['W11 E2 factor 1.0', full(10, set({ scaleFactor: 1 })), 11],
    ['W13 70, clipped to the cap', full(70), 100],
    ['50 x 1.16 without the error of binary fractions', full(50, set({ scaleFactor: 1.16 })), 58],
    ['25 x 1.16 likewise', full(25, set({ scaleFactor: 1.16 })), 29],
    ['E7 a huge factor, clipped', full(3, set({ scaleFactor: 1e308 })), 100],
    ['maxStep', full(10, set({ maxStep: 2 })), 12],
    ['W16 threshold 1.0, all taken', full(10, set({ threshold: 1 })), 15],
    ['E30 16 of the 20 users of one claim', { count: 1, assigned: 16, seatsPerClaim: 20 }, 2],
    [
      'W42 a locked workshop grows',
      full(10, { workshopMeta: { name: 'ws', labels: { [workshopLabels.lock]: 'true' } } }),
      15,
    ],
  ])('%s', (_, situation, target) => {
    expect(decideAbout(situation)).toMatchObject({
      action: 'scaleUp',
      reason: 'Scale',
      target,
      inputs: { count: situation.count },
    });
  });

  test('W13 E5 says what lowered the target', () => {
    expect(decideAbout(full(70))).toMatchObject({ rawTarget: 105, target: 100, clips: ['AtMax'] });
    expect(decideAbout(full(10, set({ maxStep: 2 })))).toMatchObject({ rawTarget: 15, clips: ['MaxStep'] });
    expect(decideAbout(full(99, set({ maxStep: 9 }))).clips).toEqual(['MaxStep', 'AtMax']);
  });
});

describe('the other strategies', () => {
  const headroom = (minAvailable: number) => set({ strategy: 'headroom', minAvailable });

  test.each<[string, Situation, number]>([
    ['W73 headroom of 5 with 3 free', { count: 10, assigned: 7, ...headroom(5) }, 12],
    ['E1 headroom without seats counts the claim on its way', { count: 1, claims: { pending: 1 }, ...headroom(5) }, 5],
    ['headroom divides by the seats of a claim', { count: 1, assigned: 18, seatsPerClaim: 20, ...headroom(30) }, 3],
    ['target, proportional', full(10, set({ strategy: 'target' })), 13],
    ['target, at the threshold: at least one', { count: 10, assigned: 8, ...set({ strategy: 'target' }) }, 11],
  ])('%s', (_, situation, target) => {
    expect(decideAbout(situation)).toMatchObject({ reason: 'Scale', target });
  });

  test('headroom counts what is on its way, and then asks for nothing', () => {
    const coming = { count: 12, claims: { active: 10, provisioning: 2 }, assigned: 7, ...headroom(5) };
    expect(decideAbout(coming)).toMatchObject({ reason: 'EnoughAvailable', inputs: { need: 0, inFlightSeats: 2 } });
  });
});

describe('R13: no action', () => {
  const lifespan = (fields: object) => ({ workshop: { lifespan: fields } });

  test.each<[string, Situation, string]>([
    ['W1 autoScaling absent', full(10, { autoScaling: undefined }), 'Disabled'],
    ['W2 autoScaling empty', full(10, { autoScaling: {} }), 'Disabled'],
    ['W3 enabled false', full(10, { autoScaling: { enabled: false } }), 'Disabled'],
    [
      'a broken configuration that is disabled',
      full(10, { autoScaling: { enabled: false, threshold: 7 } }),
      'Disabled',
    ],
    ['W4 7 of 10', { count: 10, assigned: 7 }, 'BelowThreshold'],
    ['W7 E1 no seats', { count: 10, claims: { provisioning: 10 } }, 'NoSeats'],
    ['W14 E4 at the cap', full(100), 'AtMax'],
    ['W15 E4 the cap below the count', full(8, set({ maxProvisions: 5 })), 'AtMax'],
    ['W16 threshold 1.0, 9 of 10', { count: 10, assigned: 9, ...set({ threshold: 1 }) }, 'BelowThreshold'],
    ['W31 R7 E17 six of ten failed', { count: 10, claims: { active: 4, failed: 6 }, assigned: 4 }, 'FailureThreshold'],
    [
      'W32 R8 E29 two of ten ready and taken',
      { count: 10, claims: { active: 2, provisioning: 8 }, assigned: 2 },
      'ProvisioningInProgress',
    ],
    ['claims that do not exist yet', { count: 10, claims: { active: 2 }, assigned: 2 }, 'ProvisioningInProgress'],
    [
      'E20 a claim without resources',
      { count: 10, claims: { active: 9, empty: 1 }, assigned: 9 },
      'ProvisioningInProgress',
    ],
    ['W38 E10 ended', full(10, lifespan({ end: at(-1) })), 'Ended'],
    ['E10 ending before an environment could be ready', full(10, lifespan({ end: at(599) })), 'EndingSoon'],
    ['W39 E11 R6 starting tomorrow', full(10, lifespan({ start: at(86_400) })), 'NotStarted'],
    ['the lifespan of the provision', full(10, { provision: { lifespan: { end: at(-1) } } }), 'Ended'],
    ['W40 E12 stopped', full(10, { workshop: { actionSchedule: { stop: at(-1) } } }), 'Stopped'],
    ['E12 a schedule that starts later', full(10, { provision: { actionSchedule: { start: at(60) } } }), 'Stopped'],
    ['W41 E13 provisioning disabled', full(10, { workshop: { provisionDisabled: true } }), 'ProvisionDisabled'],
    [
      'W42 E14 locked and respected',
      full(10, {
        ...set({ respectLock: true }),
        workshopMeta: { name: 'ws', labels: { [workshopLabels.lock]: 'true' } },
      }),
      'Locked',
    ],
    [
      'W43 E15 ignored',
      full(10, { provisionMeta: { name: 'lab', labels: { [workshopLabels.ignore]: '' } } }),
      'Ignored',
    ],
    [
      'an ignored workshop',
      full(10, { workshopMeta: { name: 'ws', labels: { [workshopLabels.ignore]: 'x' } } }),
      'Ignored',
    ],
    [
      'W36 E9 a workshop that is being deleted',
      full(10, { workshopMeta: { name: 'ws', deletionTimestamp: at(-1) } }),
      'WorkshopGone',
    ],
    [
      'W36 a provision that is being deleted',
      full(10, { provisionMeta: { name: 'lab', deletionTimestamp: at(-1) } }),
      'ProvisionGone',
    ],
    ['W77 E3 R13 scaled to zero', { count: 0 }, 'ScaledToZero'],
    ['a flag without a known operation', full(10, { status: { autoScalingActive: true } }), 'OperationActive'],
  ])('%s', (_, situation, reason) => {
    const decision = decideAbout(situation);
    expect(decision).toMatchObject({ action: 'none', reason });
    expect(JSON.stringify(decision)).not.toMatch(/NaN|Infinity/);
  });

  test('W37 E8 E9 a provision or a workshop that does not exist', () => {
    const objects = rawObjects(full(10));
    expect(decideOn(readObservation({ ...objects, provision: undefined, provisions: [] })).reason).toBe(
      'ProvisionGone',
    );
    expect(decideOn(readObservation({ ...objects, workshop: undefined })).reason).toBe('WorkshopGone');
  });

  test('E17 an open breaker closes when the failed claims were removed', () => {
    expect(decideAbout({ count: 10, claims: { active: 10, failed: 6 }, assigned: 10 }).reason).toBe('FailureThreshold');
    expect(decideAbout({ count: 10, claims: { active: 10, failed: 5 }, assigned: 10 }).reason).toBe('Scale');
  });
});

describe('the configuration', () => {
  test.each<[string, unknown]>([
    ['threshold', 0],
    ['threshold', -0.1],
    ['threshold', 1.1],
    ['threshold', Number.NaN],
    ['threshold', '0.8'],
    ['scaleFactor', 0.99],
    ['scaleFactor', Number.NaN],
    ['scaleFactor', Number.POSITIVE_INFINITY],
    ['maxProvisions', 0],
    ['maxProvisions', 2.5],
    ['minProvisions', 101],
    ['maxStep', 0],
    ['cooldownSeconds', -1],
    ['completionTimeoutSeconds', 0],
    ['approvalAbove', 0],
    ['strategy', 'magic'],
    ['scope', 'cluster'],
    ['dryRun', 'yes'],
    ['scaleDown', []],
    ['scaleDown.threshold', 0],
  ])('E6 E7 InvalidConfig names %s = %s', (field, value) => {
    const [head = '', tail] = field.split('.');
    const fields = tail ? { [head]: { [tail]: value } } : { [head]: value };
    const decision = decideAbout(full(10, set(fields)));
    expect(decision).toMatchObject({ action: 'none', reason: 'InvalidConfig' });
    expect(decision.message).toContain(`autoScaling.${field}`);
  });

  test('headroom needs minAvailable of at least 1', () => {
    for (const more of [{}, { minAvailable: 0 }]) {
      expect(decideAbout(full(10, set({ strategy: 'headroom', ...more }))).message).toContain(
        'autoScaling.minAvailable',
      );
    }
  });

  test('scale-down must not meet growth', () => {
    const scaleDown = { enabled: true, threshold: 0.8 };
    expect(decideAbout(full(10, set({ scaleDown }))).message).toContain('below threshold');
  });

  test('a count that is no whole number is refused, not guessed', () => {
    const objects = rawObjects(full(10));
    const provision = { ...objects.provision, spec: { workshopName: 'ws', count: 2.5 } };
    expect(decideOn(readObservation({ ...objects, provision })).reason).toBe('InvalidConfig');
  });

  test('W79 a configuration that was pruned is disabled', () => {
    expect(readConfig(undefined)).toEqual({ kind: 'absent' });
    expect(readConfig({})).toMatchObject({
      kind: 'valid',
      config: { enabled: false, threshold: 0.8, maxProvisions: 100 },
    });
  });
});

describe('whose seats count', () => {
  test('W55 E19 R8 seats of a claim that is being deleted do not', () => {
    const objects = rawObjects({ count: 10, assigned: 8 });
    const [first, ...others] = objects.claims;
    const deleting = { ...first, metadata: { ...first?.metadata, deletionTimestamp: at(-1) } };
    const observation = readObservation({ ...objects, claims: [deleting, ...others] });
    expect(observation.seats.workshop).toEqual({ total: 9, assigned: 7 });
    expect(observation.claims.live).toBe(9);
  });

  test('E32 neither do orphans, and utilisation is at most 1', () => {
    const objects = rawObjects({ count: 1, assigned: 1 });
    const orphans = seatsFor(claim('gone', 'active'), 5).map(taken);
    expect(decideOn(readObservation({ ...objects, seats: [...objects.seats, ...orphans] })).inputs).toMatchObject({
      assignedSeats: 1,
      totalSeats: 1,
      utilization: 1,
    });
  });

  test('W56 E31 R15 access-only seats count in workshop scope and never grow a provision', () => {
    const access = claim('access', 'active', '');
    for (const [scope, reason] of [
      ['workshop', 'Scale'],
      ['provision', 'BelowThreshold'],
    ] as const) {
      const objects = rawObjects({ count: 2, assigned: 1, ...set({ scope }) });
      const seats = [...objects.seats, ...seatsFor(access, 20).map(taken)];
      expect(decideOn(readObservation({ ...objects, claims: [...objects.claims, access], seats })).reason).toBe(reason);
    }
  });

  test('E28 R10 a second provision skips when seats of the first are on their way', () => {
    const objects = rawObjects(full(10));
    const peer = (count: number) => ({
      metadata: { name: 'other', uid: 'other-uid', labels: { [workshopLabels.workshop]: 'ws' } },
      spec: { workshopName: 'ws', count },
    });
    const others = Array.from({ length: 10 }, (_, index) => claim(`other-${index}`, 'active', 'other'));
    const seats = [...objects.seats, ...others.flatMap((of) => seatsFor(of, 1)).map(taken)];
    const look = (count: number) =>
      decideOn(
        readObservation({
          ...objects,
          provisions: [...objects.provisions, peer(count)],
          claims: [...objects.claims, ...others],
          seats,
        }),
      );
    expect(look(10)).toMatchObject({ reason: 'Scale', target: 15 });
    expect(look(16)).toMatchObject({ reason: 'InFlightCapacity', inputs: { inFlightSeats: 6 } });
    expect(look(15)).toMatchObject({ reason: 'Scale', inputs: { inFlightSeats: 5, projection: 0.8 } });
  });

  test('E33 a closed registration is a warning beside the answer', () => {
    const decision = decideAbout(full(10, { workshop: { openRegistration: false } }));
    expect([decision.reason, decision.warnings.map(({ code }) => code)]).toEqual(['Scale', ['RegistrationClosed']]);
    expect(decideAbout(full(10)).warnings).toEqual([]);
  });
});

describe('holds', () => {
  const state = newState();

  test('come in their order, each with the time when it ends', () => {
    const held = {
      ...state,
      backoff: { until: NOW + 2000, reason: 'TimedOut' as const, message: 'timed out' },
      cooldownUntil: NOW + 3000,
    };
    expect(decideAbout(full(10), held)).toMatchObject({ reason: 'BackingOff', target: 15, until: at(2) });
    expect(decideAbout(full(10), held, NOW + 2000)).toMatchObject({ reason: 'CoolingDown', until: at(3) });
    expect(decideAbout(full(10), held, NOW + 3000).reason).toBe('Scale');
  });

  test.each([
    ['true', 'Paused'],
    ['maintenance', 'Paused'],
    [at(60), 'Paused'],
    [at(-60), 'Scale'],
    ['false', 'Scale'],
    ['', 'Scale'],
  ])('W64 the annotation %j on provision or workshop: %s', (value, reason) => {
    const annotations = { [workshopAnnotations.paused]: value, [workshopAnnotations.pausedReason]: 'exam' };
    for (const meta of [
      { provisionMeta: { name: 'lab', annotations } },
      { workshopMeta: { name: 'ws', annotations } },
    ]) {
      const decision = decideAbout(full(10, meta));
      expect(decision.reason).toBe(reason);
      if (reason === 'Paused') expect(decision.message).toContain('exam');
    }
  });

  test('W61 W62 a pause by message says who and why, and ends by itself', () => {
    const paused = { ...state, pause: { reason: 'exam', by: 'ana', since: NOW, until: NOW + 60_000 } };
    const decision = decideAbout(full(10), paused);
    expect(decision).toMatchObject({ reason: 'Paused', message: 'paused by ana: exam', until: at(60) });
    expect(decideAbout(full(10), paused, NOW + 60_000).reason).toBe('Scale');
  });

  test('W83 an override replaces the cap until its time', () => {
    const overridden = { ...state, override: { maxProvisions: 12, until: NOW + 1000 } };
    expect(decideAbout(full(10), overridden)).toMatchObject({ target: 12, clips: ['AtMax'] });
    expect(decideAbout(full(10), overridden, NOW + 1000)).toMatchObject({ target: 15 });
  });

  test('W82 a target above approvalAbove waits, and is worth at most what was approved', () => {
    const guarded = full(10, set({ approvalAbove: 12 }));
    expect(decideAbout(guarded)).toMatchObject({ action: 'none', reason: 'ApprovalRequired', target: 15 });
    const approval = { operationId: '1-00000000', from: 10, target: 14, since: NOW, granted: true };
    expect(decideAbout(guarded, { ...state, approval })).toMatchObject({
      reason: 'Scale',
      target: 14,
      clips: ['Approved'],
    });
    expect(decideAbout(guarded, { ...state, approval: { ...approval, from: 9 } }).reason).toBe('ApprovalRequired');
    expect(decideAbout(full(8, set({ approvalAbove: 12 })))).toMatchObject({ reason: 'Scale', target: 12 });
  });
});

test('E3 from zero with scaleFromZero it grows to at least minProvisions', () => {
  const objects = rawObjects({ count: 0, ...set({ scaleFromZero: true, minProvisions: 3 }) });
  const other = claim('other-1', 'active', 'other');
  const seats = seatsFor(other, 1).map(taken);
  expect(decideOn(readObservation({ ...objects, claims: [other], seats }))).toMatchObject({
    target: 3,
    clips: ['MinProvisions'],
  });
});

describe('the explanation', () => {
  test('says every check up to the one that stops, and nothing of the later ones', () => {
    const observation = observe({ count: 10, claims: { active: 2, provisioning: 8 }, assigned: 2 });
    const reading = readConfig(observation.workshop?.autoScaling);
    const { summary, checks } = explain(observation, reading, newState(), NOW, timings);
    expect(summary).toBe('No action, ProvisioningInProgress: 10 of 10 claims exist, 2 are complete');
    expect(checks.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 14 }, () => 'passed'),
      'stopped',
      ...Array.from({ length: 5 }, () => 'not reached'),
    ]);
    expect(checks[11]?.words).toBe('2 of 2 seats are taken (1.00 >= 0.8)');
  });

  test('knows every reason that a decision can give', () => {
    const observation = observe(full(10));
    const { checks } = explain(observation, readConfig(enabled), newState(), NOW, timings);
    const reasons = [...checks.flatMap((check) => check.reasons), 'Scale', 'ScaleDown'];
    expect(reasons).toEqual([...decisionReasons]);
  });
});
