import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleFromSource } from '../../../worker/source-bundle.ts';
import { recorded } from './histories.ts';

/** A change of the workflow code that runs under way could not follow: `from` is replaced in the bundle. */
export interface PlantedChange {
  name: string;
  /** Histories that must be rejected then. */
  breaks: readonly string[];
  from: string;
  to: string;
}

let bundled: Promise<{ code: string }> | undefined;

/** Today's workflow code, bundled once for all files of tests that a process runs. */
function todaysBundle(): Promise<{ code: string }> {
  const logger = new DefaultLogger('ERROR');
  // The core warns of each replay that must fail.
  const quiet = { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } };
  if (!bundled) Runtime.install({ logger, telemetryOptions: quiet });
  bundled ??= bundleFromSource();
  return bundled;
}

/** Recorded runs replay on today's workflow code, and a planted change is rejected. */
export function replays(room: string, changes: readonly PlantedChange[]): void {
  const histories = recorded(room);
  let code = '';
  beforeAll(async () => {
    ({ code } = await todaysBundle());
  });

  /** What replaying each of these histories on one worker said: nothing, or what was wrong. */
  const replay = async (bundle: string, names: readonly string[]) => {
    const chosen = names.map((name) => {
      const found = histories.find((one) => one.name === name);
      if (!found) throw new Error(`there is no history ${name} of the room ${room}`);
      return found;
    });
    const said = new Map<string, Error | undefined>();
    const replaying = Worker.runReplayHistories({ workflowBundle: { code: bundle } }, chosen);
    for await (const { error } of replaying) said.set(names[said.size] ?? '', error); // one after the other, in order
    return said;
  };

  describe(`recorded runs of the room ${room}`, () => {
    const names = histories.map(({ name }) => name);
    let today: Awaited<ReturnType<typeof replay>>;
    beforeAll(async () => {
      today = await replay(code, names);
    });

    test.each(names)('%s replays', (name) => {
      expect(today.has(name)).toBe(true);
      const error = today.get(name);
      if (error) throw error;
    });

    test.each(changes)('a change that is planted is rejected: $name', async ({ breaks, from, to }) => {
      expect(code).toContain(from);
      const changed = code.replaceAll(from, to);
      const said = await replay(changed, breaks);
      expect(said.size).toBe(breaks.length);
      for (const [name, error] of said) expect(error, name).toMatchObject({ name: 'DeterminismViolationError' });
    });
  });
}
