import { fileURLToPath } from 'node:url';

const source = (path: string) => fileURLToPath(new URL(`../workflows/${path}`, import.meta.url));

/**
 * What goes into the bundle of workflow code, for everybody who makes one. All of it is loaded once a worker instead of once a
 * run, which would cost each run the time and the memory of all modules of four rooms; so none of it may hold state
 * (test/worker/settings/bundle.test.ts).
 */
export const workflowSources = {
  workflowsPath: source('index.ts'),
  workflowInterceptorModules: [source('workshop/flood.ts')],
  preloadModules: [source('index.ts'), source('workshop/flood.ts')],
};
