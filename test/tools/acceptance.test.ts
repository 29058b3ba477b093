import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The acceptance table of scope creation: each row's ids stand at the beginning of the name of at least one test ("S20, S48: ..."). */

const ROWS = `
S1 | S2 S3 | S4 | S5 | S6 S7 S8 | S11 S12 | S13 | S14 | S15 | S17 | S18 | S19 | S20 | S21 S22 | S23 | S25 | S26 S27 | S28 S29 S32 | S31 | S33
S34 | S35 | S36 S37 | S38 | S39 S40 | S41 S42 | S43 S56 | S44 | S46 S47 S48 | S50 S51 | S52 S55 | S53 S54 | S57 S58 | S60 | S61 S66 | S63 S65
S67 S68 | S69 S70 | S71 S72 | S75 S76 | S74 S77 | S81 | S82 S83 | S85 S86 | S87 | N1 | N2 | N3 | N4 | N5 | N6 | N7 | N8 | N9 | N10 | N11 N12
N13 | N14 | N15 | N16 N17 | N18
`;
const rows = ROWS.trim()
  .split(/\n|\|/)
  .map((row) => row.trim().split(' '));

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const sources = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && /[\\/]scope[\\/]/.test(name))
  .map((name) => readFileSync(join(ROOT, name), 'utf8'));

/** Ids in front of a test's name, also after a semicolon when one test stands for two rows: "S50: ...; S51: ...". */
const named = new Set(
  sources
    .flatMap((source) => [...source.matchAll(/(?:['"`(]|; )((?:[SN]\d+(?:, )?)+): /g)])
    .flatMap(([, ids = '']) => ids.split(', ')),
);

test('the table has 61 rows', () => {
  expect(rows).toHaveLength(61);
});

test('every row of the acceptance table has a test', () => {
  expect(rows.flat().filter((id) => !named.has(id))).toEqual([]);
});

test('no test is named after a row that does not exist', () => {
  expect([...named].filter((id) => !rows.flat().includes(id))).toEqual([]);
});
