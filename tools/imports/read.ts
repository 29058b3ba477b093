import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';

/** A node of the syntax tree (ESTree with TypeScript's additions). */
export interface SyntaxNode {
  type: string;
  start: number;
  [field: string]: unknown;
}

/** How one file names another module. */
export interface ModuleReference {
  /** As written; undefined when a dynamic import computes it. */
  specifier: string | undefined;
  /**
   * `type` vanishes when compiled: `import type`, `export type ... from`, `import('x').T`. An `import { type T }` does
   * not: under `verbatimModuleSyntax` the module is still loaded.
   */
  kind: 'value' | 'type' | 'dynamic';
  /** Counted from 1. */
  line: number;
}

const SOURCE = /\.(?:[cm]?js|[cm]?ts)$/;
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage']);

/** Source files below `folder`, as paths relative to `root` with forward slashes, sorted. Empty when it does not exist. */
export function sourceFiles(root: string, folder: string): string[] {
  const top = join(root, folder);
  let entries: ReturnType<typeof listing>;
  try {
    entries = listing(top);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => NOT_OURS.has(part)))
    .sort();
}

function listing(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true });
}

/** Parses a file. Throws an Error that names the first syntax error. */
export function parseFile(root: string, path: string): { program: SyntaxNode; text: string } {
  const text = readFileSync(join(root, path), 'utf8');
  const { program, errors } = parseSync(path, text);
  const [first] = errors;
  if (first !== undefined) throw new Error(`${path} cannot be parsed: ${first.message}`);
  return { program: program as unknown as SyntaxNode, text };
}

/** Calls `visit` for every node, parents first. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Everything that `path` imports or re-exports. */
export function references(root: string, path: string): ModuleReference[] {
  const { program, text } = parseFile(root, path);
  const found: ModuleReference[] = [];
  const add = (node: SyntaxNode, source: unknown, kind: ModuleReference['kind']) =>
    found.push({ specifier: literal(source), kind, line: lineOf(text, node.start) });
  walk(program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        add(node, node.source, node.importKind === 'type' ? 'type' : 'value');
        break;
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (isNode(node.source)) add(node, node.source, node.exportKind === 'type' ? 'type' : 'value');
        break;
      case 'ImportExpression':
        add(node, node.source, 'dynamic');
        break;
      case 'TSImportType':
        add(node, node.source ?? node.argument, 'type');
        break;
      case 'CallExpression':
        if (isNode(node.callee) && node.callee.type === 'Identifier' && node.callee.name === 'require')
          add(node, (node.arguments as unknown[])[0], 'value');
        break;
    }
  });
  return found;
}

function literal(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'TSLiteralType') return literal(node.literal);
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
