import type { z } from 'zod';
import type { InvalidField } from '../failures.ts';

/** What a schema says about a value: the value itself, known fields only, or every wrong field. */
export type Reading<T> = { ok: true; value: T } | { ok: false; fields: InvalidField[] };

/**
 * Reads a value of unknown origin. Client and worker use it, so that both name a wrong field in the same words. `judged` is the
 * path of a part whose texts are judged one by one by whoever reads it.
 */
export function readWith<T>(schema: z.ZodType<T>, given: unknown, judged?: string): Reading<T> {
  const result = schema.safeParse(given ?? {});
  const fields = result.success ? [] : result.error.issues.map((issue) => fieldOf(issue, given));
  for (const path of garbledTexts(given, judged))
    if (!fields.some((field) => field.path === path))
      fields.push({ path, message: 'must not hold control characters' });
  return result.success && fields.length === 0 ? { ok: true, value: result.data } : { ok: false, fields };
}

/** Control characters but those of lines and tabs, and halves of surrogate pairs: neither Kubernetes nor the ledger holds them. */
const GARBLED = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;

/** Paths of the texts and keys of a document that no field may hold; without recursion, because anybody may have nested it. */
function garbledTexts(given: unknown, judged: string | undefined): string[] {
  const found: string[] = [];
  const open: { path: string; value: unknown }[] = [{ path: '', value: given }];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const { path, value } = part;
    if (path === judged) continue;
    if (typeof value === 'string' && GARBLED.test(value)) found.push(path);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, field] of Object.entries(value).reverse()) {
      const below = path === '' ? key : `${path}.${key}`;
      if (GARBLED.test(key)) found.push(below.replace(new RegExp(GARBLED, 'gu'), '\ufffd'));
      else open.push({ path: below, value: field });
    }
  }
  return found;
}

function fieldOf(issue: z.core.$ZodIssue, given: unknown): InvalidField {
  const value = issue.path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | null | undefined)?.[key],
    given,
  );
  const path = issue.path.map(String).join('.');
  if (value === undefined && issue.code !== 'custom') return { path, message: 'is required' };
  if (issue.code === 'invalid_type') return { path, message: `must be ${article(issue.expected)}` };
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid option')) {
    return { path, message: `must be one of ${issue.values.map((option) => JSON.stringify(option)).join(', ')}` };
  }
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const expected = issue.errors.flatMap((branch) =>
      branch.flatMap((inner) => (inner.code === 'invalid_type' && inner.path.length === 0 ? [inner.expected] : [])),
    );
    if (expected.length > 0) return { path, message: `must be ${expected.map(article).join(' or ')}` };
  }
  return { path, message: issue.message.replace(/^Invalid input: /, '') };
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
