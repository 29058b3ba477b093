import { type Colors, colorsFor, type Io, type Output } from './io.ts';

/** Shows a text that changes: drawn anew on a terminal, its new lines appended elsewhere. */
export class Screen {
  readonly #output: Output;
  readonly #colors: Colors;
  #shown: readonly string[] = [];

  constructor(output: Output, env: Io['env']) {
    this.#output = output;
    this.#colors = colorsFor(output, env);
  }

  get isTerminal(): boolean {
    return this.#output.isTTY === true;
  }

  update(lines: readonly string[]): void {
    if (this.isTerminal) {
      const width = (this.#output.columns ?? 80) - 1;
      const frame = lines.map((line) => paint(line.slice(0, width), this.#colors));
      const back = this.#shown.length === 0 ? '' : `\x1b[${this.#shown.length}A\r\x1b[0J`;
      if (frame.join('\n') !== this.#shown.join('\n')) this.#output.write(`${back}${frame.join('\n')}\n`);
      this.#shown = frame;
    } else {
      const before = new Set(this.#shown);
      for (const line of lines)
        if (line !== '' && !before.has(line) && !line.startsWith('[ ]')) this.#output.write(`${line}\n`);
      this.#shown = lines;
    }
  }
}

function paint(line: string, colors: Colors): string {
  if (line.startsWith('[x]')) return `${colors.green('[x]')}${line.slice(3)}`;
  if (line.startsWith('[>]')) return colors.bold(colors.yellow(line));
  if (line.startsWith('[ ]')) return colors.dim(line);
  if (line.startsWith('Waiting for ')) return colors.cyan(line);
  return line;
}

/** The Markdown of a run's current details as lines: `[x]` done, `[>]` doing, `[ ]` next. */
export function plainLines(markdown: string): string[] {
  return markdown.split('\n').map((line) =>
    line
      .replace(/^- \[x\] (?:\*\*(.*)\*\*|(.*))$/, (_, bold?: string, plain?: string) => `[x] ${bold ?? plain}`)
      .replace(/^- \[ \] \*\*(.*)\*\*$/, '[>] $1')
      .replace(/^- \[ \] /, '[ ] ')
      .replace(/^\*\*(.*)\*\*$/, '$1')
      .replace(/`([^`]*)`/g, '$1'),
  );
}
