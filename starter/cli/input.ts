import { readFile } from 'node:fs/promises';
import { InvalidInput } from '../errors.ts';
import { UsageError } from './failing.ts';
import type { Io } from './io.ts';

/** The input of a request from a file. */

export type Json = Record<string, unknown>;

export async function fileInput(io: Io, path: string | undefined): Promise<Json> {
  if (path === undefined) return {};
  const text = path === '-' ? await everything(io.stdin) : await readInput(path);
  const where = path === '-' ? 'stdin' : path;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    throw InvalidInput.of([{ path: where, message: `is no JSON: ${error instanceof Error ? error.message : error}` }]);
  }
  throw InvalidInput.of([{ path: where, message: 'must hold one JSON object' }]);
}

async function readInput(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    );
  }
}

async function everything(stream: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

export function setAt(input: Json, path: string, value: unknown): void {
  const keys = path.split('.');
  if (keys.some((key) => key === '' || key === '__proto__'))
    throw new UsageError(`--set ${path}: that is no path of a field`);
  const last = keys.pop() ?? '';
  let part = input;
  for (const key of keys) {
    const next = Object.hasOwn(part, key) ? part[key] : undefined;
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) {
      part = next as Json;
    } else {
      const made: Json = {};
      part[key] = made;
      part = made;
    }
  }
  part[last] = value;
}
