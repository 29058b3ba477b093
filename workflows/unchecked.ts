/** A field of an input that nobody has checked yet, as a text for ids and summaries: anything else is refused with the input. */
export function words(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 253) : '';
}
