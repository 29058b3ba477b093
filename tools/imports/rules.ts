/** The direction of imports (design: contract <- domain <- workflows; contract, domain <- activities; then the rest). */

/** Top-level folders with rules of their own. Files elsewhere (`test/`, `bench/`, `tools/`, the root) may import all. */
export type Layer =
  | 'contract'
  | 'domain'
  | 'workflows'
  | 'activities'
  | 'migrations'
  | 'worker'
  | 'starter'
  | 'operations'
  | 'sandbox';

export interface LayerRule {
  /** Layers whose code it may load, besides itself. */
  imports: readonly Layer[];
  /** Layers of which it may use types only. */
  types?: readonly Layer[];
  /** Layers that it may load by `import()` only (their types are free). */
  dynamic?: readonly Layer[];
  /** npm packages it may use; undefined means all except `refused`. */
  packages?: readonly string[];
  /** npm packages it may not load (types are free); a trailing `*` stands for any rest. */
  refused?: readonly string[];
  /** Whether built-in modules of Node may be used. */
  builtins: boolean;
}

/** Packages of the connections: whoever starts workflows needs none of them. */
const CONNECTIONS = ['@aws-sdk/*', '@kubernetes/*', 'pg', 'node-pg-migrate'] as const;

export const RULES: Readonly<Record<Layer, LayerRule>> = {
  contract: { imports: [], packages: ['zod', '@temporalio/common', '@temporalio/workflow'], builtins: false },
  domain: { imports: ['contract'], packages: ['@noble/hashes'], builtins: false },
  workflows: {
    imports: ['contract', 'domain'],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    builtins: false,
  },
  activities: {
    imports: ['contract', 'domain'],
    refused: ['@temporalio/workflow', '@temporalio/worker'],
    builtins: true,
  },
  migrations: { imports: [], builtins: true },
  worker: { imports: ['contract', 'domain', 'workflows', 'activities', 'migrations'], builtins: true },
  starter: { imports: ['contract', 'operations'], refused: ['@temporalio/worker', ...CONNECTIONS], builtins: true },
  // Commands that run parts of the platform load them only when called, so that the others start fast.
  operations: {
    imports: ['contract', 'starter'],
    dynamic: ['worker', 'sandbox'],
    refused: [...CONNECTIONS],
    builtins: true,
  },
  sandbox: {
    imports: ['contract', 'domain', 'activities', 'migrations', 'worker', 'starter', 'operations'],
    builtins: true,
  },
};

const OPERATIONS = 'starter/cli/operations/';

/** The layer that holds a file (path from the root, forward slashes); undefined for files without rules. */
export function layerOf(path: string): Layer | undefined {
  if (path.startsWith(OPERATIONS)) return 'operations';
  const top = path.slice(0, Math.max(path.indexOf('/'), 0));
  return Object.hasOwn(RULES, top) ? (top as Layer) : undefined;
}

/** Folders that hold the layers. */
export const LAYER_FOLDERS = [
  'contract',
  'domain',
  'workflows',
  'activities',
  'migrations',
  'worker',
  'starter',
  'sandbox',
];

/** Helpers that no layer may use, because they are not shipped. */
export const UNSHIPPED_FOLDERS: readonly string[] = ['test', 'bench', 'tools'];

/** zod is confined to this folder: everything else of the contract is plain types and names. */
export const SCHEMA_FOLDER = 'contract/schemas/';

/** What the workflow bundle may hold besides our own code. Reached over any number of imports from `workflows/`. */
export const BUNDLED_PACKAGES: readonly string[] = ['@temporalio/workflow', '@temporalio/common', '@noble/hashes'];

/** Files that may name one module which their layer may not: the launcher finds the compiled program, or the sources. */
export const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'starter/cli/bin.js': ['tools/ensure-dependencies.mjs'],
};
