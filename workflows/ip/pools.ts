import { workflowInfo } from '@temporalio/workflow';
import type { IpPoolChangeInput, IpPoolChangeResult } from '../../contract/ip/change.ts';
import type { IpInventoryInput, IpInventoryResult } from '../../contract/ip/inventory.ts';
import type {
  IpPoolCreationInput,
  IpPoolCreationResult,
  IpPoolDeletionInput,
  IpPoolDeletionResult,
} from '../../contract/ip/pool.ts';
import { words } from '../unchecked.ts';
import { local, long } from './activities.ts';
import { ipRun, wake } from './run.ts';

/** Identity of this run for the audit: a repeated call of the same run finds what it did. */
const runKey = () => `${workflowInfo().workflowId}@${workflowInfo().firstExecutionRunId}`;

/** Makes a pool: a root of its own, or a child carved from its parent. Repeating it with the same spec gives the same pool. */
export async function ipPoolCreation(input: IpPoolCreationInput): Promise<IpPoolCreationResult> {
  const subject = `Create pool ${words(input?.owner)}/${words(input?.name)}`;
  return ipRun({ kind: 'pool-creation', subject }, words(input?.name), () =>
    local(subject).createPool({ input, run: runKey() }),
  );
}

/** Removes a pool that holds nothing, and gives the block of a child back to its parent. */
export async function ipPoolDeletion(input: IpPoolDeletionInput): Promise<IpPoolDeletionResult> {
  const subject = `Delete pool ${words(input?.owner)}/${words(input?.name)}`;
  return ipRun({ kind: 'pool-deletion', subject }, words(input?.name), async () => {
    const { result, waiters } = await local(subject).deletePool({ input, run: runKey() });
    await wake(waiters);
    return result;
  });
}

/** One change of a pool: settings, reservations, grants, an import, or the free list made anew. */
export async function ipPoolChange(input: IpPoolChangeInput): Promise<IpPoolChangeResult> {
  const kind = input?.change?.kind;
  const subject = `Change pool ${words(input?.owner)}/${words(input?.name)}: ${words(kind)}`;
  return ipRun({ kind: 'pool-change', subject, change: kind }, words(input?.name), async () => {
    const { result, waiters } = await changeBy(kind, subject, input);
    await wake(waiters);
    return result;
  });
}

function changeBy(kind: string, summary: string, input: IpPoolChangeInput) {
  const run = runKey();
  if (kind === 'import') return long(summary).importClaims({ input, run });
  if (kind === 'rebuild') return long(summary).rebuildPool({ input });
  if (kind === 'reserve' || kind === 'unreserve') return local(summary).reserveRanges({ input, run });
  if (kind === 'grant' || kind === 'revoke') return local(summary).setGrant({ input, run });
  return local(summary).changePool({ input, run });
}

/** Reads; changes nothing. */
export async function ipInventory(input: IpInventoryInput): Promise<IpInventoryResult> {
  const kind = input?.query?.kind;
  const subject = `Read ${words(kind)} of ${words(input?.owner)}`;
  return ipRun({ kind: 'inventory', subject }, undefined, () =>
    kind === 'verify' || kind === 'blocks'
      ? long(subject).surveyPools({ input })
      : local(subject).readInventory({ input }),
  );
}
