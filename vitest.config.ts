import { defineConfig } from 'vitest/config';
import { forgetSandbox } from './sandbox/record.ts';
import LongestFirst from './tools/test-order.ts';
import { EVERY_TEST } from './tools/vitest.ts';

forgetSandbox(process.env); // tests have servers of their own, also in a shell with the environment of a sandbox

/**
 * `unit` needs no server. `processes` starts servers of its own. `servers` shares one Temporal, one PostgreSQL and one
 * kube-apiserver per run, which test/support/global-setup.ts starts. A test file belongs to exactly one of them.
 *
 * vitest never gives a file of one project to a process of another, and each process loads the SDKs for some seconds. So
 * the run of every test has the one project `every`.
 */
const unit = [
  'test/bench/**',
  'test/domain/**',
  'test/contract/**',
  'test/replay/**',
  'test/sandbox/aws/**',
  'test/sandbox/faults/**',
  'test/sandbox/traffic/**',
  'test/starter/**',
  'test/tools/**',
  'test/worker/settings/**',
];
const processes = ['test/sandbox/processes/**'];
const tests = (folders: readonly string[]) => folders.map((folder) => `${folder}/*.test.ts`);

const withBinaries = 'test/support/binaries.ts';
const withServers = [withBinaries, 'test/support/global-setup.ts'];

const projects = [
  { name: 'unit', include: tests(unit) },
  { name: 'processes', include: tests(processes), globalSetup: withBinaries },
  {
    name: 'servers',
    include: ['test/**/*.test.ts'],
    exclude: tests([...unit, ...processes]),
    globalSetup: withServers,
  },
];
const every = [{ name: 'every', include: ['test/**/*.test.ts'], globalSetup: withServers }];

export default defineConfig({
  test: {
    pool: 'forks', // the Temporal core is a native module, and a crashed worker must not take the run with it
    maxWorkers: process.env.CI ? 2 : 4, // on two processors: many tests wait; CI shares its machine and has time
    isolate: false, // each of them loads the SDKs once, not once a file, which was a sixth of all processor time
    setupFiles: 'test/support/own-environment.ts',
    sequence: { sequencer: LongestFirst },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }, // that of Node 20, in each of their processes
    slowTestThreshold: 30_000, // milliseconds; a line for each file is enough to read along
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    allowOnly: !process.env.CI,
    projects: (process.env[EVERY_TEST] ? every : projects).map((test) => ({ extends: true, test })),
  },
});
