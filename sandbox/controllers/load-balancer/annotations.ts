import type { Ingress, Service } from '../objects.ts';

export const ANNOTATION_PREFIX = 'alb.ingress.kubernetes.io/';

/** The text of an annotation of the controller on an Ingress, undefined without it. */
export function annotation(object: Ingress | Service, name: string): string | undefined {
  return object.metadata.annotations?.[ANNOTATION_PREFIX + name];
}

/** An annotation where the Service's outranks the Ingress's: everything about target groups. */
export function serviceAnnotation(ingress: Ingress, service: Service, name: string): string | undefined {
  return annotation(service, name) ?? annotation(ingress, name);
}

/** A list separated by commas; blanks around items are ignored and empty items dropped. */
export function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `a=b,c=d` as a record. Throws when an item has no `=`. */
export function mapOf(text: string | undefined, name: string): Record<string, string> {
  const entries = listOf(text).map((item) => {
    const at = item.indexOf('=');
    if (at <= 0) throw new Error(`failed to parse stringMap annotation, ${ANNOTATION_PREFIX}${name}: ${text}`);
    return [item.slice(0, at).trim(), item.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(entries);
}

/** A JSON annotation with all member names lower-cased, since the controller (Go) matches them without regard to case. */
export function jsonOf(text: string, name: string): unknown {
  try {
    return lowerKeys(JSON.parse(text));
  } catch {
    throw new Error(`failed to parse json annotation, ${ANNOTATION_PREFIX}${name}: ${text}`);
  }
}

function lowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toLowerCase(), lowerKeys(member)]));
}

/** An integer annotation, or the default without it. Throws on anything else. */
export function integerOf(text: string | undefined, name: string, byDefault: number): number {
  if (text === undefined) return byDefault;
  if (!/^-?\d+$/.test(text)) throw new Error(`failed to parse int64 annotation, ${ANNOTATION_PREFIX}${name}: ${text}`);
  return Number(text);
}
