import { describe, expect, test } from 'vitest';
import type { CancelRequest } from '../../../contract/workshop/messages.ts';
import { workshopAnnotations } from '../../../contract/workshop/objects.ts';
import { scalingEvent } from '../../../domain/workshop/events.ts';
import {
  applyApproval,
  applyCancel,
  applyOverride,
  applyPause,
  applyResume,
  approvalProblem,
  cancelProblem,
  overrideProblem,
  pauseProblem,
} from '../../../domain/workshop/messages.ts';
import { startOperation } from '../../../domain/workshop/operation.ts';
import { defaultWorkshopTimings } from '../../../domain/workshop/settings.ts';
import { newState, remember } from '../../../domain/workshop/state.ts';
import { provisionStatus } from '../../../domain/workshop/status.ts';
import { noteError } from '../../../domain/workshop/trouble.ts';
import { at, decideOn, enabled, NOW, observe } from './build.ts';

describe('a request is refused in one line that names the field', () => {
  test.each<[string, string | undefined, string]>([
    ['no reason', pauseProblem({ reason: ' ' }, NOW), 'reason is required: say why'],
    ['nothing at all', pauseProblem(undefined as never, NOW), 'the request must be an object with a reason'],
    [
      'a time that is none',
      pauseProblem({ reason: 'x', until: 'tomorrow' }, NOW),
      'until is "tomorrow"; it must be a time such as 2026-01-31T18:00:00Z',
    ],
    [
      'a time that has passed',
      pauseProblem({ reason: 'x', until: at(-1) }, NOW),
      `until is "${at(-1)}", which has passed`,
    ],
    [
      'half a claim',
      overrideProblem({ maxProvisions: 1.5, until: at(60) }, NOW),
      'maxProvisions is 1.5; it must be a whole number of at least 1',
    ],
    ['no end', overrideProblem({ maxProvisions: 5 }, NOW), 'until is required together with maxProvisions'],
    ['31 days', overrideProblem({ maxProvisions: 5, until: at(31 * 86_400) }, NOW), 'until is more than 30 days ahead'],
    ['nothing to approve', approvalProblem(newState(), { operationId: '1-00000000' }), 'nothing waits for approval'],
    ['nothing to cancel', cancelProblem(newState()), 'there is no operation to cancel and no approval to drop'],
  ])('%s', (_, problem, words) => expect(problem).toBe(words));

  test('a good one is not', () => {
    expect(pauseProblem({ reason: 'exam', until: at(60), by: 'ana' }, NOW)).toBeUndefined();
    expect(overrideProblem({}, NOW)).toBeUndefined();
    expect(overrideProblem({ maxProvisions: 200, until: at(30 * 86_400) }, NOW)).toBeUndefined();
  });
});

test('W62 resuming ends a pause by message; one by annotation is named', () => {
  const paused = applyPause(newState(), { reason: 'exam', until: at(60) }, NOW);
  const annotations = { [workshopAnnotations.paused]: 'true' };
  const observation = observe({ count: 1, provisionMeta: { name: 'lab', annotations } });
  expect(applyResume(paused, undefined, NOW)).toEqual({ state: newState(), answer: { resumed: true } });
  expect(applyResume(newState(), observation, NOW).answer).toEqual({
    resumed: false,
    stillPaused: 'the provision has the pause annotation: no reason given',
  });
});

test('W82 approval: only the id that waits, and it survives a look with the same count', () => {
  const guarded = observe({ count: 10, assigned: 10, autoScaling: { ...enabled, approvalAbove: 12 } });
  const waiting = remember(newState(), guarded, decideOn(guarded), NOW, '07d3e5b1');
  expect(waiting.approval).toMatchObject({ operationId: '1-07d3e5b1', from: 10, target: 15, granted: false });
  const { conditions } = provisionStatus(guarded, waiting, decideOn(guarded, waiting), NOW, 'w').autoScaling;
  expect(conditions?.find(({ type }) => type === 'AbleToScale')).toMatchObject({
    message: 'target 15 is above 12 and waits for approval: approve 1-07d3e5b1',
  });
  expect(approvalProblem(waiting, { operationId: '1-ffffffff' })).toContain('the operation that waits is 1-07d3e5b1');
  const granted = applyApproval(waiting, { operationId: '1-07d3e5b1', by: 'ana' });
  expect(decideOn(guarded, granted)).toMatchObject({ reason: 'Scale', target: 15 });
  expect(remember(granted, guarded, decideOn(guarded, granted), NOW, 'ffffffff').approval).toEqual(granted.approval);
  const calmer = observe({ count: 10, assigned: 7, autoScaling: { ...enabled, approvalAbove: 12 } });
  expect(remember(waiting, calmer, decideOn(calmer, waiting), NOW, 'ffffffff').approval).toEqual(waiting.approval);
  const other = observe({ count: 11, assigned: 11, autoScaling: { ...enabled, approvalAbove: 12 } });
  expect(remember(granted, other, decideOn(other, granted), NOW, 'ffffffff').approval).toMatchObject({
    operationId: '1-ffffffff',
    granted: false,
  });
  expect(applyCancel(waiting, {}).approval).toBeUndefined();
});

test('W65 a cancellation is a mark on the operation, which ends with it: who, and why, as far as it can be read', () => {
  const full = observe({ count: 10, assigned: 10 });
  const state = startOperation(decideOn(full), full, newState(), '07d3e5b1', NOW, defaultWorkshopTimings);
  const words = (request: unknown) => applyCancel(state, request as CancelRequest).operation?.cancelling;
  expect(words({ reason: 'too early', by: 'ana' })).toBe('cancelled by ana: too early');
  expect(words(undefined)).toBe('a person cancelled it');
  expect(words({ reason: 7, by: ' ' })).toBe('a person cancelled it');
  expect(words({ reason: 'x'.repeat(10_000) })?.length).toBeLessThan(300);
  expect(applyCancel(newState(), {}).operation).toBeUndefined();
});

describe('a text that is cut within a character, or came with half of one, is one that the API server keeps as it is', () => {
  const faces = '\u{1f600}'.repeat(1000);
  const given = [faces, `x${faces}`, 'half \ud83d', 'nothing \0'];
  const full = observe({ count: 10, assigned: 10 });
  const scaling = startOperation(decideOn(full), full, newState(), '07d3e5b1', NOW, defaultWorkshopTimings);
  const asking = {
    ...newState(),
    approval: { operationId: '1-07d3e5b1', from: 1, target: 2, since: NOW, granted: false },
  };
  const annotated = (reason: string) => {
    const annotations = { [workshopAnnotations.paused]: 'true', [workshopAnnotations.pausedReason]: reason };
    return observe({ count: 1, provisionMeta: { name: 'lab', annotations } });
  };
  const configured = (threshold: string) => observe({ count: 1, autoScaling: { ...enabled, threshold } });
  const event = { reason: 'ScaleUpCancelled' as const, occurrence: '1-07d3e5b1', at: NOW };
  const provision = { namespace: 'user-1', name: 'lab', uid: 'provision-uid' };

  test.each<[string, (text: string) => string | undefined]>([
    ['the reason of a pause', (reason) => applyPause(newState(), { reason }, NOW).pause?.reason],
    ['who paused', (by) => applyPause(newState(), { reason: 'exam', by }, NOW).pause?.by],
    ['the reason of a pause by annotation', (reason) => decideOn(annotated(reason)).message],
    ['who cancelled', (by) => applyCancel(scaling, { by }).operation?.cancelling],
    ['why it was cancelled', (reason) => applyCancel(scaling, { reason }).operation?.cancelling],
    ['who replaced the cap', (by) => applyOverride(newState(), { maxProvisions: 12, until: at(60), by }).override?.by],
    ['an id that is refused', (operationId) => approvalProblem(asking, { operationId })],
    ['a configuration that is refused', (threshold) => decideOn(configured(threshold)).message],
    ['an event', (message) => scalingEvent(provision, { ...event, message }).message],
    [
      'an outage',
      (text) => noteError(newState(), 'ApiUnavailable', text, NOW, defaultWorkshopTimings).trouble?.message,
    ],
    [
      'a decision that is remembered',
      (message) => remember(newState(), full, { ...decideOn(full), message }, NOW, '07d3e5b1').decisions[0]?.message,
    ],
  ])('%s', (_, told) => {
    for (const text of given) expect(told(text)).toMatch(/^[^\0\p{Cs}]+$/u);
  });
});

test('W83 an override is set and removed', () => {
  const overridden = applyOverride(newState(), { maxProvisions: 12, until: at(60), by: 'ana' });
  expect(overridden.override).toEqual({ maxProvisions: 12, until: NOW + 60_000, by: 'ana' });
  expect(applyOverride(overridden, {}).override).toBeUndefined();
});
