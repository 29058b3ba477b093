/** A list whose elements carry their own name; plain arrays use `member`, the convention of the query protocol. */
export class XmlList {
  readonly element: string;
  readonly values: readonly XmlValue[];

  constructor(element: string, values: readonly XmlValue[]) {
    this.element = element;
    this.values = values;
  }
}

export type XmlValue =
  | undefined
  | string
  | number
  | boolean
  | Date
  | XmlList
  | readonly XmlValue[]
  | { readonly [element: string]: XmlValue };

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

/** A whole document with `root` as its element; fields that are undefined are left out. */
export function xmlDocument(root: string, namespace: string, content: XmlValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${inner(content)}</${root}>`;
}

function inner(value: XmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof XmlList) return value.values.map((each) => element(value.element, each)).join('');
  if (isArray(value)) return value.map((each) => element('member', each)).join('');
  if (typeof value !== 'object') return String(value).replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? '');
  return Object.entries(value)
    .map(([name, each]) => element(name, each))
    .join('');
}

function element(name: string, value: XmlValue): string {
  return value === undefined ? '' : `<${name}>${inner(value)}</${name}>`;
}

const isArray = (value: XmlValue): value is readonly XmlValue[] => Array.isArray(value);
