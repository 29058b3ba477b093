import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { executable } from './cache.ts';
import type { Report } from './progress.ts';

/** One way to obtain something: undefined when it does not apply, an exception when it was tried and failed. */
export interface Step<T> {
  readonly name: string;
  /** The user asked for exactly this: its failure is final. */
  readonly binding?: boolean;
  /** `source` of the answer replaces the step's name where the step found out more. */
  readonly attempt: () => Promise<(T & { source?: string }) | undefined>;
}

/** The first step that works. When none does: one message with what was tried and `advice`. */
export async function firstThatWorks<T>(
  what: string,
  steps: readonly Step<T>[],
  advice: string,
  report: Report,
): Promise<T & { source: string }> {
  const tried: string[] = [];
  for (const { name, binding, attempt } of steps) {
    try {
      const found = await attempt();
      if (found === undefined) continue;
      const source = found.source ?? name;
      report(`${what}: ${source}`);
      return { ...found, source };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (binding) throw new Error(`${what}: ${name}: ${reason}`, { cause: error });
      tried.push(`  ${name}: ${reason}`);
    }
  }
  throw new Error([`${what} cannot be had on this machine. ${advice}`, 'Tried:', ...tried].join('\n'));
}

/** Whether the file can be run by us. */
export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The first executable of that name on PATH. */
export async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, executable(name))))) return join(folder, executable(name));
  }
  return undefined;
}
