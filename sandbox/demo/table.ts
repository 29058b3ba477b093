import type { Colors } from '../../starter/cli/io.ts';

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const GAP = '  ';
/** In front of the second and further lines of a row. */
const INDENT = '    ';

/** A row takes one line where it fits `width`, else several, with the same columns on the same line in every row. */
export function tableLines({ columns, rows }: Table, width: number, colors: Colors): string[] {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const groups = grouped(widths, width);
  return all.flatMap((row, index) =>
    groups.map((group, line) => {
      const cells = group.map((at) => (row[at] ?? '').padEnd(widths[at] ?? 0));
      const text = `${line === 0 ? '' : INDENT}${cells.join(GAP)}`.trimEnd();
      if (index === 0) return colors.bold(text);
      return line === 0 ? text : colors.dim(text);
    }),
  );
}

/** Indices of the columns, by line. A column that is too wide for any line has one of its own. */
function grouped(widths: readonly number[], width: number): number[][] {
  const groups: number[][] = [];
  let used = 0;
  for (const [at, each] of widths.entries()) {
    if (groups.length === 0 || used + GAP.length + each > width) {
      used = groups.length === 0 ? each : INDENT.length + each;
      groups.push([at]);
    } else {
      used += GAP.length + each;
      groups.at(-1)?.push(at);
    }
  }
  return groups;
}

/** The rows as objects with the columns as keys. */
export function tableObjects({ columns, rows }: Table): Record<string, string>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? ''])));
}
