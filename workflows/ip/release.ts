import type { IpReleaseInput, IpReleaseResult, IpRenewalInput, IpRenewalResult } from '../../contract/ip/claim.ts';
import { words } from '../unchecked.ts';
import { local } from './activities.ts';
import { ipRun, wake } from './run.ts';

/** Ends the life of a claim by its uid: late or repeated, it frees nothing of a later life. Waiting claims are told. */
export async function ipRelease(input: IpReleaseInput): Promise<IpReleaseResult> {
  const subject = `Release claim ${words(input?.uid)}`;
  return ipRun({ kind: 'release', subject }, undefined, async () => {
    const { result, waiters } = await local(subject).releaseAddress({ input });
    await wake(waiters);
    return result;
  });
}

/** Moves the end of a lease, while it has not passed. */
export async function ipRenewal(input: IpRenewalInput): Promise<IpRenewalResult> {
  const subject = `Renew the lease of claim ${words(input?.uid)}`;
  return ipRun({ kind: 'renewal', subject }, undefined, () => local(subject).renewLease({ input }));
}
