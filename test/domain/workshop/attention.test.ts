import { describe, expect, test } from 'vitest';
import { workshopAnnotations, workshopLabels } from '../../../contract/workshop/objects.ts';
import { attention } from '../../../domain/workshop/fingerprint.ts';
import { nextScheduleChange } from '../../../domain/workshop/schedule.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { provisionStatus } from '../../../domain/workshop/status.ts';
import { at, decideOn, enabled, NOW, observe, type Situation } from './build.ts';

/** What a sweep owes an autoscaler, told from the objects alone. */

const calm: Situation = { count: 10, assigned: 3 };

/** The status that a look at this situation writes. */
function statusAfter(situation: Situation) {
  const seen = observe(situation);
  return provisionStatus(seen, newState('provision-uid'), decideOn(seen), NOW, 'run');
}

const owed = (now: Situation, before: Situation = calm) => attention(observe({ ...now, status: statusAfter(before) }));

describe('an autoscaler', () => {
  test('that never wrote a status is woken', () => {
    expect(attention(observe(calm))).toBe('wake');
  });

  test('whose last look saw what is there now is left alone, as long as its run is open', () => {
    expect(owed(calm)).toBe('open');
  });

  test.each([
    ['a seat was taken', { ...calm, assigned: 4 }],
    ['a person changed the count', { ...calm, count: 11, claims: { active: 10 } }],
    ['a claim failed', { ...calm, claims: { active: 9, failed: 1 } }],
    ['a claim is on its way', { ...calm, claims: { active: 10, pending: 1 } }],
    ['the configuration changed', { ...calm, autoScaling: { ...enabled, threshold: 0.2 } }],
    ['it was paused', { ...calm, workshopMeta: { name: 'ws', annotations: { [workshopAnnotations.paused]: 'true' } } }],
    ['it was locked', { ...calm, workshopMeta: { name: 'ws', labels: { [workshopLabels.lock]: 'true' } } }],
    ['its lifespan changed', { ...calm, provision: { lifespan: { end: at(9000) } } }],
    ['it is another object', { ...calm, provisionMeta: { name: 'lab', uid: 'another', generation: 7 } }],
  ] satisfies [string, Situation][])('that missed that %s is woken', (_, situation) => {
    expect(owed(situation)).toBe('wake');
  });

  test('is not woken by the noise of other controllers', () => {
    const noisy = { name: 'ws', uid: 'workshop-uid', generation: 9, resourceVersion: '900' };
    const provisionMeta = {
      ...{ name: 'lab', uid: 'provision-uid', generation: 7, resourceVersion: '700' },
      labels: { [workshopLabels.workshop]: 'ws', team: 'x' },
    };
    expect(owed({ ...calm, workshopMeta: noisy, provisionMeta })).toBe('open');
  });

  test('is not touched where the ignore label is, and told of a deletion only when it is open', () => {
    const labels = { [workshopLabels.ignore]: '' };
    expect(owed({ ...calm, provisionMeta: { name: 'lab', uid: 'provision-uid', labels } })).toBe('none');
    expect(owed({ ...calm, workshopMeta: { name: 'ws', labels } })).toBe('none');
    const deletionTimestamp = at(-1);
    expect(owed({ ...calm, provisionMeta: { name: 'lab', uid: 'provision-uid', deletionTimestamp } })).toBe('tell');
  });

  describe('with the flag set', () => {
    const flagged = (phase: string, now: Situation = calm) => {
      const autoScaling = { ...statusAfter(calm).autoScaling, phase };
      return attention(observe({ ...now, status: { autoScalingActive: true, autoScaling } }));
    };

    test.each(['Waiting', 'Scaling'])('and phase %s is left alone as long as it saw what is there now', (phase) => {
      expect(flagged(phase)).toBe('open');
    });

    test.each(['Waiting', 'Scaling'])('and phase %s is woken when it did not: the flag may be nobody’s', (phase) => {
      expect(flagged(phase, { ...calm, count: 15 })).toBe('wake');
    });

    test('and another phase is woken: the flag is nobody’s', () => {
      expect(flagged('Idle')).toBe('wake');
    });
  });
});

describe('the next change of the schedule', () => {
  const next = (situation: Partial<Situation>) => nextScheduleChange(observe({ ...calm, ...situation }), 1800, NOW);

  test('is when its end comes too near, then its end, and nothing after it', () => {
    const ending = (end: number) => next({ workshop: { lifespan: { end: at(end) } } });
    expect(ending(7200)).toBe(NOW + 5_400_001);
    expect(ending(1800)).toBe(NOW + 1);
    expect(ending(600)).toBe(NOW + 600_000);
    expect(ending(-1)).toBeUndefined();
  });

  test('is the first of workshop and provision', () => {
    expect(next({ workshop: { actionSchedule: { stop: at(500) } }, provision: { lifespan: { start: at(200) } } })).toBe(
      NOW + 200_000,
    );
    expect(next({})).toBeUndefined();
  });
});
