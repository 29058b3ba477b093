import { readFile } from 'node:fs/promises';
import type { FaultCommand, FaultState } from '../../../sandbox/control.ts';
import type { SandboxRecord } from '../../../sandbox/record.ts';
import type { SandboxStatus } from '../../../sandbox/running.ts';
import type { SandboxOptions } from '../../../sandbox/sandbox.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { AlreadyRunning, UsageError } from '../failing.ts';
import { type Io, writeJson, writeLines } from '../io.ts';
import { shellWord } from '../shell-word.ts';
import { exploringRegion, exploringSettings } from './exploring-region.ts';
import { commandFolder, offerCommand, pathLines } from './own-command.ts';

/** `groundwork sandbox ...` */

interface Named {
  name?: string;
  json?: boolean;
}

export interface UpOptions extends Named {
  persist?: boolean;
  durable?: boolean;
  timeScale: number;
  region: string;
  seed?: string;
  useKubeconfig?: boolean;
}

/** Starts a sandbox in this process, which stays until Ctrl-C. Resolves when it is up. */
export async function up(io: Io, options: UpOptions): Promise<number> {
  const { name, persist, durable, timeScale, region, useKubeconfig } = options;
  const aws = await awsOf(options);
  const [{ up: start }, { status: look }, { setUpDatabase }, { workshopTimingsAt }] = await Promise.all([
    import('../../../sandbox/up.ts'),
    import('../../../sandbox/running.ts'),
    import('../../../worker/setup.ts'),
    import('../../../sandbox/workshop-timings.ts'),
  ]);
  const sandbox = await start({
    ...(name ? { name } : {}),
    ...(persist ? { persist } : {}),
    ...(durable ? { durable } : {}),
    ...(useKubeconfig ? { useKubeconfig } : {}),
    timeScale,
    region,
    environment: { ...exploringSettings(region, timeScale), ...workshopTimingsAt(timeScale) },
    ...aws,
    migrate: setUpDatabase,
  }).catch(async (error: unknown) => {
    throw await startFailure(error, name);
  });
  await offerCommand(await commandFolder(sandbox.name));
  const now = await look(sandbox.name);
  if (now.state === 'running') {
    if (options.json) writeJson(io, now.record);
    else
      writeLines(io.stdout, [
        ...(await recordLines(now.record, io.env)),
        '',
        `# Ctrl-C, or "groundwork sandbox down", stops it.`,
      ]);
  }
  return exitCodes.done;
}

/** What the user names replaces what is kept; the region to explore is there for a first start only. */
export async function awsOf({
  seed,
  region,
}: Pick<UpOptions, 'seed' | 'region'>): Promise<Pick<SandboxOptions, 'aws' | 'awsAtFirst'>> {
  return seed === undefined ? { awsAtFirst: exploringRegion(region) } : { aws: { seed: await readSeedFile(seed) } };
}

/** Another sandbox of that name is for the user to see to; any other failure is told as it is. */
async function startFailure(error: unknown, name = 'default'): Promise<unknown> {
  const { RunFolderBusy } = await import('../../../sandbox/processes/run-folder.ts');
  if (!(error instanceof RunFolderBusy)) return error;
  const down = `groundwork sandbox down${name === 'default' ? '' : ` --name ${name}`}`;
  return new AlreadyRunning(
    `Sandbox ${name} runs in process ${error.owner.pid}: stop it with "${down}", or choose another name with --name.`,
  );
}

async function readSeedFile(path: string) {
  const { readSeed } = await import('../../../sandbox/aws/seed-schema.ts');
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`${path} cannot be read: ${error.message}`);
  });
  try {
    return readSeed(JSON.parse(text));
  } catch (error) {
    throw invalid(path, error);
  }
}

/** Tells about a sandbox that runs in some process. The exit code is 0 only when it is up. */
export async function status(io: Io, options: Named & { env?: boolean }): Promise<number> {
  const { status: look } = await import('../../../sandbox/running.ts');
  const now = await look(options.name);
  if (options.json) writeJson(io, now);
  else if (now.state === 'running') {
    writeLines(io.stdout, await (options.env ? environmentLines : recordLines)(now.record, io.env));
  } else writeLines(options.env ? io.stderr : io.stdout, [stateWords(now, options.name)]);
  if (now.state === 'running') return exitCodes.done;
  return now.state === 'stopped' ? exitCodes.notFound : exitCodes.unavailable;
}

export async function down(io: Io, options: Named): Promise<number> {
  const { down: stop } = await import('../../../sandbox/running.ts');
  const before = await stop(options.name);
  if (options.json) writeJson(io, { before });
  else {
    const words = before.state === 'stopped' ? stateWords(before, options.name) : 'The sandbox is stopped.';
    writeLines(io.stdout, [words]);
  }
  return exitCodes.done;
}

export interface FaultOptions extends Named {
  add?: string[];
  remove?: string[];
  network?: string[];
  cut?: string[];
  clear?: boolean;
}

/** Changes the faults of a running sandbox, in this order: clear, remove, add, network, cut. Then shows them. */
export async function faults(io: Io, options: FaultOptions): Promise<number> {
  const { faults: send, status: look } = await import('../../../sandbox/running.ts');
  const now = await look(options.name);
  if (now.state !== 'running') throw new NotFound(stateWords(now, options.name));
  for (const [where, command] of commandsOf(options)) {
    await send(options.name, command).catch((error: unknown) => {
      throw invalid(where, error);
    });
  }
  const state = await send(options.name);
  if (options.json) writeJson(io, state);
  else writeLines(io.stdout, faultLines(state));
  return exitCodes.done;
}

function commandsOf(options: FaultOptions): [where: string, command: FaultCommand][] {
  return [
    ...(options.clear ? [['--clear', { kind: 'clear' }] satisfies [string, FaultCommand]] : []),
    ...(options.remove ?? []).map((id): [string, FaultCommand] => ['--remove', { kind: 'remove', id }]),
    ...(options.add ?? []).map((text): [string, FaultCommand] => [
      '--add',
      { kind: 'add', rule: json('--add', text) as (FaultCommand & { kind: 'add' })['rule'] },
    ]),
    ...(options.network ?? []).map((text): [string, FaultCommand] => {
      const cut = text.indexOf('=');
      if (cut < 1)
        throw new UsageError(`--network ${text}: write it as PROXY=JSON, for example postgres={"latencyMs":50}`);
      const given = json('--network', text.slice(cut + 1)) as (FaultCommand & { kind: 'tcp' })['faults'];
      return ['--network', { kind: 'tcp', proxy: text.slice(0, cut), faults: given }];
    }),
    ...(options.cut ?? []).map((proxy): [string, FaultCommand] => ['--cut', { kind: 'cut', proxy }]),
  ];
}

function json(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(where, error);
  }
}

function invalid(where: string, error: unknown): InvalidInput {
  const message = error instanceof Error ? error.message : String(error);
  return InvalidInput.of(message.split('\n').map((line) => ({ path: where, message: line })));
}

function stateWords(now: SandboxStatus, name = 'default'): string {
  switch (now.state) {
    case 'running':
      return `Sandbox ${name} is up, in process ${now.record.pid}.`;
    case 'changing':
      return `Sandbox ${name} is starting or stopping, in process ${now.pid}.`;
    case 'orphaned': {
      const left = now.processes.map((process) => `${process.name} (${process.pid})`).join(', ');
      return `Sandbox ${name} is gone but left ${left}. "groundwork sandbox down" stops them.`;
    }
    case 'stopped':
      return `Sandbox ${name} does not run. "groundwork sandbox up" starts it.`;
  }
}

/** Comments and exports, to be read and to be pasted. */
async function recordLines(record: SandboxRecord, env: Io['env']): Promise<string[]> {
  const { addresses, sources } = record;
  return [
    `# Sandbox ${record.name} is up, in process ${record.pid}, since ${record.startedAt}.`,
    ...(addresses.temporalUi ? [`# Temporal UI:  ${addresses.temporalUi}`] : []),
    ...Object.entries(sources).map(([part, source]) => `# ${`${part}:`.padEnd(12)}  ${source}`),
    `# kubectl with all rights: kubectl --kubeconfig ${addresses.kubeconfig.admin}; database: psql "$DATABASE_URL"`,
    '# For worker, temporal, kubectl and groundwork (or: eval "$(groundwork sandbox status --env)"):',
    ...(await environmentLines(record, env)),
  ];
}

async function environmentLines({ environment, name }: SandboxRecord, env: Io['env']): Promise<string[]> {
  return [...exportLines(environment, env), ...pathLines(await commandFolder(name), env)];
}

/** Variables that would lead elsewhere, or say by other means who one is. */
const ELSEWHERE = /^(TEMPORAL_(?!CLI_PATH)|AWS_(?!CA_BUNDLE|SDK_))/;

/** What the shell has set for other servers and accounts is taken out of it first; a Temporal server of the user's keeps its settings. */
export function exportLines(environment: SandboxRecord['environment'], env: Io['env']): string[] {
  const sameTemporal = environment.TEMPORAL_CONFIG_FILE === undefined;
  const others = Object.keys(env)
    .filter((name) => env[name] && ELSEWHERE.test(name) && !Object.hasOwn(environment, name))
    .filter((name) => !(sameTemporal && name.startsWith('TEMPORAL_')));
  const unset = others.length > 0 ? [`unset ${others.sort().join(' ')}`] : [];
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  return [...unset, ...exports];
}

function faultLines({ rules, applied, tcp }: FaultState): string[] {
  return [
    rules.length === 0 ? 'No rule.' : 'Rules:',
    ...rules.map((rule) => `  ${JSON.stringify(rule)}`),
    `Applied: ${applied.length}`,
    ...Object.entries(tcp).map(([proxy, given]) => `Network of ${proxy}: ${JSON.stringify(given)}`),
  ];
}
