import { type Colors, colorsFor, type Output } from '../../starter/cli/io.ts';

/** Lines of prose are broken here, or at the terminal's edge when that is nearer. */
const WIDEST = 110;
/** On a narrower terminal lines of the board would break, and could not be counted. */
const NARROWEST_BOARD = 80;

/**
 * Tells the demo to people: paragraphs, timed events, verified claims, tables. On a terminal it has colour and a board of
 * lines below the account that is drawn anew; elsewhere every line is written once, in plain text.
 */
export class Narrator {
  readonly colors: Colors;
  readonly live: boolean;
  readonly #out: Output;
  #board: readonly string[] = [];
  #muted = false;

  constructor(out: Output, env: Readonly<Record<string, string | undefined>> = process.env) {
    this.#out = out;
    this.colors = colorsFor(out, env);
    this.live = out.isTTY === true && env.TERM !== 'dumb' && (out.columns ?? 0) >= NARROWEST_BOARD;
  }

  get width(): number {
    return Math.min(this.#out.columns ?? WIDEST, WIDEST);
  }

  /** Columns that a table may take: it is not prose, so only a terminal limits it. */
  get tableWidth(): number {
    return this.#out.columns ?? Number.POSITIVE_INFINITY;
  }

  title(text: string): void {
    this.lines([this.colors.bold(text)]);
  }

  heading(text: string): void {
    this.lines(['', this.colors.bold(this.colors.cyan(text))]);
  }

  /** A paragraph. */
  say(text: string): void {
    this.lines(wrap(text, this.width));
  }

  /** A paragraph of less weight, `indent` columns from the left. */
  note(text: string, indent = 0): void {
    this.lines(wrap(text, this.width - indent).map((line) => this.colors.dim(`${' '.repeat(indent)}${line}`)));
  }

  /** Something that happened `seconds` after its scene began, to or by `who`. */
  event(seconds: number, who: string, text: string): void {
    const indent = 10 + who.length + 2;
    const [first = '', ...rest] = wrap(text, Math.max(this.width - indent, 30));
    const time = this.colors.dim(`${seconds.toFixed(1).padStart(6)} s`);
    this.lines([`${time}  ${this.colors.bold(who)}  ${first}`, ...rest.map((line) => `${' '.repeat(indent)}${line}`)]);
  }

  /** A claim that was checked; `found` tells what is there instead of what was claimed. */
  claim(text: string, found: string | undefined): void {
    const mark = found === undefined ? this.colors.green('    ok  ') : this.colors.red('FAILED  ');
    const [first = '', ...rest] = wrap(text, Math.max(this.width - 8, 30));
    this.lines([`${mark}${first}`, ...rest.map((line) => `        ${line}`)]);
    if (found !== undefined) this.lines(wrap(`found: ${found}`, this.width - 8).map((line) => `        ${line}`));
  }

  /** Nothing is written from now on: what ends in disorder after Ctrl-C is no part of the account. */
  mute(): void {
    this.board([]);
    this.#muted = true;
  }

  /** Lines as they are. */
  lines(lines: readonly string[]): void {
    if (this.#muted) return;
    const board = this.#board;
    this.board([]);
    this.#out.write(lines.map((line) => `${line}\n`).join(''));
    this.board(board);
  }

  /** What stays at the bottom of a terminal until it is replaced; nothing elsewhere. */
  board(lines: readonly string[]): void {
    if (
      !this.live ||
      this.#muted ||
      (lines.length === this.#board.length && lines.every((line, at) => line === this.#board[at]))
    )
      return;
    const back = this.#board.length === 0 ? '' : `\x1b[${this.#board.length}A\r\x1b[0J`;
    this.#out.write(`${back}${lines.map((line) => `${line}\n`).join('')}`);
    this.#board = lines;
  }
}

/** Breaks a text at blanks. A word longer than the width, such as an address, stays whole. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}
