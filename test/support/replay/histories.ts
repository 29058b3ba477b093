import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';

/**
 * Recorded histories: test/replay/histories/<room>/<name>.json. They are the protobuf messages field by field, with bytes as
 * `{ "$bytes": <base64> }`: the SDK's own JSON form needs one copy of protobufjs where npm installs several.
 */

const FOLDER = fileURLToPath(new URL('../../replay/histories', import.meta.url));

/** Set by `npm run record`: runs are written down instead of only being looked at. */
export const RECORD = 'GROUNDWORK_TEST_RECORD';

export interface Recorded {
  name: string;
  workflowId: string;
  history: unknown;
}

/** Keeps the history of a closed run for the tests of replay, when histories are being recorded; without `runId` of the last one. */
export async function record(
  client: Client,
  room: string,
  name: string,
  workflowId: string,
  runId?: string,
): Promise<void> {
  if (process.env[RECORD] === undefined) return;
  const history = packed(await client.workflow.getHandle(workflowId, runId).fetchHistory());
  mkdirSync(join(FOLDER, room), { recursive: true });
  writeFileSync(join(FOLDER, room, `${name}.json`), `${JSON.stringify({ workflowId, history })}\n`);
}

export function recorded(room: string): Recorded[] {
  return readdirSync(join(FOLDER, room))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const { workflowId, history } = JSON.parse(readFileSync(join(FOLDER, room, file), 'utf8'), unpacked);
      return { name: file.slice(0, -'.json'.length), workflowId, history };
    });
}

/** Own fields only, past the `toJSON` of messages, which loses numbers of enums. */
export function packed(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, packed(part)]));
}

function unpacked(_key: string, value: unknown): unknown {
  const bytes = (value as { $bytes?: string } | null)?.$bytes;
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : value;
}
