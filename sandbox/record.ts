import { readFile, rename, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { sandboxNameProblem } from '../starter/cli/sandbox-name.ts';
import { cacheRoot } from './binaries/cache.ts';

/** Addresses of a running sandbox, for people and programs. A part of the user's may have no such address. */
export interface SandboxAddresses {
  /** host:port, through the TCP proxy for a server of ours. */
  readonly temporal: string;
  readonly temporalNamespace: string;
  readonly temporalUi?: string;
  /** The Groundwork database, through the TCP proxy for a server of ours. */
  readonly postgres: string;
  /** kube-apiserver through the fault proxy; absent for a cluster of the user's. */
  readonly kubernetes?: string;
  readonly kubeconfig: { readonly admin: string; readonly worker: string };
  readonly aws: string;
  /** Takes fault commands, see control.ts. */
  readonly control: string;
  /** The same servers past the proxies. */
  readonly direct: { readonly temporal: string; readonly postgres: string; readonly kubernetes?: string };
}

/** What `sandbox.json` in the run folder holds, so that another process can find the sandbox. */
export interface SandboxRecord {
  readonly name: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly addresses: SandboxAddresses;
  readonly environment: Readonly<Record<string, string>>;
  /** Where each part comes from, in words. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Names the sandbox whose environment a shell has. */
export const SANDBOX_VARIABLE = 'GROUNDWORK_SANDBOX';

/**
 * Takes the servers of a sandbox out of `env`, where the shell was told that sandbox's environment: they are no servers of the
 * user's for another one. What the user has set since to lead elsewhere stays. Answers the name of the sandbox.
 */
export function forgetSandbox(env: NodeJS.ProcessEnv): string | undefined {
  const name = env[SANDBOX_VARIABLE];
  if (!name) return undefined;
  const otherTemporal = env.TEMPORAL_ADDRESS && !isOfSandbox(env.TEMPORAL_ADDRESS, env);
  for (const [variable, value = ''] of Object.entries(env)) {
    const server = /^(TEMPORAL_(?!CLI_PATH)|(GROUNDWORK_)?DATABASE_URL$|KUBECONFIG$)/.test(variable);
    // The settings of a Temporal server go with its address.
    const withAddress = variable.startsWith('TEMPORAL_') && !otherTemporal;
    if (server && (withAddress || isOfSandbox(value, env))) delete env[variable];
  }
  delete env[SANDBOX_VARIABLE];
  return name;
}

/**
 * A sandbox listens on this address, and has its files in the cache. Its record says no more: it is gone with the sandbox, and a
 * later one of the same name has other ports.
 */
function isOfSandbox(value: string, env: NodeJS.ProcessEnv): boolean {
  return /^(\w+:\/\/([^/]*@)?)?127\.0\.0\.1:\d+([/?]|$)/.test(value) || value.startsWith(join(cacheRoot(env), sep));
}

/** `<cache>/run/<name>`. Throws where the name is none of a sandbox. */
export function runFolder(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const problem = sandboxNameProblem(name);
  if (problem) throw new Error(`the name of a sandbox ${problem}, got "${name}"`);
  return join(cacheRoot(env), 'run', name);
}

export async function writeRecord(folder: string, record: SandboxRecord): Promise<void> {
  const file = join(folder, 'sandbox.json');
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export async function readRecord(folder: string): Promise<SandboxRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'sandbox.json'), 'utf8')) as SandboxRecord;
  } catch {
    return undefined;
  }
}
