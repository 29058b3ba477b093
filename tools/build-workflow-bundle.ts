import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowSources } from '../worker/workflow-sources.ts';

/**
 * Bundles all workflows as production loads them (`workflowBundle: { codePath }`) into `file` and answers the size in
 * bytes. The worker that loads it must be of the SDK version that made it.
 */
export async function buildWorkflowBundle(file: string): Promise<number> {
  const { code } = await bundleWorkflowCode({ ...workflowSources, logger: new DefaultLogger('WARN') });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, code);
  return Buffer.byteLength(code);
}
