import { expect } from 'vitest';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import type { World } from './world.ts';

/** A creation that is terminated once it has written its first record, or done another activity: it undoes nothing. */
export async function terminatedCreation(
  world: World,
  input: ScopeCreationInput,
  after = 'ensureDnsRecord',
): Promise<void> {
  const creation = await world.start(input);
  world.around = async (activity, run) => {
    const answer = await run();
    if (activity === after) await creation.terminate();
    return answer;
  };
  await expect(creation.result()).rejects.toThrow();
  world.around = undefined;
}
