import { execFile } from 'node:child_process';
import { chmod, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { binaryFolder, executable } from './cache.ts';
import { download, extract, type Fetch } from './download.ts';
import { buildWithGo } from './go-build.ts';
import { installOnce } from './install.ts';
import { type Report, reportToStderr } from './progress.ts';
import { findOnPath, firstThatWorks, isExecutable } from './steps.ts';

const run = promisify(execFile);

/** The version that sandbox/temporal/go.mod pins. */
export const TEMPORAL_CLI_VERSION = '1.8.2';

/** Server 1.31 is the oldest with everything that we use; CLI 1.7.0 was the first to carry it. */
const OLDEST_SERVER = [1, 31] as const;

export type TemporalSource =
  /** A server of the user's, by address. */
  | { readonly kind: 'external'; readonly address: string; readonly source: string }
  /** The Temporal CLI, whose `server start-dev` is the server. */
  | { readonly kind: 'binary'; readonly path: string; readonly source: string };

export interface ResolveOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly report?: Report;
  readonly fetch?: Fetch;
}

type Found = { kind: 'external'; address: string } | { kind: 'binary'; path: string };

/** Where the Temporal server comes from, in the order of design.md section 5. */
export async function resolveTemporal(options: ResolveOptions = {}): Promise<TemporalSource> {
  const { env = process.env, report = reportToStderr, fetch } = options;
  const folder = binaryFolder('temporal', TEMPORAL_CLI_VERSION, env);
  const cached = join(folder, executable('temporal'));
  const complete = (where: string) => isExecutable(join(where, executable('temporal')));
  const install = async (fill: (temporary: string) => Promise<void>): Promise<Found & { source?: string }> => {
    const filled = await installOnce({ folder, complete, fill, report });
    return {
      kind: 'binary',
      path: cached,
      ...(filled ? {} : { source: `cache (${folder}), filled by another process` }),
    };
  };
  return firstThatWorks<Found>(
    'Temporal',
    [
      { name: 'TEMPORAL_ADDRESS', binding: true, attempt: async () => external(env.TEMPORAL_ADDRESS) },
      { name: 'TEMPORAL_CLI_PATH', binding: true, attempt: () => named(env.TEMPORAL_CLI_PATH) },
      { name: '`temporal` on PATH', attempt: () => onPath(env) },
      {
        name: `cache (${folder})`,
        attempt: async () => ((await complete(folder)) ? { kind: 'binary', path: cached } : undefined),
      },
      { name: 'published download', attempt: () => install((temporary) => fetchCli(temporary, fetch)) },
      { name: 'Go build of sandbox/temporal', attempt: () => install((temporary) => buildCli(temporary, env, report)) },
    ],
    `Install the Temporal CLI ${TEMPORAL_CLI_VERSION} (https://docs.temporal.io/cli) or Go 1.26, or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS.`,
    report,
  );
}

function external(address: string | undefined): Found | undefined {
  return address === undefined || address === '' ? undefined : { kind: 'external', address };
}

async function named(path: string | undefined): Promise<Found | undefined> {
  if (path === undefined || path === '') return undefined;
  await checkServerVersion(path);
  return { kind: 'binary', path };
}

async function onPath(env: NodeJS.ProcessEnv): Promise<Found | undefined> {
  const path = await findOnPath('temporal', env);
  if (path === undefined) throw new Error('not found');
  await checkServerVersion(path);
  return { kind: 'binary', path };
}

/** `temporal --version` prints "temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)"; own builds may lack the first number. */
async function checkServerVersion(path: string): Promise<void> {
  const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
  const [, major = '0', minor = '0'] = /Server (\d+)\.(\d+)/.exec(stdout) ?? [];
  const isOld =
    Number(major) < OLDEST_SERVER[0] || (Number(major) === OLDEST_SERVER[0] && Number(minor) < OLDEST_SERVER[1]);
  if (isOld)
    throw new Error(`${path} is "${stdout.trim()}"; server ${OLDEST_SERVER.join('.')} or newer is needed (CLI 1.7.0)`);
}

/** The service that the SDK's `cached-download` asks as well. It publishes no checksums; the transport is TLS. */
async function fetchCli(temporary: string, fetch: Fetch | undefined): Promise<void> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
  const answer = await download(`https://temporal.download/cli/v${TEMPORAL_CLI_VERSION}?${query}`, fetch);
  const { archiveUrl, fileToExtract } = JSON.parse(answer.toString('utf8')) as {
    archiveUrl: string;
    fileToExtract: string;
  };
  await extract(await download(archiveUrl, fetch), temporary);
  const target = join(temporary, executable('temporal'));
  if (join(temporary, fileToExtract) !== target) await rename(join(temporary, fileToExtract), target);
  await chmod(target, 0o755);
  await checkServerVersion(target);
}

async function buildCli(temporary: string, env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  await buildWithGo(
    {
      label: `Temporal CLI ${TEMPORAL_CLI_VERSION}`,
      packages: 1489,
      module: fileURLToPath(new URL('../temporal/', import.meta.url)),
      package: 'github.com/temporalio/cli/cmd/temporal',
      output: join(temporary, executable('temporal')),
      ldflags: `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${TEMPORAL_CLI_VERSION}`,
      env,
    },
    report,
  );
}
