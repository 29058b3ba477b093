import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
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
