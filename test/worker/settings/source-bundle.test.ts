import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentKey, kept } from '../../../worker/source-bundle.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-bundle-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('what a worker from the sources has bundled', () => {
  test('is made once, and replaces that of other sources', async () => {
    const cache = join(folder, 'a/cache');
    let made = 0;
    const make = (text: string) => async () => {
      made += 1;
      return text;
    };
    expect(await kept(cache, 'one.js', make('1'))).toBe('1');
    expect(await kept(cache, 'one.js', make('never'))).toBe('1');
    expect(await kept(cache, 'two.js', make('2'))).toBe('2');
    expect(made).toBe(2);
    expect(await readdir(cache)).toEqual(['two.js']);
    expect(await readFile(join(cache, 'two.js'), 'utf8')).toBe('2');
  });

  test('is made each time where it cannot be kept', async () => {
    const file = join(folder, 'no-folder');
    await writeFile(file, '');
    expect(await kept(file, 'one.js', async () => '1')).toBe('1');
    expect(await kept(file, 'one.js', async () => '2')).toBe('2');
  });

  test('fails when it cannot be made, and then nothing is kept', async () => {
    const make = () => Promise.reject(new Error('no such module'));
    await expect(kept(folder, 'one.js', make)).rejects.toThrow('no such module');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the key of the sources', () => {
  const key = () => contentKey(folder, ['code', 'lock.json']);
  beforeEach(async () => {
    await mkdir(join(folder, 'code/room'), { recursive: true });
    await writeFile(join(folder, 'code/room/a.ts'), 'export const a = 1;');
    await writeFile(join(folder, 'lock.json'), '{}');
  });

  test.each([
    ['a changed line', 'code/room/a.ts', 'export const a = 2;'],
    ['a new file', 'code/room/b.ts', ''],
    ['another lock file', 'lock.json', '{ }'],
  ])('is another with %s', async (_, file, text) => {
    const before = await key();
    expect(await key()).toBe(before);
    await writeFile(join(folder, file), text);
    expect(await key()).not.toBe(before);
  });

  test('is the same with another file that is no code', async () => {
    const before = await key();
    await writeFile(join(folder, 'code/notes.md'), 'x');
    expect(await key()).toBe(before);
  });
});
