import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Time for the first answer of a host: where there is no network this is all that a download costs. */
const ANSWER_MS = 5_000;
const BODY_MS = 300_000;

export type Fetch = typeof globalThis.fetch;

/** The body of a URL. Throws one line when the host cannot be reached quickly or answers with an error. */
export async function download(url: string, fetch: Fetch = globalThis.fetch): Promise<Buffer> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  try {
    const response = await fetch(url, { signal: abort.signal, redirect: 'follow' });
    clearTimeout(timer);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    timer = setTimeout(() => abort.abort(new Error(`not finished within ${BODY_MS / 1000} s`)), BODY_MS);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`${new URL(url).host}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Unpacks a .tar.gz or .zip with the system's `tar`, which every supported platform has. */
export async function extract(archive: Buffer, into: string): Promise<void> {
  const file = join(into, 'download.archive');
  await writeFile(file, archive);
  await run('tar', ['-xf', file, '-C', into]);
  await rm(file);
}

/** Throws when the content does not have this SHA-512 (hexadecimal). */
export function verifySha512(content: Buffer, expected: string, what: string): void {
  const actual = createHash('sha512').update(content).digest('hex');
  if (actual !== expected.toLowerCase()) throw new Error(`${what} has the SHA-512 ${actual}, expected ${expected}`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
