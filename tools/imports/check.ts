import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { type ModuleReference, references, sourceFiles } from './read.ts';
import {
  BUNDLED_PACKAGES,
  EXCEPTIONS,
  LAYER_FOLDERS,
  type Layer,
  layerOf,
  RULES,
  SCHEMA_FOLDER,
  UNSHIPPED_FOLDERS,
} from './rules.ts';

export interface Violation {
  /** Path from the root, forward slashes. */
  file: string;
  line: number;
  message: string;
}

type Target = { kind: 'own'; path: string } | { kind: 'package'; name: string } | { kind: 'builtin'; name: string };

interface Import extends Pick<ModuleReference, 'kind' | 'line'> {
  /** Undefined when a dynamic import computes it. */
  target: Target | undefined;
}

/** Every import in the layers below `root` that points in a direction or at a package it must not. */
export function checkImports(root: string): Violation[] {
  const files = LAYER_FOLDERS.flatMap((folder) => sourceFiles(root, folder));
  const graph = new Map(files.map((file) => [file, importsOf(root, file)]));
  const violations = files.flatMap((file) =>
    (graph.get(file) ?? []).flatMap((found) => {
      const message = objection(file, found);
      return message === undefined ? [] : [{ file, line: found.line, message }];
    }),
  );
  return [...violations, ...bundleViolations(graph)];
}

function importsOf(root: string, file: string): Import[] {
  return references(root, file).map(({ specifier, kind, line }) => ({
    kind,
    line,
    target: specifier === undefined ? undefined : targetOf(file, specifier),
  }));
}

function targetOf(file: string, specifier: string): Target {
  if (specifier.startsWith('.')) return { kind: 'own', path: posix.join(posix.dirname(file), specifier) };
  if (specifier.startsWith('node:')) return { kind: 'builtin', name: specifier };
  const [scope = '', name] = specifier.split('/');
  if (builtinModules.includes(specifier)) return { kind: 'builtin', name: specifier };
  return { kind: 'package', name: scope.startsWith('@') ? `${scope}/${name ?? ''}` : scope };
}

/** Why `file` must not have this import; undefined when it may. */
function objection(file: string, { kind, target }: Import): string | undefined {
  const layer = layerOf(file);
  if (layer === undefined) return undefined;
  const rule = RULES[layer];
  if (target === undefined) {
    return rule.builtins ? undefined : `${layer} must not compute what it imports`;
  }
  if (target.kind === 'builtin') {
    return rule.builtins ? undefined : `${layer} must not import the built-in module ${target.name}`;
  }
  if (target.kind === 'package') return packageObjection(file, layer, target.name, kind);
  if (EXCEPTIONS[file]?.includes(target.path)) return undefined;
  return ownObjection(layer, target.path, kind);
}

function packageObjection(file: string, layer: Layer, name: string, kind: Import['kind']): string | undefined {
  const { packages, refused = [] } = RULES[layer];
  if (packages !== undefined && !packages.includes(name)) return `${layer} must not import the package ${name}`;
  if (layer === 'contract' && name === 'zod' && !file.startsWith(SCHEMA_FOLDER)) {
    return `only ${SCHEMA_FOLDER} may import the package zod`;
  }
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  return kind !== 'type' && refused.some(matches) ? `${layer} must not load the package ${name}` : undefined;
}

function ownObjection(layer: Layer, path: string, kind: Import['kind']): string | undefined {
  if (path.startsWith('../')) return `${layer} must not import ${path}, which is outside the repository`;
  const top = path.split('/')[0] ?? '';
  if (UNSHIPPED_FOLDERS.includes(top)) return `${layer} must not import ${path}: ${top}/ is not shipped`;
  const other = layerOf(path);
  if (other === undefined || other === layer) return undefined;
  const { imports, types = [], dynamic = [] } = RULES[layer];
  if (imports.includes(other)) return undefined;
  if (kind === 'type' && (types.includes(other) || dynamic.includes(other))) return undefined;
  if (kind === 'dynamic' && dynamic.includes(other)) return undefined;
  if (types.includes(other)) return `${layer} may reach ${other} with "import type" only (${path})`;
  if (dynamic.includes(other)) return `${layer} may load ${other} with "import()" only (${path})`;
  return `${layer} must not import ${other} (${path})`;
}

/** Follows the code that ends up in the workflow bundle; each import that may not be in it is reported with its way. */
function bundleViolations(graph: ReadonlyMap<string, readonly Import[]>): Violation[] {
  const ways = new Map<string, string[]>();
  const queue = [...graph.keys()].filter((file) => layerOf(file) === 'workflows');
  for (const file of queue) ways.set(file, [file]);
  const violations: Violation[] = [];
  for (const file of queue) {
    const way = ways.get(file) ?? [file];
    for (const { kind, line, target } of graph.get(file) ?? []) {
      if (kind === 'type' || target === undefined) continue;
      if (target.kind === 'own') {
        if (ways.has(target.path)) continue;
        ways.set(target.path, [...way, target.path]);
        queue.push(target.path);
      } else if (target.kind === 'builtin' || !BUNDLED_PACKAGES.includes(target.name)) {
        // Without a way in between, the rule of the layer has said it already.
        if (way.length > 1)
          violations.push({
            file,
            line,
            message: `${target.name} would enter the workflow bundle: ${way.join(' -> ')}`,
          });
      }
    }
  }
  return violations;
}
