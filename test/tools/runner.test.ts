import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'groundwork-runner-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What `npm test` prints for a folder that holds this one test file. */
function printed(text: string): Promise<{ code: number; lines: string[] }> {
  writeFileSync(
    join(folder, 'planted.test.ts'),
    `import { beforeAll, describe, expect, test } from 'vitest';\n${text}\n`,
  );
  return new Promise((resolve) => {
    execFile(process.execPath, ['tools/run.mjs', 'tools/test.ts', '--root', folder], { cwd: root }, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.trimEnd().split('\n') }),
    );
  });
}

/** What it ends with. */
async function lastLine(text: string): Promise<{ code: number; line: string | undefined }> {
  const { code, lines } = await printed(text);
  return { code, line: lines.at(-1) };
}

test('the last line counts the tests', async () => {
  const text = `test('a', () => {}); test('b', () => {});`;
  expect(await lastLine(text)).toEqual({ code: 0, line: '2 passed, 0 failed' });
});

test.each([
  ['a failed test', `test('a', () => {}); test('b', () => expect(1).toBe(2));`, '1 passed, 1 failed'],
  ['a file that cannot be loaded', `throw new Error('at load');`, '0 passed, 1 failed'],
  [
    'a broken set-up',
    `describe('a', () => { beforeAll(() => { throw new Error('early'); }); test('b', () => {}); });`,
    '0 passed, 1 failed',
  ],
  [
    'an error outside of any test',
    `test('a', () => { void Promise.reject(new Error('late')); });`,
    '1 passed, 1 failed',
  ],
  ['no test at all', '', '0 passed, 1 failed'],
])('%s makes it fail', async (_, text, line) => {
  expect(await lastLine(text)).toEqual({ code: 1, line });
});

test('a failure is told before the tests after it, with what was found', async () => {
  const { lines } = await printed(
    `test('a', () => expect({ n: 1 }).toEqual({ n: 2 })); test('b', () => new Promise((r) => setTimeout(r, 500))); test('c', () => console.log('c runs'));`,
  );
  const told = lines.findIndex((line) => line.includes('failed just now: planted.test.ts > a: expected'));
  expect(told).toBeGreaterThan(-1);
  expect(told).toBeLessThan(lines.findIndex((line) => line.includes('c runs')));
  expect(lines.slice(told, told + 12).join('\n')).toMatch(/"n": 2[\s\S]*"n": 1/);
});
