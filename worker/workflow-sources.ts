import { fileURLToPath } from 'node:url';

const source = (path: string) => fileURLToPath(new URL(`../workflows/${path}`, import.meta.url));

/** What goes into the bundle of workflow code, for everybody who makes one. */
export const workflowSources = {
  workflowsPath: source('index.ts'),
  workflowInterceptorModules: [source('workshop/flood.ts')],
};
