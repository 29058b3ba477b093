import { expect, test } from 'vitest';
import { readOptions, WrongUsage } from '../../bench/options.ts';

test.each([
  [[], 'usage: npm run bench -- scope|'],
  [['nonsense'], 'there is no benchmark "nonsense"; usage: '],
  [['scope', 'ip'], 'usage: '],
  [['scope', '--fast'], "Unknown option '--fast'; usage: "],
  [['scope', '--from', 'run.json'], '--from goes with --report'],
  [['scope', '--report', '--quick', '--from', 'run.json'], '--quick does not go with it'],
])('wrong usage %j is told in one line', (args, words) => {
  const read = () => readOptions(args);
  expect(read).toThrow(WrongUsage);
  expect(read).toThrow(words);
  expect(read).not.toThrow('\n');
});

test('what is asked for is read', () => {
  expect(readOptions(['ip', '--json'])).toEqual({ room: 'ip', json: true, quick: false, report: false });
  expect(readOptions(['scope', '--report', '--from', 'run.json'])).toMatchObject({ report: true, from: 'run.json' });
  expect(readOptions(['-h'])).toBe('help');
});
