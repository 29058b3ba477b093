import { describe, expect, test } from 'vitest';
import { barChart } from '../../bench/chart.ts';
import { metricSum } from '../../bench/prometheus.ts';
import { withSection } from '../../bench/report.ts';
import { distribution } from '../../bench/statistics.ts';

describe('a distribution', () => {
  test('names percentiles that were measured, by nearest rank', () => {
    const sample = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(distribution(sample)).toEqual({ count: 200, mean: 100.5, p50: 100, p95: 190, p99: 198, max: 200 });
    expect(distribution([7])).toEqual({ count: 1, mean: 7, p50: 7, p95: 7, p99: 7, max: 7 });
  });

  test('of nothing is an error, not zeros', () => {
    expect(() => distribution([])).toThrow('nothing was measured');
  });
});

test('the samples of a metric are summed, of those labels only, and not of metrics with a longer name', () => {
  const exposition = [
    '# TYPE calls_total counter',
    'calls_total{action="a",outcome="ok"} 2',
    'calls_total{action="b",outcome="ok"} 3',
    'calls_total_more{action="a"} 100',
    'calls_total 0.5',
  ].join('\n');
  expect(metricSum(exposition, 'calls_total')).toBe(5.5);
  expect(metricSum(exposition, 'calls_total', { action: 'a' })).toBe(2);
  expect(metricSum(exposition, 'absent')).toBe(0);
});

test('a section of the page is added once and replaced later; the others stay', () => {
  const first = withSection('# Performance\n', 'scope', '## One\n');
  const both = withSection(first, 'ip', '## Two\n');
  const again = withSection(both, 'scope', '## Three\n');
  expect(again).toContain('## Three');
  expect(again).toContain('## Two');
  expect(again).not.toContain('## One');
  expect(again.match(/bench: scope -->/g)).toHaveLength(2);
});

test('the chart has a bar with its value for every figure, higher for more', () => {
  const chart = barChart({
    title: 'Calls <of> two',
    series: ['ours', 'plain'],
    groups: [{ label: 'N 1', values: [10, 1000] }],
  });
  const heights = [...chart.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)"/g)].map(
    ([, height]) => Number(height),
  );
  // The first two are the legend.
  expect(heights.slice(2)).toHaveLength(2);
  expect(heights[3]).toBeGreaterThan(heights[2] ?? 0);
  expect(chart).toContain('>1000</text>');
  expect(chart).toContain('Calls &lt;of> two');
});
