import { readFile } from 'node:fs/promises';
import { InvalidInput } from '../../errors.ts';
import { UsageError } from '../failing.ts';
import type { Io } from '../io.ts';

/** The input of a request from a file and from options; an option counts more than the file. */

export type Json = Record<string, unknown>;

/** Options of `scope create` and `scope plan`, as commander names them. */
export interface CreationOptions {
  file?: string;
  id?: string;
  account?: string;
  namespace?: string;
  application?: string;
  scope?: string;
  nrn?: string;
  visibility?: string;
  region?: string;
  environment?: string;
  dnsType?: string;
  domain?: string;
  additionalDomain?: string[];
  zonePublic?: string;
  zonePrivate?: string;
  kubernetesNamespace?: string;
  set?: string[];
}

export interface DeletionOptions {
  file?: string;
  id?: string;
  force?: boolean;
  adopt?: boolean;
  domain?: string;
  region?: string;
  zonePublic?: string;
  zonePrivate?: string;
}

/** Which field an option sets. */
const creationPaths = {
  id: 'scopeId',
  account: 'slugs.account',
  namespace: 'slugs.namespace',
  application: 'slugs.application',
  scope: 'slugs.scope',
  nrn: 'nrn',
  visibility: 'visibility',
  region: 'region',
  environment: 'environment',
  dnsType: 'dnsType',
  domain: 'domain',
  additionalDomain: 'additionalDomains',
  zonePublic: 'hostedZones.public',
  zonePrivate: 'hostedZones.private',
  kubernetesNamespace: 'kubernetes.namespace',
} as const satisfies Partial<Record<keyof CreationOptions, string>>;

const deletionPaths = {
  id: 'scopeId',
  force: 'force',
  adopt: 'adopt',
  domain: 'domain',
  region: 'region',
  zonePublic: 'hostedZones.public',
  zonePrivate: 'hostedZones.private',
} as const satisfies Partial<Record<keyof DeletionOptions, string>>;

export async function creationInput(io: Io, options: CreationOptions): Promise<Json> {
  const input = await fileInput(io, options.file);
  setFields(input, creationPaths, options);
  for (const assignment of options.set ?? []) assign(input, assignment);
  if (Object.keys(input).length === 0)
    throw new UsageError('give the scope by --file FILE (- for stdin) or by options');
  return input;
}

export async function deletionInput(io: Io, options: DeletionOptions): Promise<Json> {
  const input = await fileInput(io, options.file);
  setFields(input, deletionPaths, options);
  if (Object.keys(input).length === 0) throw new UsageError('give the id of the scope, or --file FILE (- for stdin)');
  return input;
}

export async function fileInput(io: Io, path: string | undefined): Promise<Json> {
  if (path === undefined) return {};
  const text = path === '-' ? await everything(io.stdin) : await readInput(path);
  const where = path === '-' ? 'stdin' : path;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    throw InvalidInput.of([{ path: where, message: `is no JSON: ${error instanceof Error ? error.message : error}` }]);
  }
  throw InvalidInput.of([{ path: where, message: 'must hold one JSON object' }]);
}

async function readInput(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    );
  }
}

async function everything(stream: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function setFields(input: Json, paths: Readonly<Record<string, string>>, options: object): void {
  for (const [option, value] of Object.entries(options)) {
    const path = Object.hasOwn(paths, option) ? paths[option] : undefined;
    if (path !== undefined && value !== undefined) setAt(input, path, value);
  }
}

/** `path=value`; the value is read as JSON where it is JSON, and as text otherwise. */
export function assign(input: Json, assignment: string): void {
  const cut = assignment.indexOf('=');
  if (cut < 1)
    throw new UsageError(
      `--set ${assignment}: write it as path=value, for example networking.platform.autocreateEnabled=true`,
    );
  setAt(input, assignment.slice(0, cut), jsonOrText(assignment.slice(cut + 1)));
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function setAt(input: Json, path: string, value: unknown): void {
  const keys = path.split('.');
  if (keys.some((key) => key === '' || key === '__proto__'))
    throw new UsageError(`--set ${path}: that is no path of a field`);
  const last = keys.pop() ?? '';
  let part = input;
  for (const key of keys) {
    const next = Object.hasOwn(part, key) ? part[key] : undefined;
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) {
      part = next as Json;
    } else {
      const made: Json = {};
      part[key] = made;
      part = made;
    }
  }
  part[last] = value;
}
