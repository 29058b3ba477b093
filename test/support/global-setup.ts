import type { TestProject } from 'vitest/node';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';
import { install } from './installation.ts';
import { startServers, type TestServers } from './start-servers.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers;
    /** Folder of the compiled program: worker/main.js, starter/cli/main.js, workflow-bundle.js. */
    dist: string;
  }
}

/** Starts the servers before the first test of the project, stops them after the last; a killed run is cleaned up by the watchdog. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = runFolder(`test-${process.pid}`);
  const { supervisor } = await claimRunFolder(folder);
  try {
    const [dist, { servers, dropTemplate }] = await Promise.all([
      install(`${folder}/an installation [copy]`), // a user's folder may be called so
      startServers(supervisor, folder),
    ]);
    project.provide('dist', dist);
    project.provide('servers', servers);
    return async () => {
      await dropTemplate();
      await supervisor.stop();
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
