// Holds the direction of imports (tools/imports/rules.ts). Optional argument: another root folder.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkImports } from './imports/check.ts';

const root = process.argv[2] === undefined ? fileURLToPath(new URL('..', import.meta.url)) : resolve(process.argv[2]);
const violations = checkImports(root);
for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
console.log(
  violations.length === 0
    ? 'Every import points in its direction.'
    : `${violations.length} imports point in a wrong direction.`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
