/** Grouped bars on a logarithmic scale as an SVG that is readable on light and dark pages. */

export interface BarChart {
  readonly title: string;
  /** Names of the bars of each group, at most four. */
  readonly series: readonly string[];
  readonly groups: readonly { readonly label: string; readonly values: readonly number[] }[];
}

const WIDTH = 860;
const HEIGHT = 380;
const PLOT = { left: 56, right: 16, top: 64, bottom: 48 } as const;
const COLORS = ['#2f6fde', '#d9822b', '#8a8f98', '#2e9e6b'];
const GAP = 0.25;
const LEGEND = 195;

export function barChart({ title, series, groups }: BarChart): string {
  const decades = Math.ceil(Math.log10(Math.max(10, ...groups.flatMap(({ values }) => values))));
  const floor = HEIGHT - PLOT.bottom;
  const y = (value: number) => floor - (Math.log10(Math.max(1, value)) / decades) * (floor - PLOT.top);
  const slot = (WIDTH - PLOT.left - PLOT.right) / groups.length;
  const bar = (slot * (1 - GAP)) / series.length;

  const grid = Array.from({ length: decades + 1 }, (_, power) => {
    const at = y(10 ** power);
    return `<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${fixed(at)}" y2="${fixed(at)}"/>${text(PLOT.left - 8, at + 4, (10 ** power).toLocaleString('en-US'), 'end')}`;
  });
  const bars = groups.flatMap(({ label, values }, group) => {
    const left = PLOT.left + slot * group + (slot * GAP) / 2;
    return [
      ...values.map((value, index) => {
        const x = left + bar * index;
        const top = y(value);
        return `<rect x="${fixed(x)}" y="${fixed(top)}" width="${fixed(bar - 2)}" height="${fixed(floor - top)}" fill="${COLORS[index]}"/>${text(x + bar / 2 - 1, top - 4, String(value), 'middle')}`;
      }),
      text(left + (slot * (1 - GAP)) / 2, floor + 18, label, 'middle'),
    ];
  });
  const legend = series.flatMap((name, index) => [
    `<rect x="${PLOT.left + index * LEGEND}" y="34" width="12" height="12" fill="${COLORS[index]}"/>`,
    text(PLOT.left + index * LEGEND + 18, 44, name, 'start'),
  ]);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:11px system-ui,sans-serif;fill:#3b4048}.title{font-size:14px;font-weight:600}.grid{stroke:#8a8f98;stroke-opacity:.3}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>',
    `<text class="title" x="${PLOT.left}" y="20">${escaped(title)}</text>`,
    ...legend,
    ...grid,
    ...bars,
    '</svg>',
  ].join('\n')}\n`;
}

const fixed = (value: number) => value.toFixed(1);
const escaped = (words: string) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}
