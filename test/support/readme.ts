/** The blocks of a Markdown page that a reader types, and what the page says that they print. */

export interface Block {
  language: 'sh' | 'ts';
  code: string;
  /** Of the opening fence, from 1. */
  line: number;
  /** Which file runs it, when it is not for the test of the page. */
  runBy?: string;
  /** It does not end; it is up once it has printed this. */
  staysUp?: string;
  /** A reader goes on when this command succeeds. */
  asSoonAs?: string;
  /** Lines of the `console` block below, in order; `...` stands for anything. */
  output: readonly string[];
}

const MARKERS = {
  runBy: /^<!-- run by (.+) -->$/,
  staysUp: /^<!-- stays up, prints: (.+) -->$/,
  asSoonAs: /^<!-- as soon as: (.+) -->$/,
} as const;

/** Every `sh` and `ts` block in order. Throws for a fence that does not end and for a marker that is not understood. */
export function readBlocks(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  let last: Block | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(\S*)$/.exec(lines[at] ?? '')?.[1];
    if (language === undefined) {
      if (/^#/.test(lines[at] ?? '')) last = undefined;
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: the block does not end`);
    const body = lines.slice(at + 1, end);
    if (language === 'sh' || language === 'ts') {
      last = { language, code: body.join('\n'), line: at + 1, ...marker(lines, at), output: [] };
      blocks.push(last);
    } else if (language === 'console' && last) {
      last.output = body;
      last = undefined;
    }
    at = end;
  }
  return blocks;
}

function marker(lines: readonly string[], at: number): Pick<Block, keyof typeof MARKERS> {
  const above = lines[at - 1] ?? '';
  if (!above.startsWith('<!--')) return {};
  for (const [name, pattern] of Object.entries(MARKERS)) {
    const value = pattern.exec(above)?.[1];
    if (value !== undefined) return { [name]: value };
  }
  throw new Error(`line ${at}: ${above} is not a marker of a block`);
}

/** Expected lines that the output does not have in this order, blanks apart. */
export function differences(expected: readonly string[], output: string): string[] {
  const found = output.split('\n').map(squeezed);
  let from = 0;
  return expected.filter((line) => {
    const pattern = new RegExp(`^${squeezed(line).split('...').map(escaped).join('.*')}$`);
    const at = found.findIndex((candidate, index) => index >= from && pattern.test(candidate));
    if (at === -1) return true;
    from = at + 1;
    return false;
  });
}

const squeezed = (line: string) => line.trim().replace(/\s+/g, ' ');
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
