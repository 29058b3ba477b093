import { holdable } from '../../contract/text.ts';

/** A document as PostgreSQL takes it, whatever texts of other systems are in it. */
export function jsonb(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'string' ? holdable(field) : field));
}
