import { open } from 'node:fs/promises';

const TAIL_BYTES = 16_384;

/** The last lines of a log file, indented for a message; "(empty)" when there is nothing. */
export async function lastLines(file: string, count = 15): Promise<string> {
  const text = (await tail(file)).trimEnd();
  if (text === '') return '  (empty)';
  return text
    .split('\n')
    .slice(-count)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** At most the last 16 KiB of a file; nothing when it is absent. */
export async function tail(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}
