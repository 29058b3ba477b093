/**
 * A text that PostgreSQL, the API server and JSON in other languages keep as it is: they hold neither NUL nor half a surrogate pair,
 * which become U+FFFD.
 */
export function holdable(text: string): string {
  return text.replaceAll('\0', '\ufffd').replace(/\p{Cs}/gu, '\ufffd');
}
