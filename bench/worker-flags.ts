import { readFileSync } from 'node:fs';

/** The options of Node that `npm start` and the image give the worker: they bound its memory. */
export function workerFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string };
  };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
