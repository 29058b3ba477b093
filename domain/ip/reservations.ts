import type { InvalidField } from '../../contract/failures.ts';
import { canonical, parseAddress, splitRange } from './cidr.ts';
import { readBlock } from './request.ts';

/** Blocks of ranges that are written as `CIDR` or `first-last`; every range that cannot be read is named. */
export function splitRanges(
  ranges: readonly string[],
  path = 'ranges',
): { ok: true; cidrs: string[] } | { ok: false; problems: InvalidField[] } {
  const cidrs = new Set<string>();
  const problems: InvalidField[] = [];
  for (const [index, range] of ranges.entries()) {
    const where = `${path}.${index}`;
    if (range.includes('-')) {
      const [first, last, ...more] = range.split('-').map((text) => parseAddress(text.trim()));
      const blocks = first && last && more.length === 0 && splitRange(first, last);
      if (!blocks)
        problems.push({ path: where, message: `${range} is no range: write it as first-last of one family` });
      for (const block of blocks || []) cidrs.add(canonical(block));
    } else {
      const block = readBlock(where, range);
      if (block.ok) cidrs.add(canonical(block.cidr));
      else problems.push(...block.problems);
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, cidrs: [...cidrs] };
}
