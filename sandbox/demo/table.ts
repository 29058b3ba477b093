import type { Colors } from '../../starter/cli/io.ts';

/** A result table. The last column may be long, an address for one: where it does not fit it gets lines of its own. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function tableLines({ columns, rows }: Table, width: number, colors: Colors): string[] {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const total = widths.reduce((sum, each) => sum + each + 2, -2);
  const apart = total > width;
  const shown = apart ? columns.length - 1 : columns.length;
  return all.flatMap((row, index) => {
    const cells = row.slice(0, shown).map((cell, at) => (at === shown - 1 ? cell : cell.padEnd(widths[at] ?? 0)));
    const line = cells.join('  ');
    if (index === 0) return [colors.bold(line)];
    return apart ? [line, colors.dim(`  ${row.at(-1)}`)] : [line];
  });
}

/** The rows as objects with the columns as keys. */
export function tableObjects({ columns, rows }: Table): Record<string, string>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? ''])));
}
