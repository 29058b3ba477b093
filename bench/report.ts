import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchRun } from './bench.ts';

const PAGE = 'performance.md';
const path = (file: string) => fileURLToPath(new URL(`../docs/${file}`, import.meta.url));

const HEAD = `# Performance

What Groundwork costs, measured. Every section is written by a program from one run, under the machine and the versions that it
names; run it yourself and the page shows your figures. A benchmark counts before it times: what was started is finished, nothing
exists twice, no balancer is over its threshold, and otherwise there are no figures at all.
`;

/** Writes the section of this run into docs/performance.md and its charts beside it; the other sections stay. Answers the files. */
export async function writeReport<Run extends BenchRun>(bench: Bench<Run>, run: Run): Promise<string[]> {
  const before = await readFile(path(PAGE), 'utf8').catch(() => HEAD);
  const files = { [PAGE]: withSection(before, run.bench, bench.section(run)), ...bench.charts(run) };
  for (const [file, text] of Object.entries(files)) await writeFile(path(file), text);
  return Object.keys(files).map((file) => `docs/${file}`);
}

/** The page with the section of this name replaced, or added at the end. */
export function withSection(page: string, name: string, section: string): string {
  const [from, to] = [`<!-- bench: ${name} -->`, `<!-- end of bench: ${name} -->`];
  const start = page.indexOf(from);
  const end = page.indexOf(to);
  const text = `${from}\n${section.trim()}\n${to}`;
  if (start === -1 || end === -1) return `${page.trimEnd()}\n\n${text}\n`;
  return page.slice(0, start) + text + page.slice(end + to.length);
}
