import type { CellShares, IpPoolMap, MapCell } from '../../contract/ip/inventory.ts';

/** A pool drawn: as lines of text, and as SVG. Pure. */

type State = keyof CellShares;

const COLUMNS = 64;

interface Glyphs {
  /** Of a cell that is in one state altogether. */
  whole: Readonly<Record<State, string>>;
  /** Of a mixed cell, by the share that is not free, from little to nearly all. */
  mixed: readonly string[];
}

const unicode: Glyphs = {
  whole: { free: '·', claims: '█', children: '▣', reserved: '╳', retained: '◆', cooling: '░' },
  mixed: ['▁', '▂', '▃', '▄', '▅', '▆', '▇'],
};
const ascii: Glyphs = {
  whole: { free: '.', claims: '#', children: 'P', reserved: 'x', retained: 'R', cooling: '~' },
  mixed: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
};

const words: Readonly<Record<State, string>> = {
  free: 'free',
  claims: 'claimed',
  children: 'child pool',
  reserved: 'reserved',
  retained: 'retained',
  cooling: 'cooling down',
};
const states = Object.keys(words) as State[];

/** 64 cells a line, each line with its first address; below, what the glyphs mean. */
export function mapLines(map: IpPoolMap, options: { ascii?: boolean } = {}): string[] {
  const glyphs = options.ascii ? ascii : unicode;
  const rows = chunks(map.cells, COLUMNS);
  const labels = rows.map(([first]) => first?.cidr.replace(/\/\d+$/, '') ?? '');
  const width = Math.max(0, ...labels.map((label) => label.length));
  const drawn = rows.map((row, index) => {
    const cells = row.map((cell) => glyphOf(cell, glyphs)).join('');
    return `${(labels[index] ?? '').padEnd(width)}  ${cells}`;
  });
  const known = states.map((state) => `${glyphs.whole[state]} ${words[state]}`).join('   ');
  const mixed = `${glyphs.mixed.join('')} mixed, by share in use`;
  return [...drawn, '', `one cell is a /${map.cellPrefixLength}:   ${known}`, `${' '.repeat(3)}${mixed}`];
}

function glyphOf({ shares }: MapCell, { whole, mixed }: Glyphs): string {
  const only = states.find((state) => shares[state] >= 1);
  if (only) return whole[only];
  const used = 1 - shares.free;
  return mixed[Math.min(mixed.length - 1, Math.floor(used * mixed.length))] ?? whole.claims;
}

const CELL = 12;
const MARGIN = 12;
const HEAD = 44;
const LEGEND = 34;

const colors: Readonly<Record<State, string>> = {
  free: '#eceff1',
  claims: '#1e88e5',
  children: '#7e57c2',
  reserved: '#78909c',
  retained: '#fb8c00',
  cooling: '#90caf9',
};

/** The same as an SVG image; the title of each cell names its block and who holds it. */
export function mapSvg(map: IpPoolMap): string {
  const { pool, cells } = map;
  const { allocatedCIDR, capacity, utilizationPercent } = pool.status;
  const rows = Math.ceil(cells.length / COLUMNS);
  const width = 2 * MARGIN + COLUMNS * CELL;
  const height = HEAD + rows * CELL + LEGEND;
  const title = `${pool.owner}/${pool.name} ${allocatedCIDR}: ${utilizationPercent.toFixed(4)} % of ${capacity.total} addresses, one cell is a /${map.cellPrefixLength}`;
  const drawn = cells.map((cell, index) => {
    const [x, y] = [MARGIN + (index % COLUMNS) * CELL, HEAD + Math.floor(index / COLUMNS) * CELL];
    return `<g transform="translate(${x} ${y})"><title>${escaped(titleOf(cell))}</title>${bars(cell)}</g>`;
  });
  const legend = states.map((state, index) => {
    const x = MARGIN + index * 118;
    return `<rect x="${x}" y="${height - 22}" width="10" height="10" fill="${colors[state]}"/><text x="${x + 15}" y="${height - 13}">${words[state]}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="26" font-size="14">${escaped(title)}</text>`,
    ...drawn,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** Every state of the cell as a bar, from below. */
function bars({ shares }: MapCell): string {
  const side = CELL - 1;
  const used = states.filter((state) => state !== 'free' && shares[state] > 0);
  let top = side;
  const rects = used.map((state) => {
    // A sliver must be seen, and no bar may leave the cell.
    const height = Math.min(top, Math.max(1, Math.round(shares[state] * side * 100) / 100));
    top = Math.round((top - height) * 100) / 100;
    return `<rect y="${top}" width="${side}" height="${height}" fill="${colors[state]}"/>`;
  });
  return [`<rect width="${side}" height="${side}" fill="${colors.free}"/>`, ...rects].join('');
}

function titleOf({ cidr, shares, holder, others }: MapCell): string {
  const parts = states.filter((state) => shares[state] > 0).map((state) => `${percent(shares[state])} ${words[state]}`);
  const who = holder === undefined ? '' : `, ${holder}${others ? ` and ${others} more` : ''}`;
  return `${cidr}: ${parts.join(', ')}${who}`;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 0.01 ? '< 0.01' : Number(value.toFixed(2))} %`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
