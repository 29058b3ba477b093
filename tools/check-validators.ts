// Update validators must be synchronous: the server waits for the answer inside a workflow task, and a promise counts as
// "accepted" whatever it turns into. Optional argument: another root folder.
import { posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNode, lineOf, parseFile, type SyntaxNode, sourceFiles, walk } from './imports/read.ts';

interface Finding {
  file: string;
  line: number;
  message: string;
}

/** Async validators in `workflows/` below `root`, also those that a handler names and that stand elsewhere. */
export function asyncValidators(root: string): Finding[] {
  return sourceFiles(root, 'workflows').flatMap((file) => {
    const { program, text } = parseFile(root, file);
    const found: Finding[] = [];
    walk(program, (node) => {
      if (node.type !== 'Property' || !isNode(node.key) || node.key.name !== 'validator' || !isNode(node.value)) return;
      const declaration = node.value.type === 'Identifier' ? declared(root, file, String(node.value.name)) : node.value;
      if (declaration?.async === true) {
        found.push({ file, line: lineOf(text, node.start), message: 'an update validator must not be async' });
      }
    });
    return found;
  });
}

/** The function that `name` stands for in `file`, followed through imports from our own files. */
function declared(root: string, file: string, name: string, seen = new Set<string>()): SyntaxNode | undefined {
  if (seen.has(`${file}#${name}`) || !file.endsWith('.ts')) return undefined;
  seen.add(`${file}#${name}`);
  let result: SyntaxNode | undefined;
  let elsewhere: { file: string; name: string } | undefined;
  walk(parseFile(root, file).program, (node) => {
    if (node.type === 'FunctionDeclaration' && isNode(node.id) && node.id.name === name) result = node;
    if (node.type === 'VariableDeclarator' && isNode(node.id) && node.id.name === name && isNode(node.init))
      result = node.init;
    if (node.type === 'ImportDeclaration' && isNode(node.source) && Array.isArray(node.specifiers)) {
      const specifier = node.specifiers.find((one: SyntaxNode) => isNode(one.local) && one.local.name === name);
      const source = String(node.source.value);
      if (specifier !== undefined && source.startsWith('.')) {
        const exported = isNode(specifier.imported) ? String(specifier.imported.name) : name;
        elsewhere = { file: posix.join(posix.dirname(file), source), name: exported };
      }
    }
  });
  return result ?? (elsewhere === undefined ? undefined : declared(root, elsewhere.file, elsewhere.name, seen));
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] === self) {
  const root = process.argv[2] === undefined ? resolve(self, '../..') : resolve(process.argv[2]);
  const found = asyncValidators(root);
  for (const { file, line, message } of found) console.error(`${file}:${line}: ${message}`);
  console.log(
    found.length === 0 ? 'Every update validator is synchronous.' : `${found.length} update validators are async.`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}
