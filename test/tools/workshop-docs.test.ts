import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { workshopFailureTypes } from '../../contract/failures.ts';
import * as messages from '../../contract/workshop/messages.ts';
import { workshopAnnotations, workshopLabels } from '../../contract/workshop/objects.ts';
import { scalingEvents } from '../../domain/workshop/events.ts';
import { exitCodeOf } from '../../starter/cli/exit-codes.ts';

/** What docs/operations/workshops.md repeats is compared with the code. */

const read = (path: string) => readFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), path), 'utf8');

/** Cells of the rows below the header that begins with `head`. */
function table(head: string): string[][] {
  const lines = read('docs/operations/workshops.md').split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

test('docs/operations/workshops.md has every failure of a message with its exit code', () => {
  const documented = table('failure').map(([type, , code]) => [type, Number(code)]);
  const failures = workshopFailureTypes.filter((type) => type !== 'InvalidInput');
  expect(documented.sort()).toEqual(failures.map((type) => [type, exitCodeOf(type)]).sort());
});

test('docs/operations/workshops.md names annotations, labels and messages as they are', () => {
  const page = read('docs/operations/workshops.md');
  const known: string[] = [...Object.values(workshopAnnotations), ...Object.values(workshopLabels)];
  const named = [...page.matchAll(/babylon\.gpte\.redhat\.com\/[a-z-]+/g)].map(([name]) => name);
  expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  expect(named).toEqual(expect.arrayContaining([workshopAnnotations.paused, workshopAnnotations.pausedReason]));
  const sent = [...page.matchAll(/^\$ temporal workflow .* --(?:name|type) (\w+)/gm)].map(([, name]) => name);
  const messageNames = Object.values(messages).map(({ name }) => name);
  expect(sent).toHaveLength(3);
  expect(messageNames).toEqual(expect.arrayContaining(sent));
});

test('docs/operations/workshops.md has every event with its type, and every condition', () => {
  expect(table('event').map(([reason, type]) => [reason, type])).toEqual(Object.entries(scalingEvents));
  const written = [...read('domain/workshop/conditions.ts').matchAll(/type(?: =|:) '(\w+)'/g)].map(([, type]) => type);
  expect(
    table('condition')
      .map(([type]) => type)
      .sort(),
  ).toEqual([...new Set(written)].sort());
});

test('docs/operations/workshops.md has every metric of the autoscalers, as /metrics names it', () => {
  const makers = /create(Counter|Gauge|Histogram)\(\s*'([^']+)',(?:\s*'(?:int|float)',)?\s*(?:undefined|'([^']*)')/g;
  const published = [...read('workflows/workshop/metrics.ts').matchAll(makers)].map(([, kind, name, unit]) =>
    kind === 'Counter' ? `${name}_total` : unit === undefined ? name : `${name}_${unit}`,
  );
  expect(published).toHaveLength(8);
  expect(
    table('metric')
      .map(([name]) => name)
      .sort(),
  ).toEqual(published.sort());
});
