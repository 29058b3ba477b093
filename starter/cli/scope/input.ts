import { UsageError } from '../failing.ts';
import { fileInput, type Json, setAt } from '../input.ts';
import type { Io } from '../io.ts';

/** The input of a request about scopes from a file and from options; an option counts more than the file. */

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
  if (options.set) {
    const [{ setFrom }, { scopeCreationInputSchema }] = await Promise.all([
      import('../set.ts'),
      import('../../../contract/schemas/scope.ts'),
    ]);
    setFrom(input, options.set, scopeCreationInputSchema);
  }
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

function setFields(input: Json, paths: Readonly<Record<string, string>>, options: object): void {
  for (const [option, value] of Object.entries(options)) {
    const path = Object.hasOwn(paths, option) ? paths[option] : undefined;
    if (path !== undefined && value !== undefined) setAt(input, path, value);
  }
}
