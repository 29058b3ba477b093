import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { workflowSources } from '../../../worker/workflow-sources.ts';

/** The limit is above today's 3.2 MB, source maps included, and below what the AWS SDK or the Kubernetes client would add. */
const LARGEST_BUNDLE = 4_000_000;

test('the workflow bundle is small and holds no AWS, PostgreSQL, Kubernetes or zod code', async () => {
  const { code } = await bundleWorkflowCode({ ...workflowSources, logger: new DefaultLogger('ERROR') });
  expect(code.length).toBeLessThan(LARGEST_BUNDLE);
  const modules = [...code.matchAll(/^\s*\/\*\*\*\/ "(\.[^"]+)":?/gm)].map(([, name]) => name ?? '');
  expect(modules.some((name) => name.includes('workflows/scope/creation'))).toBe(true);
  expect(modules.some((name) => name.includes('workflows/workshop/flood'))).toBe(true);
  const forbidden =
    /node_modules\/(@aws-sdk|@smithy|pg|pg-[a-z-]+|@kubernetes|zod|pino|@temporalio\/(worker|client|activity))\//;
  expect(modules.filter((name) => forbidden.test(name))).toEqual([]);
  expect(modules.filter((name) => /\/activities\//.test(name) && !/workflows\//.test(name))).toEqual([]);
});

/** Line by line: the formatter puts what a module declares at the beginning of a line, and members of a class two columns in. */
function statesOf(code: string): string[] {
  const changeable = [
    /^(export )?(let|var) .*/gm,
    /^(export )?const \w+\b(?!: Readonly)[^=\n]*= new (Map|Set|WeakMap|WeakSet)\b.*/gm,
    /^(export )?const \w+(: [^=\n]*)? = (\[\]|\{\});/gm,
    /^ {2}(private )?static (?!readonly\b|#?\w+[(<]|async ).*/gm,
  ];
  return changeable.flatMap((pattern) => code.match(pattern) ?? []);
}

describe('modules that all runs of a worker share', () => {
  test('hold nothing that a run could leave for another', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const found: string[] = [];
    for (const floor of ['contract', 'domain', 'workflows']) {
      for (const file of await readdir(join(root, floor), { recursive: true })) {
        if (!file.endsWith('.ts')) continue;
        const code = await readFile(join(root, floor, file), 'utf8');
        found.push(...statesOf(code).map((line) => `${floor}/${file}: ${line}`));
      }
    }
    expect(found).toEqual([]);
  });

  test.each([
    'let seen = 0;',
    'export const seen = new Set<string>();',
    'const byName: Map<string, number> = new Map();',
    'const seen: string[] = [];',
    'class Counter {\n  static count = 0;\n}',
  ])('would be told of: %s', (code) => expect(statesOf(code)).toHaveLength(1));

  test.each([
    "const KINDS: ReadonlySet<string> = new Set(['a']);",
    'class Counter {\n  static readonly first = 1;\n  static of(count: number) {}\n}',
    'function count() {\n  let seen = 0;\n}',
  ])('may hold: %s', (code) => expect(statesOf(code)).toEqual([]));
});
