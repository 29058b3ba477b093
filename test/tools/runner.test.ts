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

/** What `npm test` prints for a folder that holds this one test file; `during` gets what it has printed so far. */
function printed(
  text: string,
  during: (output: string) => void = () => {},
): Promise<{ code: number; lines: string[] }> {
  writeFileSync(
    join(folder, 'planted.test.ts'),
    `import { beforeAll, describe, expect, test } from 'vitest';\n${text}\n`,
  );
  return new Promise((resolve) => {
    const argv = ['tools/run.mjs', 'tools/test.ts', '--root', folder];
    const { stdout } = execFile(process.execPath, argv, { cwd: root }, (error, output) =>
      resolve({ code: error === null ? 0 : Number(error.code), lines: output.trimEnd().split('\n') }),
    );
    let soFar = '';
    stdout?.on('data', (chunk) => {
      soFar += chunk;
      during(soFar);
    });
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
  const told = 'failed just now: planted.test.ts > a: expected';
  const file = join(folder, 'told');
  const { code, lines } = await printed(
    `import { existsSync } from 'node:fs';
     test('a', () => expect({ n: 1 }).toEqual({ n: 2 }));
     test('b', async () => { while (!existsSync(${JSON.stringify(file)})) await new Promise((r) => setTimeout(r, 20)); }, 60_000);`,
    (output) => {
      if (output.includes(told)) writeFileSync(file, '');
    },
  );
  const at = lines.findIndex((line) => line.includes(told));
  expect(lines.slice(at, at + 12).join('\n')).toMatch(/"n": 2[\s\S]*"n": 1/);
  expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: '1 passed, 1 failed' });
}, 90_000);
