import { createColors } from 'picocolors';

/** What a command reads and writes: the process in life, something else in tests. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<string | Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `handler` on Ctrl-C instead of ending the process; the answer takes it off again. */
  onInterrupt(handler: () => void): () => void;
}

export function processIo(): Io {
  // A reader that goes away (`groundwork scope list | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    onInterrupt: (handler) => {
      process.once('SIGINT', handler); // a second one ends the process
      return () => process.off('SIGINT', handler);
    },
  };
}

export type Colors = ReturnType<typeof createColors>;

/** Colours for one output: on a terminal only, and not with NO_COLOR (no-color.org). */
export function colorsFor(output: Output, env: Io['env']): Colors {
  return createColors(output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb');
}

/** Writes the one JSON document of a command. */
export function writeJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes lines of text, each ended. */
export function writeLines(output: Output, lines: readonly string[]): void {
  for (const line of lines) output.write(`${line}\n`);
}

/** Rows as columns of equal width, two blanks between them; `color` paints a finished cell. */
export function columns(
  rows: readonly (readonly string[])[],
  color: (cell: string, column: number, row: number) => string = (cell) => cell,
): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row, index) =>
    row
      .map((cell, column) => {
        const padded = column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
        return color(padded, column, index);
      })
      .join('  '),
  );
}
