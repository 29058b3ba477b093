import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { AwsError } from '../errors.ts';

/** An element of a request body: its children by name, texts as they stand. */
export type Element = Readonly<Record<string, unknown>>;

const LISTS = new Set(['Change', 'ResourceRecord']);
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  htmlEntities: true, // numeric ones too: the SDK writes line breaks that way
  isArray: (name) => LISTS.has(String(name)),
});

/** Reads a body whose root must be `root`. Throws `InvalidInput` for anything that is no such document. */
export function readBody(body: string, root: string): Element {
  if (XMLValidator.validate(body) !== true) throw invalid('Invalid XML ; the document is not well-formed');
  const content = (parser.parse(body) as Element)[root];
  if (!isElement(content)) throw invalid(`Invalid XML ; the document element must be ${root}`);
  return content;
}

export const invalid = (message: string) => new AwsError('InvalidInput', message);

export function child(element: Element | undefined, name: string): Element | undefined {
  const value = element?.[name];
  return isElement(value) ? value : undefined;
}

/** The text of a child, undefined when there is no such child. Blanks around it do not count, except where `exact`. */
export function text(element: Element | undefined, name: string, exact = false): string | undefined {
  const value = element?.[name];
  if (typeof value !== 'string') return undefined;
  return exact ? value : value.trim();
}

export function required(element: Element | undefined, name: string): string {
  const value = text(element, name);
  if (value === undefined || value === '')
    throw invalid(
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
    );
  return value;
}

/** The elements of a list such as `<Changes><Change/>...</Changes>`, undefined when there is no list. */
export function list(element: Element | undefined, name: string, item: string): Element[] | undefined {
  const container = element?.[name];
  if (container === undefined) return undefined;
  const items = isElement(container) ? container[item] : undefined;
  return Array.isArray(items) ? items.filter(isElement) : [];
}

export function integer(element: Element | undefined, name: string): number | undefined {
  const value = text(element, name);
  if (value === undefined) return undefined;
  if (!/^-?\d{1,12}$/.test(value)) throw invalid(`Invalid XML ; '${value}' is not a valid value for '${name}'`);
  return Number(value);
}

const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
