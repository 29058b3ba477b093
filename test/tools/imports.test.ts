import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asyncValidators } from '../../tools/check-validators.ts';
import { checkImports } from '../../tools/imports/check.ts';
import { LAYER_FOLDERS } from '../../tools/imports/rules.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Imports in a wrong direction: the layer's folder, the line, what the check must say. */
const wrong = (
  [
    ['contract', `import { a } from '../domain/a.ts';`, 'contract must not import domain (domain/a.ts)'],
    ['contract', `import type { A } from '../domain/a.ts';`, 'contract must not import domain (domain/a.ts)'],
    ['contract', `import { z } from 'zod';`, 'only contract/schemas/ may import the package zod'],
    ['domain', `import { a } from '../workflows/a.ts';`, 'domain must not import workflows (workflows/a.ts)'],
    ['domain', `export * from '../activities/a.ts';`, 'domain must not import activities (activities/a.ts)'],
    ['domain', `import pg from 'pg';`, 'domain must not import the package pg'],
    [
      'domain',
      `import { log } from '@temporalio/workflow';`,
      'domain must not import the package @temporalio/workflow',
    ],
    ['domain', `import { createHash } from 'node:crypto';`, 'domain must not import the built-in module node:crypto'],
    ['domain', `import { createHash } from 'crypto';`, 'domain must not import the built-in module crypto'],
    [
      'workflows',
      `import { a } from '../activities/a.ts';`,
      'workflows may reach activities with "import type" only (activities/a.ts)',
    ],
    [
      'workflows',
      `import { type A } from '../activities/a.ts';`,
      'workflows may reach activities with "import type" only (activities/a.ts)',
    ],
    [
      'workflows',
      `export { a } from '../activities/a.ts';`,
      'workflows may reach activities with "import type" only (activities/a.ts)',
    ],
    [
      'workflows',
      `const a = await import('../activities/a.ts');`,
      'workflows may reach activities with "import type" only (activities/a.ts)',
    ],
    ['workflows', `import type { A } from '../worker/a.ts';`, 'workflows must not import worker (worker/a.ts)'],
    ['workflows', `import 'node:fs';`, 'workflows must not import the built-in module node:fs'],
    ['workflows', `const name = 'a'; await import(name);`, 'workflows must not compute what it imports'],
    ['activities', `import { a } from '../workflows/a.ts';`, 'activities must not import workflows (workflows/a.ts)'],
    ['activities', `import { a } from '../worker/a.ts';`, 'activities must not import worker (worker/a.ts)'],
    [
      'activities',
      `import { sleep } from '@temporalio/workflow';`,
      'activities must not load the package @temporalio/workflow',
    ],
    [
      'activities',
      `import { migrate } from '../migrations/migrate.ts';`,
      'activities must not import migrations (migrations/migrate.ts)',
    ],
    ['migrations', `import { a } from '../worker/a.ts';`, 'migrations must not import worker (worker/a.ts)'],
    ['worker', `import { a } from '../sandbox/clock.ts';`, 'worker must not import sandbox (sandbox/clock.ts)'],
    ['worker', `import { a } from '../starter/client.ts';`, 'worker must not import starter (starter/client.ts)'],
    [
      'worker',
      `import { a } from '../test/support/a.ts';`,
      'worker must not import test/support/a.ts: test/ is not shipped',
    ],
    ['starter', `import { a } from '../domain/a.ts';`, 'starter must not import domain (domain/a.ts)'],
    ['starter', `await import('../worker/main.ts');`, 'starter must not import worker (worker/main.ts)'],
    ['starter', `import pg from 'pg';`, 'starter must not load the package pg'],
    [
      'starter',
      `import { STSClient } from '@aws-sdk/client-sts';`,
      'starter must not load the package @aws-sdk/client-sts',
    ],
    [
      'starter/cli/operations',
      `import { a } from '../../../worker/main.ts';`,
      'operations may load worker with "import()" only (worker/main.ts)',
    ],
    ['sandbox', `import { a } from '../workflows/index.ts';`, 'sandbox must not import workflows (workflows/index.ts)'],
    [
      'sandbox',
      `import { a } from '../tools/build.ts';`,
      'sandbox must not import tools/build.ts: tools/ is not shipped',
    ],
  ] as const
).map(([folder, text, message], index) => ({ file: `${folder}/wrong-${index}.ts`, text, message }));

/** Imports in their direction. */
const right = (
  [
    ['workflows', `import type { A } from '../activities/failures.ts';`],
    ['workflows', `type A = import('../activities/failures.ts').A;`],
    ['starter/cli/operations', `await import('../../../sandbox/clock.ts');`],
    ['starter/cli/operations', `import type { A } from '../../../sandbox/clock.ts';`],
    ['worker', `import { migrate } from '../migrations/migrate.ts';`],
    ['starter', `import type { Pool } from 'pg';`],
  ] as const
).map(([folder, text], index) => ({ file: `${folder}/right-${index}.ts`, text }));

/** zod on its way into the workflow bundle, over files of which each may have its import. */
const roundabout = [
  { file: 'contract/schemas/planted.ts', text: `import { z } from 'zod';` },
  { file: 'domain/planted.ts', text: `export { a } from '../contract/schemas/planted.ts';` },
  { file: 'workflows/planted.ts', text: `import { a } from '../domain/planted.ts';` },
];

let copy: string;
/** What the check says about the copy with everything planted in it. */
let report: string[];

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'groundwork-imports-'));
  for (const folder of LAYER_FOLDERS) {
    if (existsSync(join(repository, folder))) cpSync(join(repository, folder), join(copy, folder), { recursive: true });
  }
  expect(checkImports(copy)).toEqual([]);
  for (const { file, text } of [...wrong, ...right, ...roundabout]) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), `// a line before\n${text}\n`);
  }
  report = checkImports(copy).map(({ file, line, message }) => `${file}:${line}: ${message}`);
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('the repository itself has no import in a wrong direction', () => {
  expect(checkImports(repository)).toEqual([]);
});

describe('a planted import in a wrong direction is reported', () => {
  test.each(wrong)('$file: $text', ({ file, message }) => {
    expect(report.filter((line) => line.startsWith(`${file}:`))).toContain(`${file}:2: ${message}`);
  });

  test('also when it reaches the workflow bundle over files that may have it', () => {
    expect(report).toContain(
      'contract/schemas/planted.ts:2: zod would enter the workflow bundle: workflows/planted.ts -> domain/planted.ts -> contract/schemas/planted.ts',
    );
  });
});

test.each(right)('a planted import in its direction is accepted: $file: $text', ({ file }) => {
  expect(report.filter((line) => line.startsWith(`${file}:`))).toEqual([]);
});

describe('update validators', () => {
  test('those of the repository are synchronous', () => {
    expect(asyncValidators(repository)).toEqual([]);
  });

  test.each([
    ['an async arrow function', `setHandler(u, h, { validator: async () => {} });`],
    ['an async method', `setHandler(u, h, { async validator() {} });`],
    ['an async function that is named', `async function check() {}\nsetHandler(u, h, { validator: check });`],
    [
      'an async function that is imported',
      `import { check as c } from './checks.ts';\nsetHandler(u, h, { validator: c });`,
    ],
  ])('%s is reported', (_, text) => {
    const root = mkdtempSync(join(tmpdir(), 'groundwork-validators-'));
    mkdirSync(join(root, 'workflows'));
    writeFileSync(
      join(root, 'workflows/checks.ts'),
      'export const check = async () => {};\nexport const fine = () => {};\n',
    );
    writeFileSync(join(root, 'workflows/planted.ts'), `${text}\n`);
    const found = asyncValidators(root);
    rmSync(root, { recursive: true });
    expect(found).toEqual([
      { file: 'workflows/planted.ts', line: text.split('\n').length, message: 'an update validator must not be async' },
    ]);
  });
});
