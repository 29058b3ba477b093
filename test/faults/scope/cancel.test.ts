import { afterEach, describe, expect, test } from 'vitest';
import { type Truth, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/**
 * Cancellation after the k-th completed activity, for every k: this one test finds most mistakes in compensation. After each,
 * AWS, cluster, DNS and ledger are as before, and the run is cancelled.
 */

const world = testWorld({ seed: region({ public: 75 }) });

afterEach(() => {
  world.around = undefined;
});

const request = () => world.request({ networking: { platform: { albMaxCapacity: 2 } } });

const lasting = ({ rows, ...rest }: Truth) => ({ ...rest, rows: rows.filter((row) => !row.endsWith(' retired')) });

/** Creates one scope, cancelled after `k` completed activities; answers how the run ended and which activity was the k-th. */
async function cancelAfter(k: number): Promise<{ ended: 'cancelled' | 'created'; last: string }> {
  let completed = 0;
  let last = '';
  const input = request();
  world.around = async (name, run) => {
    const answer = await run();
    completed += 1;
    if (completed === k) {
      last = name;
      await world.client.workflow.getHandle(`scope-creation/${input.scopeId}`).cancel();
    }
    return answer;
  };
  const handle = await world.start(input);
  try {
    await handle.result();
    await world.remove(input.scopeId);
    return { ended: 'created', last };
  } catch (error) {
    expect((error as { cause?: Error }).cause?.name).toBe('CancelledFailure');
    return { ended: 'cancelled', last };
  }
}

describe('a creation that makes a balancer', () => {
  test('cancelled after any of its activities leaves nothing', { timeout: 180_000 }, async () => {
    const before = lasting(await truth(world));
    const story: string[] = [];
    for (let k = 1; ; k++) {
      const { ended, last } = await cancelAfter(k);
      world.around = undefined;
      if (ended === 'created') break;
      story.push(last);
      expect({ k, last, ...lasting(await truth(world)) }).toEqual({ k, last, ...before });
    }
    // Every activity of the road was the last one before a cancellation at least once.
    expect(story).toEqual(
      expect.arrayContaining([
        'acceptScopeCreation',
        'takePlacement',
        'ensureNamespace',
        'placeScope',
        'applyKeeper',
        'watchBalancer',
        'ensureBalancerTags',
        'activateBalancer',
        'ensureDnsRecord',
        'watchDnsSync',
      ]),
    );
  });
});
