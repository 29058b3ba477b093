import { expect, test } from 'vitest';
import { lowestGap } from '../../bench/ip/search.ts';

/** The algorithm that the bench measures beside ours gives what ours gives: the lowest free /28. */

test.each([
  ['an empty pool', [], '10.0.0.0/28'],
  ['after what is held', ['10.0.0.0/28', '10.0.0.16/28'], '10.0.0.32/28'],
  ['a gap, in whatever order the rows come', ['10.0.0.32/28', '10.0.0.0/28'], '10.0.0.16/28'],
  ['not in a gap that is too small', ['10.0.0.0/29', '10.0.0.16/28'], '10.0.0.32/28'],
  ['beyond a large block', ['10.0.0.0/9'], '10.128.0.0/28'],
])('%s', (_, held, gap) => {
  expect(lowestGap('10.0.0.0/8', held)).toBe(gap);
});

test('a full pool is full', () => {
  expect(() => lowestGap('10.0.0.0/27', ['10.0.0.0/28', '10.0.0.16/28'])).toThrow('full');
});
