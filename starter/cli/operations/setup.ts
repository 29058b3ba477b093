import { GroundworkError } from '../../errors.ts';
import { exitCodes, exitNameOf } from '../exit-codes.ts';
import { UsageError } from '../failing.ts';
import { colorsFor, type Io, writeJson, writeLines } from '../io.ts';

/** `groundwork setup`: migrations of the database, search attributes and Schedules of the Temporal namespace. */

export interface SetupOptions {
  json?: boolean;
  skipDatabase?: boolean;
  skipTemporal?: boolean;
}

interface Part {
  name: string;
  done?: string[];
  words: string;
  trouble?: keyof typeof exitCodes;
}

/** Does every part, also when one before it fails; answers the exit code of the first that failed. */
export async function setup(io: Io, options: SetupOptions): Promise<number> {
  const parts: Part[] = [];
  if (!options.skipDatabase) parts.push(await attempt('database', () => database(io)));
  if (!options.skipTemporal) {
    parts.push(await attempt('temporal', temporal));
    parts.push(await attempt('schedules', () => schedules(io)));
  }
  const colors = colorsFor(io.stdout, io.env);
  if (options.json) {
    writeJson(io, Object.fromEntries(parts.map(({ name, ...part }) => [name, part])));
  } else {
    const good = parts.filter(({ trouble }) => trouble === undefined);
    writeLines(
      io.stdout,
      good.map(({ name, words }) => `${colors.green(name)}: ${words}`),
    );
  }
  const bad = parts.filter(({ trouble }) => trouble !== undefined);
  writeLines(
    io.stderr,
    bad.map(({ words }) => `groundwork: ${words}`),
  );
  return exitCodes[bad[0]?.trouble ?? 'done'];
}

async function attempt(name: string, work: () => Promise<Omit<Part, 'name'>>): Promise<Part> {
  try {
    return { name, ...(await work()) };
  } catch (error) {
    const { SetupError } = await import('../../../worker/findings.ts');
    if (error instanceof SetupError) return { name, words: error.message, trouble: error.trouble };
    if (error instanceof UsageError) return { name, words: error.message, trouble: 'usage' };
    if (error instanceof GroundworkError)
      return { name, words: `${error.type}: ${error.message}`, trouble: exitNameOf(error.type) };
    throw error;
  }
}

async function database(io: Io): Promise<Omit<Part, 'name'>> {
  const [{ setUpDatabase }, { readDatabaseUrl }] = await Promise.all([
    import('../../../worker/setup.ts'),
    import('../../../worker/configuration.ts'),
  ]);
  const { url, problem = 'DATABASE_URL is required: the URL of a PostgreSQL database (or --skip-database)' } =
    readDatabaseUrl(io.env);
  if (url === undefined) throw new UsageError(problem);
  const { applied } = await setUpDatabase(url);
  const words = applied.length === 0 ? 'the schema was up to date' : `applied ${applied.join(', ')}`;
  return { done: applied, words };
}

async function temporal(): Promise<Omit<Part, 'name'>> {
  const { connectGroundwork } = await import('../../client.ts');
  const { setUpSearchAttributes } = await import('../../../worker/setup.ts');
  const groundwork = await connectGroundwork();
  try {
    const { added } = await setUpSearchAttributes(groundwork.connection, groundwork.namespace);
    const words = added.length === 0 ? 'the search attributes were there' : `registered ${added.join(', ')}`;
    return { done: added, words: `${words} (namespace ${groundwork.namespace})` };
  } finally {
    await groundwork.close();
  }
}

async function schedules(io: Io): Promise<Omit<Part, 'name'>> {
  const [{ connectGroundwork }, { readConfiguration }, { setUpSchedules }, { SetupError }] = await Promise.all([
    import('../../client.ts'),
    import('../../../worker/configuration.ts'),
    import('../../../worker/schedules.ts'),
    import('../../../worker/findings.ts'),
  ]);
  const reading = readConfiguration(io.env, { withDatabase: false });
  if (!reading.ok) throw new SetupError('usage', `the Schedules follow the worker's settings: ${reading.problems[0]}`);
  const groundwork = await connectGroundwork();
  try {
    const { created, updated } = await setUpSchedules(groundwork.connection, groundwork.namespace, reading.values);
    const words = [
      ...(created.length > 0 ? [`created ${created.join(', ')}`] : []),
      ...(updated.length > 0 ? [`brought ${updated.join(', ')} up to date`] : []),
    ];
    return { done: created, words: words.join('; ') };
  } finally {
    await groundwork.close();
  }
}
