import { readFileSync } from 'node:fs';

/** How `npm start` and the image start the worker; both bound its memory. */
export interface WorkerStart {
  /** Variables that are set for it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Options of Node. */
  readonly flags: readonly string[];
}

/** From the script `start` of package.json: variables, `node`, options, program. */
export function workerStart(): WorkerStart {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string };
  };
  const words = scripts.start.split(' ');
  const node = words.indexOf('node');
  return {
    environment: Object.fromEntries(words.slice(0, node).map((word) => word.split('=', 2))),
    flags: words.slice(node + 1).filter((word) => word.startsWith('--')),
  };
}
