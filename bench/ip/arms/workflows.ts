import {
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClaimOutcome } from '../../../activities/ip/claim.ts';
import type { IpActivities } from '../../../activities/ip/index.ts';
import type { IpClaimInput } from '../../../contract/ip/claim.ts';
import { mintUids } from '../../../domain/ip/uid.ts';

/** The arms that the claim is measured beside: the least that a workflow can be around the same call of the database. */

const regular = proxyActivities<IpActivities>({ startToCloseTimeout: '3s' });
const local = proxyLocalActivities<IpActivities>({ startToCloseTimeout: '3s' });

const tryOf = (input: IpClaimInput) => ({
  input,
  uids: mintUids(1, workflowInfo().startTime.getTime(), uuid4),
  final: true,
});

export async function claimByActivity(input: IpClaimInput) {
  return regular.claimAddress(tryOf(input));
}

export async function claimByLocalActivity(input: IpClaimInput) {
  return local.claimAddress(tryOf(input));
}

/** The least that a durable claim can be which is answered by the call that starts it. */
export async function claimByUpdate(input: IpClaimInput): Promise<void> {
  let outcome: ClaimOutcome | undefined;
  setHandler(defineUpdate('ask'), async () => {
    await condition(() => outcome !== undefined);
    return outcome;
  });
  outcome = await local.claimAddress(tryOf(input));
  await condition(allHandlersFinished);
}

/** Does nothing for a caller who asks by an update that comes with the start. */
export async function emptyUpdate(): Promise<void> {
  let asked = false;
  setHandler(defineUpdate('ask'), () => {
    asked = true;
  });
  await condition(() => asked && allHandlersFinished());
}
