import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Report } from '../binaries/progress.ts';
import type { AwsSeed } from './seed-schema.ts';
import { type AwsEndpoint, type AwsEndpointOptions, startAwsEndpoint } from './server.ts';

/** What a process that is killed may lose of the state of AWS: this, and the time of a write. */
const EVERY_MS = 1_000;

export interface KeptAwsOptions extends AwsEndpointOptions {
  /** Keeps the state, for the next start. */
  readonly file: string;
  /** What AWS holds when nothing is kept. `seed` is what somebody names now: it replaces what is kept. */
  readonly atFirst?: AwsSeed;
  readonly report: Report;
  /** Milliseconds between two looks at whether the state has changed. */
  readonly everyMs?: number;
}

/**
 * An AWS endpoint that goes on with the state of the last one: it is written to the file while it runs, whenever it has
 * changed, and once more by `close`. Throws one line that names the file when that holds no state.
 */
export async function startKeptAwsEndpoint(options: KeptAwsOptions): Promise<AwsEndpoint> {
  const { file, atFirst, report, everyMs = EVERY_MS, ...rest } = options;
  const kept = rest.seed === undefined ? await readKept(file) : undefined;
  const seed = rest.seed ?? (kept === undefined ? atFirst : undefined);
  const endpoint = await startAwsEndpoint({ ...rest, ...(seed && { seed }) });
  if (kept !== undefined) await restore(endpoint, kept, file);
  const keeper = keep(() => JSON.stringify(endpoint.dump()), { file, report, everyMs });
  return {
    ...endpoint,
    close: async () => {
      await endpoint.close(); // first, so that the last writing has all that it answered
      await keeper.close();
    },
  };
}

async function readKept(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function restore(endpoint: AwsEndpoint, kept: string, file: string): Promise<void> {
  try {
    endpoint.seed(JSON.parse(kept) as AwsSeed);
  } catch (cause) {
    await endpoint.close();
    const [reason, ...others] = (cause as Error).message.split('\n');
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new Error(`the state of AWS in ${file} cannot be read: ${reason}${more}; remove that file to begin anew`, {
      cause,
    });
  }
}

interface Keeper {
  /** Writes for the last time. Rejects when that fails. */
  close(): Promise<void>;
}

/** The file is replaced as a whole, one write at a time; of failures that follow each other the first is reported. */
function keep(state: () => string, to: { file: string; report: Report; everyMs: number }): Keeper {
  const { file, report, everyMs } = to;
  let written: string | undefined;
  let failing = false;
  let underWay: Promise<void> | undefined;
  const write = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
    written = text;
  };
  const look = async () => {
    try {
      const text = state();
      if (text === written) return;
      await write(text);
      failing = false;
    } catch (error) {
      if (!failing) report(`The state of AWS is not kept at the moment: ${(error as Error).message}`);
      failing = true;
    }
  };
  const start = () => {
    underWay ??= look().finally(() => {
      underWay = undefined;
    });
  };
  start();
  const timer = setInterval(start, everyMs).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await underWay;
      await write(state());
    },
  };
}
