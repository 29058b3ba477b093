import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { workflowSources } from '../../../worker/workflow-sources.ts';
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
  bundled ??= bundleWorkflowCode({ ...workflowSources, logger });
  return bundled;
}

/** Recorded runs replay on today's workflow code, and a planted change is rejected. */
export function replays(room: string, changes: readonly PlantedChange[]): void {
  const histories = recorded(room);
  let code = '';
  beforeAll(async () => {
    ({ code } = await todaysBundle());
  });

  const replay = async (bundle: string, name: string) => {
    const found = histories.find((one) => one.name === name);
    if (!found) throw new Error(`there is no history ${name} of the room ${room}`);
    await Worker.runReplayHistory({ workflowBundle: { code: bundle } }, found.history, found.workflowId);
  };

  describe(`recorded runs of the room ${room}`, () => {
    test.each(histories.map(({ name }) => name))('%s replays', async (name) => {
      await replay(code, name);
    });

    test.each(changes)('a change that is planted is rejected: $name', async ({ breaks, from, to }) => {
      expect(code).toContain(from);
      const changed = code.replaceAll(from, to);
      for (const name of breaks) {
        await expect(replay(changed, name), name).rejects.toMatchObject({ name: 'DeterminismViolationError' });
      }
    });
  });
}
