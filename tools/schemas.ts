// Writes contract/schemas/json: one JSON Schema (draft 2020-12) for each object that contract/schemas/*.ts exports under a
// name that ends in Schema, for callers in other languages. With --check it writes nothing and fails when a file is
// missing, outdated or left over.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';

const SOURCES = fileURLToPath(new URL('../contract/schemas', import.meta.url));
const TARGET = join(SOURCES, 'json');
const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** `scopeCreationInputSchema` is published as `scope-creation-input`. */
function publishedName(exportName: string): string {
  return exportName.replace(/Schema$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isPublished(exportName: string, value: unknown): value is z.ZodType {
  return exportName.endsWith('Schema') && (value instanceof z.ZodObject || value instanceof z.ZodUnion);
}

/** File name to text, for every published schema. Throws when two share a name or one cannot be said in JSON Schema. */
async function expected(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const source of (await readdir(SOURCES)).filter((name) => name.endsWith('.ts')).sort()) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(SOURCES, source)).href);
    for (const [exportName, value] of Object.entries(module)) {
      if (!isPublished(exportName, value)) continue;
      const name = publishedName(exportName);
      if (files.has(`${name}.json`)) throw new Error(`contract/schemas exports two schemas named ${name}`);
      // The caller's side of the schema: defaults may be left out, unknown fields are allowed.
      const { $schema: _, ...schema } = z.toJSONSchema(value, { io: 'input' });
      files.set(`${name}.json`, `${JSON.stringify({ $schema: DRAFT, title: name, ...schema }, null, 2)}\n`);
    }
  }
  return files;
}

async function present(): Promise<Map<string, string>> {
  await mkdir(TARGET, { recursive: true });
  const names = (await readdir(TARGET)).filter((name) => name.endsWith('.json'));
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(TARGET, name), 'utf8')] as const)),
  );
}

const [wanted, found] = await Promise.all([expected(), present()]);
const differing = [...wanted].filter(([name, text]) => found.get(name) !== text);
const leftOver = [...found.keys()].filter((name) => !wanted.has(name));

if (process.argv.includes('--check')) {
  for (const [name] of differing)
    console.error(`contract/schemas/json/${name} is ${found.has(name) ? 'outdated' : 'missing'}`);
  for (const name of leftOver) console.error(`contract/schemas/json/${name} has no source`);
  const wrong = differing.length + leftOver.length;
  console.log(
    wrong === 0 ? `${wanted.size} JSON Schemas match their sources.` : 'Run `npm run schemas` and commit the result.',
  );
  process.exitCode = wrong === 0 ? 0 : 1;
} else {
  for (const [name, text] of differing) await writeFile(join(TARGET, name), text);
  for (const name of leftOver) await rm(join(TARGET, name));
  console.log(
    `${wanted.size} JSON Schemas in contract/schemas/json, ${differing.length} written, ${leftOver.length} removed.`,
  );
}
