import { isRecord } from '../../contract/record.ts';
import { holdable } from '../../contract/text.ts';
import type { Condition, ProvisionAutoScaling } from '../../contract/workshop/objects.ts';

/**
 * What can be made of an object whose schema was bypassed: what is not what it should be counts as absent, and nothing grows
 * beyond its bounds in a history.
 */

const TEXT = 1_000;
const CONDITIONS = 10;

/** Text of at most so many characters; a longer one is no value that anybody meant. */
export function textOf(value: unknown, longest = TEXT): string | undefined {
  return typeof value === 'string' && value.length <= longest ? value : undefined;
}

/**
 * What is told of a text: so many characters at most, and nothing that the API server would replace or PostgreSQL refuse, so that
 * what is read back is what was written. Half a surrogate pair comes from a cut, or with the text, as NUL does.
 */
export function cut(text: string, longest: number): string {
  return holdable(text.slice(0, longest));
}

/** The elements that are objects; none of what is no list. */
export function elementsOf<T extends object>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? (value as T[]).filter((element) => isRecord(element)) : [];
}

export function conditionsOf(value: readonly Condition[] | undefined): Condition[] {
  return elementsOf(value)
    .filter((condition) => Object.values(condition).every(isPlain))
    .slice(0, CONDITIONS);
}

const texts = ['operationId', 'phase', 'reason', 'message', 'startedAt', 'deadline', 'lastScaleTime'] as const;
const moreTexts = ['lastResult', 'observed', 'workflowId'] as const;
const numbers = [
  ...(['fromCount', 'targetCount', 'utilization', 'assignedSeats', 'totalSeats'] as const),
  ...(['inFlightClaims', 'observedGeneration'] as const),
];

/** Our keys of a provision's `status.autoScaling`; undefined when there is nothing like it. */
export function autoScalingOf(value: unknown): ProvisionAutoScaling | undefined {
  if (!isRecord(value)) return undefined;
  const kept = [
    ...[...texts, ...moreTexts].filter((key) => textOf(value[key]) !== undefined),
    ...numbers.filter((key) => Number.isFinite(value[key])),
  ].map((key) => [key, value[key]]);
  const conditions = conditionsOf(value.conditions as Condition[] | undefined);
  return { ...Object.fromEntries(kept), ...(value.conditions === undefined ? {} : { conditions }) };
}

function isPlain(value: unknown): boolean {
  return textOf(value) !== undefined || Number.isFinite(value);
}
