import { readFile } from 'node:fs/promises';
import type { IpImportRow } from '../../client.ts';
import { UsageError } from '../failing.ts';

/** Rows of an import from a file: CSV with a header, a JSON array, or one JSON object a line. */

const FIELDS = ['namespace', 'name', 'cidr', 'owner', 'reclaimPolicy', 'ttlSeconds'] as const;

/** Rows with the line that each stands on. Throws `UsageError` with the line that cannot be read. */
export async function importRows(path: string): Promise<IpImportRow[]> {
  const read = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new UsageError(`${path} cannot be read: ${why}`);
  });
  const text = read.replace(/^\uFEFF/, ''); // spreadsheets write a byte order mark
  const start = text.trimStart()[0];
  const rows = start === '[' ? fromArray(path, text) : start === '{' ? fromLines(path, text) : fromCsv(path, text);
  if (rows.length === 0) throw new UsageError(`${path} holds no rows`);
  return rows;
}

function fromArray(path: string, text: string): IpImportRow[] {
  const value = parsed(path, 1, text);
  return (value as unknown[]).map((row, index) => rowOf(path, index + 1, row));
}

function fromLines(path: string, text: string): IpImportRow[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => rowOf(path, number, parsed(path, number, line)));
}

function fromCsv(path: string, text: string): IpImportRow[] {
  const [header = '', ...lines] = text.split(/\r?\n/);
  const names = cells(header);
  const unknown = names.find((name) => !(FIELDS as readonly string[]).includes(name));
  if (unknown !== undefined || !['namespace', 'name', 'cidr'].every((name) => names.includes(name)))
    throw new UsageError(
      `${path}: the first line must name the columns: ${FIELDS.join(',')} (the first three are required)`,
    );
  return lines
    .map((line, index) => ({ line, number: index + 2 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => {
      const values = cells(line);
      const filled = names.flatMap((name, at) => (values[at] ? [[name, values[at]] as const] : []));
      const { ttlSeconds, ...fields } = Object.fromEntries(filled);
      return rowOf(path, number, {
        ...fields,
        ...(ttlSeconds ? { ttlSeconds: /^\d+$/.test(ttlSeconds) ? Number(ttlSeconds) : ttlSeconds } : {}),
      });
    });
}

/** Names, addresses and numbers need no quotes; quotes around a cell are taken off. */
function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function parsed(path: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}, line ${line}: is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/** A row as it is; what is wrong in it is told with its line by the worker. */
function rowOf(path: string, line: number, value: unknown): IpImportRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path}, line ${line}: must be an object with namespace, name and cidr`);
  const { namespace = '', name = '', cidr = '', ...rest } = value as Partial<IpImportRow>;
  return { ...rest, namespace: String(namespace), name: String(name), cidr: String(cidr), line };
}
