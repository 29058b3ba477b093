/**
 * A document as PostgreSQL takes it. It holds neither NUL nor half a surrogate pair, and texts of other systems may have
 * them: both become U+FFFD.
 */
export function jsonb(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'string' ? holdable(field) : field));
}

function holdable(text: string): string {
  return text.replaceAll('\0', '\ufffd').replace(/\p{Cs}/gu, '\ufffd');
}
