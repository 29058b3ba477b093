import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const run = promisify(execFile);
const tool = pathToFileURL(join(import.meta.dirname, '../../tools/ensure-dependencies.mjs')).href;
let root: string;

/** A checkout with one dependency that lies beside it, so that npm needs no network. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'groundwork-checkout-'));
  mkdirSync(join(root, 'local'));
  writeFileSync(join(root, 'local/package.json'), JSON.stringify({ name: 'local', version: '1.0.0' }));
  writePackage({ local: 'file:local' });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function writePackage(dependencies: Record<string, string>): void {
  const own = { name: 'checkout', version: '1.0.0', dependencies };
  const linked = Object.fromEntries(
    Object.keys(dependencies).flatMap((name) => [
      [name, { version: '1.0.0' }],
      [`node_modules/${name}`, { resolved: name, link: true }],
    ]),
  );
  const lock = { ...own, lockfileVersion: 3, requires: true, packages: { '': own, ...linked } };
  writeFileSync(join(root, 'package.json'), JSON.stringify(own));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
}

async function ensure(env: NodeJS.ProcessEnv = {}): Promise<{ code: number; said: string }> {
  const script = `const { ensureDependencies } = await import(${JSON.stringify(tool)}); await ensureDependencies(${JSON.stringify(root)});`;
  return run(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, ...env } }).then(
    ({ stderr }) => ({ code: 0, said: stderr }),
    (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
  );
}

test('a fresh checkout is installed, in one line, and then left alone', async () => {
  expect(await ensure()).toEqual({
    code: 0,
    said: expect.stringMatching(/^Installing dependencies .* done in \d+ s\.\n$/),
  });
  expect(existsSync(join(root, 'node_modules/local/package.json'))).toBe(true);
  expect(await ensure()).toEqual({ code: 0, said: '' });
});

test('a changed lock is installed again', async () => {
  await ensure();
  mkdirSync(join(root, 'other'));
  writeFileSync(join(root, 'other/package.json'), JSON.stringify({ name: 'other', version: '1.0.0' }));
  writePackage({ local: 'file:local', other: 'file:other' });
  expect((await ensure()).said).toContain('Installing dependencies');
  expect(existsSync(join(root, 'node_modules/other/package.json'))).toBe(true);
});

test('an install that was interrupted is repeated', async () => {
  await ensure();
  rmSync(join(root, 'node_modules/.package-lock.json'));
  expect((await ensure()).said).toContain('Installing dependencies');
});

test('of several processes that start at once one installs and the others wait for it', async () => {
  const said = (await Promise.all([ensure(), ensure(), ensure()])).map((one) => one.said);
  expect(said.filter((text) => text.includes('Installing'))).toHaveLength(1);
  expect(existsSync(join(root, 'node_modules/local/package.json'))).toBe(true);
});

test('npm is asked for nothing whose answer is not shown', async () => {
  const npm = join(root, 'npm-that-tells.mjs');
  writeFileSync(npm, "console.log(process.argv.slice(2).join(' ')); process.exitCode = 1;");
  const { said } = await ensure({ npm_execpath: npm });
  expect(said).toMatch(/^ci --ignore-scripts .*--no-audit --no-fund$/m);
});

test('a lock that npm refuses ends in one message and exit code 1', async () => {
  const file = join(root, 'package.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('file:local', 'file:elsewhere'));
  const { code, said } = await ensure();
  expect(code).toBe(1);
  expect(said).toContain('failed.');
  expect(said).toContain(`npm ci --ignore-scripts\` in ${root}`);
  expect(said).not.toContain('    at ');
});
