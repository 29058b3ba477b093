/** A domain name as its labels in canonical form: lower case, everything but letters, digits, `-` and `_` as octal escapes. */
export type Labels = readonly string[];

/**
 * Reads a domain name with or without trailing dot; `\052` and `*` mean the same. Returns a problem in the wording of
 * Route 53 instead of labels when the name is malformed.
 */
export function readName(name: string): { labels: Labels } | { problem: string } {
  const text = name.endsWith('.') && name !== '.' ? name.slice(0, -1) : name;
  if (text === '' || text === '.') return { labels: [] };
  const labels = text.split('.').map(canonicalLabel);
  if (labels.includes(''))
    return { problem: `FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '${name}'` };
  if (labels.some((label) => lengthOf(label) > 63)) {
    return { problem: `FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '${name}'` };
  }
  if (labels.reduce((sum, label) => sum + lengthOf(label) + 1, 0) > 255) {
    return { problem: `FATAL problem: DomainNameTooLong (Domain name is too long) encountered with '${name}'` };
  }
  return { labels };
}

/** The name with its trailing dot, as Route 53 shows it. */
export const showName = (labels: Labels) => `${labels.join('.')}.`;

/** The canonical form of a name that is known to be well-formed; a malformed one is only lower-cased. */
export function canonicalName(name: string): string {
  const read = readName(name);
  return 'labels' in read ? showName(read.labels) : name.toLowerCase();
}

/** A key by which names sort as Route 53 lists them: by their labels from the right. */
export const nameOrder = (name: string) => name.replace(/\.$/, '').split('.').reverse().join('\u0001');

/** Whether a name is the zone's or lies below it, by whole labels. Both are canonical. */
export const liesIn = (name: string, zone: string) => name === zone || name.endsWith(`.${zone}`);

function canonicalLabel(label: string): string {
  const plain = label.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return plain
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, (character) =>
      [...Buffer.from(character, 'latin1')].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    );
}

const lengthOf = (label: string) => label.replace(/\\[0-7]{3}/g, '-').length;
