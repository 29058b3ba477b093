import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The acceptance tables of the specifications: the ids of each row stand at the beginning of the name of at least one test. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function sources(of: RegExp): string[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => of.test(name))
    .map((name) => readFileSync(join(ROOT, name), 'utf8'));
}

/** Creation of scopes ("S20, S48: ..."). */
const SCOPE_ROWS = `
S1 | S2 S3 | S4 | S5 | S6 S7 S8 | S11 S12 | S13 | S14 | S15 | S17 | S18 | S19 | S20 | S21 S22 | S23 | S25 | S26 S27 | S28 S29 S32 | S31 | S33
S34 | S35 | S36 S37 | S38 | S39 S40 | S41 S42 | S43 S56 | S44 | S46 S47 S48 | S50 S51 | S52 S55 | S53 S54 | S57 S58 | S60 | S61 S66 | S63 S65
S67 S68 | S69 S70 | S71 S72 | S75 S76 | S74 S77 | S81 | S82 S83 | S85 S86 | S87 | N1 | N2 | N3 | N4 | N5 | N6 | N7 | N8 | N9 | N10 | N11 N12
N13 | N14 | N15 | N16 N17 | N18
`;

/** Workshops ("W5 E2 ..."): acceptance rows, edge rules and regressions. */
const WORKSHOP_ROWS = `
W1 | W2 | W3 | W4 | W5 | W6 | W7 | W8 | W9 | W10 | W11 | W13 | W14 | W15 | W16 | W20 | W21 | W22 | W23 | W24 | W25 | W26 | W27 | W28 | W29 | W30
W31 | W32 | W33 | W34 | W35 | W36 | W37 | W38 | W39 | W40 | W41 | W42 | W43 | W44 | W46 | W47 | W48 | W49 | W50 | W55 | W56 | W60 | W61 | W62 | W63
W64 | W65 | W67 | W68 | W69 | W70 | W71 | W73 | W74 | W75 | W76 | W77 | W78 | W79 | W81 | W82 | W83 | W84 | W85
E1 | E2 | E3 | E4 E5 | E6 E7 | E8 E9 | E10 E11 E12 | E13 E14 | E15 | E16 E17 | E18 | E19 E20 | E21 E22 E23 | E24 | E25 E26 | E27 | E28 E29 | E30 E31
E32 E33 | E34 | E35 | E36 | E37 E38 | E39 | E40 E41 | E42
R1 | R2 | R3 | R4 | R5 | R6 | R7 | R8 | R9 | R10 | R11 | R12 | R13 | R14 | R15
`;

/** Ids in front of a test's name, also after a semicolon when one test stands for two rows: "S50: ...; S51: ...". */
const scopeNames = (source: string) =>
  [...source.matchAll(/(?:['"`(]|; )((?:[SN]\d+(?:, )?)+): /g)].flatMap(([, ids = '']) => ids.split(', '));

const workshopNames = (source: string) =>
  [...source.matchAll(/['"`]((?:(?:[WER]\d+|\d)[: ]+)+)/g)].flatMap(([, ids = '']) => ids.match(/[WER]\d+/g) ?? []);

describe.each([
  { name: 'scope creation', table: SCOPE_ROWS, rows: 61, of: /[\\/]scope[\\/].*\.test\.ts$/, idsIn: scopeNames },
  {
    name: 'workshop autoscaling',
    table: WORKSHOP_ROWS,
    rows: 70 + 26 + 15,
    of: /workshop(?:[\\/].*|\.test)\.ts$/,
    idsIn: workshopNames,
  },
])('the acceptance table of $name', ({ table, rows: number, of, idsIn }) => {
  const rows = table
    .trim()
    .split(/\n|\|/)
    .map((row) => row.trim().split(' '));
  const named = new Set(sources(of).flatMap(idsIn));

  test(`has ${number} rows`, () => {
    expect(rows).toHaveLength(number);
  });

  test('has a test for every row', () => {
    expect(rows.flat().filter((id) => !named.has(id))).toEqual([]);
  });

  test('has every row that a test is named after', () => {
    expect([...named].filter((id) => !rows.flat().includes(id))).toEqual([]);
  });
});
