import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workshopAnnotations } from '../../../contract/workshop/objects.ts';
import { checklist } from '../../../domain/workshop/checklist.ts';
import { workshopConditions } from '../../../domain/workshop/conditions.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { decide, explain } from '../../../domain/workshop/decide.ts';
import { attention } from '../../../domain/workshop/fingerprint.ts';
import { type RawObjects, readObservation } from '../../../domain/workshop/observation.ts';
import { adopt, reviewOperation, startOperation } from '../../../domain/workshop/operation.ts';
import { newState, remember } from '../../../domain/workshop/state.ts';
import { autoscalerStatus, provisionStatus, statusWrite } from '../../../domain/workshop/status.ts';
import { decideAbout, enabled, NOW, observe, rawObjects, timings } from './build.ts';

/** Objects as a definition without our schema would let them be: nothing of ours may fall over, and nothing may swell. */

/** All that a run does with a look. */
function everythingOf(raw: RawObjects): string {
  const observation = readObservation(raw);
  const reading = readConfig(observation.workshop?.autoScaling);
  const state = newState();
  const decision = decide(observation, reading, state, NOW, timings);
  const keys = provisionStatus(observation, state, decision, NOW, 'run');
  statusWrite(observation, keys, decision, undefined, NOW, timings);
  workshopConditions(observation, reading, NOW);
  explain(observation, reading, state, NOW, timings);
  adopt(observation, NOW, 7200);
  const begun = startOperation(decision, observation, state, '00000000', NOW, timings);
  if (begun.operation) reviewOperation(begun.operation, observation, reading, NOW);
  const look = { observation, decision };
  const words = checklist(autoscalerStatus({ cluster: 'c', namespace: 'n', name: 'lab' }, begun, look, NOW, NOW));
  remember(begun, observation, decision, NOW, '00000000');
  return JSON.stringify([observation, keys, begun, attention(observation), words]);
}

const nonsense = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant('x'.repeat(30_000)),
  fc.constantFrom(-1, 1.5, 1e308),
);

/** Some of the keys of an object, each with anything at all. */
const mess = (keys: readonly string[]) =>
  fc.record(Object.fromEntries(keys.map((key) => [key, nonsense])), { requiredKeys: [] });

const ofProvision = ['count', 'lifespan', 'actionSchedule', 'startDelay'];
const ofWorkshop = [
  'autoScaling',
  'lifespan',
  'actionSchedule',
  'multiuserServices',
  'openRegistration',
  'provisionDisabled',
];
const ofStatus = ['autoScalingActive', 'autoScaling', 'assignedCount', 'resourceClaimCount'];
const ofAutoScaling = [
  'conditions',
  'operationId',
  'fromCount',
  'targetCount',
  'startedAt',
  'deadline',
  'phase',
  'message',
];

describe('whatever a bypassed schema left there', () => {
  test('nothing throws, and what is kept stays small', () => {
    const parts = fc.record({
      provision: mess(ofProvision),
      workshop: mess(ofWorkshop),
      status: fc.oneof(mess(ofStatus), fc.record({ autoScaling: mess(ofAutoScaling) })),
      workshopStatus: fc.oneof(fc.jsonValue(), fc.record({ autoScaling: mess(['conditions']) })),
      claimStatus: fc.oneof(fc.jsonValue(), fc.record({ resources: nonsense })),
      seat: mess(['assignment', 'workshopName', 'resourceClaimName']),
      annotation: fc.oneof(fc.string(), fc.constant('x'.repeat(30_000))),
    });
    fc.assert(
      fc.property(parts, (given) => {
        const raw = rawObjects({
          count: 3,
          assigned: 3,
          autoScaling: enabled,
          provision: given.provision as object,
          workshop: given.workshop as object,
          status: given.status as object,
          provisionMeta: {
            name: 'lab',
            uid: 'u',
            annotations: Object.fromEntries(Object.values(workshopAnnotations).map((key) => [key, given.annotation])),
          },
        });
        const [claim, ...claims] = raw.claims;
        const [seat, ...seats] = raw.seats;
        const messy = {
          ...raw,
          workshop: { ...raw.workshop, status: given.workshopStatus as object },
          claims: [{ ...claim, status: given.claimStatus as object }, ...claims],
          seats: [{ ...seat, spec: given.seat as object }, ...seats],
        };
        expect(everythingOf(messy).length).toBeLessThan(20_000);
      }),
      { numRuns: 400 },
    );
  });

  test('an operation annotation that cannot be ours is told, and nothing is written over it', () => {
    const annotations = { [workshopAnnotations.operation]: 'x'.repeat(300) };
    expect(
      decideAbout({ count: 10, assigned: 10, provisionMeta: { name: 'lab', uid: 'u', annotations } }),
    ).toMatchObject({
      reason: 'InvalidConfig',
      message: expect.stringContaining(workshopAnnotations.operation),
    });
  });

  test('a status that somebody else left is no operation of ours', () => {
    const status = { autoScalingActive: true, autoScaling: { operationId: 5, phase: ['Waiting'], conditions: 'none' } };
    const seen = observe({ count: 10, assigned: 10, status: status as never });
    expect(adopt(seen, NOW, 7200)).toMatchObject({ kind: 'clear' });
    expect(attention(seen)).toBe('wake');
  });
});
