import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { reliabilityPage } from '../../tools/reliability.ts';
import { activitiesOfRooms } from '../support/faults/activities.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/reliability.md', import.meta.url)), 'utf8');

/** Cells of the first table of a room's section. */
function rows(room: string): string[][] {
  const [, text = ''] = page.split(`\n## ${room}\n`);
  const [table = ''] = text.trimStart().split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

describe('docs/reliability.md', () => {
  test.each(Object.entries(activitiesOfRooms))(
    'speaks of every activity of the room %s, in their order',
    (room, activities) => {
      expect(rows(room).map(([name]) => name)).toEqual(activities);
    },
  );

  test.each(Object.keys(activitiesOfRooms))(
    'has an outcome for every fault of every activity of the room %s',
    (room) => {
      const missing = rows(room).filter(([, ...cells]) =>
        cells.slice(0, 4).some((cell) => cell === '' || cell === '-'),
      );
      expect(missing).toEqual([]);
    },
  );

  test('keeps the sections of rooms that were not struck again', () => {
    const before = '# Old\n\n## ip\n\nkept\n\n## scope\n\nold\n';
    const after = reliabilityPage(before, { scope: '## scope\n\nnew\n' });
    expect(after).toMatch(/^# Reliability\n[\s\S]*\n## ip\n\nkept\n\n## scope\n\nnew\n$/);
  });
});
