// `npm run reliability [-- ROOM]`: puts every activity of the rooms under every fault and writes what was seen into
// docs/reliability.md, a section for each room. Takes minutes; nothing is written when a test fails.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { activitiesOfRooms } from '../test/support/faults/activities.ts';
import { OUTCOMES_FILE, type Outcome } from '../test/support/faults/outcomes.ts';
import { ROOT } from './checks.ts';
import { vitest } from './vitest.ts';

const PAGE = join(ROOT, 'docs/reliability.md');

const INTRODUCTION = `# Reliability

<!-- Written by tools/reliability.ts from what the tests in test/faults saw. -->

What happens when a step runs twice, when its answer is lost, when the worker process is killed with \`kill -9\` around it, and when
a person cancels the run right after it. Each cell stands for tests that passed: after each fault AWS, cluster, DNS and tables were
compared with what must be there. \`npm run reliability\` strikes everything again and writes this page; \`npm test\` takes a telling
part of it, and fails when an activity is missing here.

- *Twice*: every call of a journey takes effect twice. *Answer lost*: the effect is there, the attempt fails.
- *Killed before, after*: a real worker process kills itself with SIGKILL at that boundary, and a second one takes over.
- *Cancelled after*: the run is cancelled when the step has completed. A dash: no run that may be cancelled comes there.
`;

const COLUMNS: readonly { title: string; kind: Outcome['kind'] }[] = [
  { title: 'twice', kind: 'twice' },
  { title: 'answer lost', kind: 'answer-lost' },
  { title: 'killed before', kind: 'killed-before' },
  { title: 'killed after', kind: 'killed-after' },
  { title: 'cancelled after', kind: 'cancelled-after' },
];

/** The section of a room. Cells count the journeys on which the fault was survived. */
function section(room: string, activities: readonly string[], outcomes: readonly Outcome[]): string {
  const cell = (activity: string, kind: Outcome['kind']) => {
    const seen = outcomes.filter((outcome) => outcome.point === activity && outcome.kind === kind);
    const words = [...new Set(seen.map(({ outcome }) => outcome))].sort().join('; ');
    const journeys = new Set(seen.map(({ journey }) => journey)).size;
    return words === '' ? '-' : journeys > 1 ? `${words} (${journeys} journeys)` : words;
  };
  const outages = outcomes
    .filter(({ kind }) => kind === 'outage')
    .toSorted((a, b) => a.point.localeCompare(b.point) || a.journey.localeCompare(b.journey));
  return [
    `## ${room}`,
    '',
    `| activity | ${COLUMNS.map(({ title }) => title).join(' | ')} |`,
    `|---|${COLUMNS.map(() => '---|').join('')}`,
    ...activities.map((name) => `| \`${name}\` | ${COLUMNS.map(({ kind }) => cell(name, kind)).join(' | ')} |`),
    '',
    ...(outages.length === 0 ? [] : ['| outage | when | outcome |', '|---|---|---|']),
    ...outages.map(({ point, journey, outcome }) => `| ${point} | ${journey} | ${outcome} |`),
    '',
  ].join('\n');
}

/** The page with the sections of `rooms` replaced; sections of other rooms stay. */
export function reliabilityPage(before: string, sections: Readonly<Record<string, string>>): string {
  const [, ...kept] = before.split(/^(?=## )/m);
  const all = new Map(kept.map((text) => [/^## (\S+)/.exec(text)?.[1] ?? '', text.trimEnd()]));
  for (const [room, text] of Object.entries(sections)) all.set(room, text.trimEnd());
  return `${[INTRODUCTION.trimEnd(), ...all.values()].join('\n\n')}\n`;
}

async function main(only: string | undefined): Promise<number> {
  const rooms = Object.entries(activitiesOfRooms).filter(([room]) => only === undefined || room === only);
  if (rooms.length === 0) {
    console.error(`there is no room ${only}; there are ${Object.keys(activitiesOfRooms).join(', ')}`);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-outcomes-'));
  try {
    const file = join(folder, 'outcomes.jsonl');
    await writeFile(file, '');
    const code = await vitest(['run', '--project', 'servers', ...rooms.map(([room]) => `test/faults/${room}`)], {
      [OUTCOMES_FILE]: file,
    });
    if (code !== 0) return code;
    const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
    const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
    const sections = rooms.map(([room, activities]) => {
      const own = outcomes.filter((outcome) => outcome.room === room);
      return [room, section(room, activities, own)];
    });
    const before = await readFile(PAGE, 'utf8').catch(() => '');
    await writeFile(PAGE, reliabilityPage(before, Object.fromEntries(sections)));
    console.log(`${outcomes.length} faults survived; docs/reliability.md is written`);
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv[2]);
