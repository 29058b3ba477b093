import type { ScopeCreationResult } from '../../../../starter/client.ts';
import type { Stage } from '../../chapter.ts';
import { unlessSame } from '../../checks.ts';
import type { Ended } from '../../follow.ts';
import type { Snapshot } from '../../reality.ts';

/** What scenes hand on to later ones. */
export interface Outcome {
  ended: readonly Ended<ScopeCreationResult>[];
  failed?: Ended<ScopeCreationResult>;
}

/** The load of a balancer as two lookers see it: rules that AWS shows, and hosts placed there that are in no rule yet. */
export async function loadOf({ reality }: Stage, name: string): Promise<{ rules: number; placed: number }> {
  const view = await reality.balancer(name);
  if (!view) throw new Error(`AWS has no balancer ${name}`);
  const hosts = (await reality.placements(name)).flatMap((placement) => placement.hosts);
  return { rules: view.rules, placed: hosts.filter((host) => !view.hosts.includes(host)).length };
}

/** Claims that nothing differs from what was there before. */
export async function claimUnchanged({ checks, reality }: Stage, text: string, before: Snapshot): Promise<void> {
  await checks.claim(text, async () => {
    const after = await reality.snapshot();
    return unlessSame(Object.values(before).flat(), Object.values(after).flat());
  });
}
