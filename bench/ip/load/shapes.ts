import { setTimeout as delay } from 'node:timers/promises';
import type { IpClaimRequest } from '../../../starter/client.ts';
import { sum } from '../../statistics.ts';
import { WrongCount } from '../checks.ts';
import type { Caller, Held, Tally } from './caller.ts';
import { claimOf, mixedClaim, reading, tenant } from './pools.ts';

/** The shapes of load. Each goes on for its time or its number of calls, and gives back what it claimed. */

/** Callers that claim and release, one after the other. */
export function churn(
  callers: readonly Caller[],
  tally: Tally,
  seconds: number,
  request: (who: number, index: number) => IpClaimRequest,
): Promise<void> {
  return meanwhile(callers, seconds, async (caller, who, index) => {
    const held = await caller.claim(tally, request(who, index));
    if (held) await caller.release(tally, held);
  });
}

export function mixed(callers: readonly Caller[], tally: Tally, seconds: number, prefix: string): Promise<void> {
  return churn(callers, tally, seconds, (who, index) => mixedClaim(who, index, `${prefix}-${who}-${index}`));
}

/** Fills the pool of four blocks, then asks for a fifth: its owner and others in turn. */
export async function denials(callers: readonly Caller[], tally: Tally, seconds: number): Promise<void> {
  const [first] = callers as [Caller];
  const filling = Array.from({ length: 4 }, (_, n) => first.claim(tally, claimOf(0, `fill-${n}`, 'perf-full', 30)));
  const held = (await Promise.all(filling)).filter((one) => one !== undefined);
  if (held.length !== 4) throw new WrongCount(`a pool of four blocks gave ${held.length}: ${tally.failures.join()}`);
  await meanwhile(callers, seconds, (caller, who, index) =>
    caller.denied(tally, claimOf(who + index, `deny-${who}-${index}`, 'perf-full', 30, tenant(0))),
  );
  for (const one of held) await first.release(tally, one);
}

/** So many claims at one instant. */
export async function burst(callers: readonly Caller[], tally: Tally, claims: number, prefix: string): Promise<void> {
  const given = await Promise.all(
    Array.from({ length: claims }, (_, n) =>
      at(callers, n).claim(tally, claimOf(0, `${prefix}-${n}`, 'perf-burst', 28)),
    ),
  );
  await giveBack(callers, tally, given);
}

/** One caller takes every address, and is refused when there is none left. */
export async function drain(caller: Caller, tally: Tally, size: number, tries: number): Promise<void> {
  const given: (Held | undefined)[] = [];
  for (let n = 0; n < tries; n++) {
    const request = claimOf(0, `drain-${n}`, 'perf-drain', 32);
    if (n < size) given.push(await caller.claim(tally, request));
    else await caller.denied(tally, request);
  }
  for (const held of given) if (held) await caller.release(tally, held);
}

export function reads(callers: readonly Caller[], tally: Tally, seconds: number): Promise<void> {
  return meanwhile(callers, seconds, (caller, who, index) => caller.list(tally, reading(who, index)));
}

const BURST = 5;
const PAUSE_MS = 200;

/** Callers that claim several blocks at once, give them back and pause: what readers have beside them. */
export function writeInBursts(callers: readonly Caller[], tally: Tally, seconds: number): Promise<void> {
  return meanwhile(callers, seconds, async (caller, who, index) => {
    const requests = Array.from({ length: BURST }, (_, n) => mixedClaim(who, n, `burst-${who}-${index}-${n}`));
    const given = await Promise.all(requests.map((request) => caller.claim(tally, request)));
    await Promise.all(given.map((held) => held && caller.release(tally, held)));
    await delay(PAUSE_MS);
  });
}

/** Claims of one length, at most `most` or four fifths of what the pool of a /16 has. */
export async function claimsOfLength(
  callers: readonly Caller[],
  tally: Tally,
  length: number,
  most: number,
): Promise<void> {
  const claims = Math.min(most, Math.floor(0.8 * 2 ** (length - 16)));
  const given: (Held | undefined)[] = [];
  await Promise.all(
    callers.map(async (caller, who) => {
      for (let n = who; n < claims; n += callers.length)
        given.push(await caller.claim(tally, claimOf(0, `depth-${length}-${n}`, 'perf-prefix-0', length)));
    }),
  );
  await giveBack(callers, tally, given);
}

/** Claims at a steady rate whatever becomes of the earlier ones; a latency counts from when its claim was meant to be sent. */
export async function arrivals(
  callers: readonly Caller[],
  tally: Tally,
  rate: number,
  seconds: number,
): Promise<readonly Held[]> {
  const began = performance.now();
  const given = await Promise.all(
    Array.from({ length: Math.round(rate * seconds) }, async (_, n) => {
      const due = began + (n * 1000) / rate;
      await delay(Math.max(0, due - performance.now()));
      return at(callers, n).claim(tally, mixedClaim(n, n, `arrival-${rate}-${n}`), due);
    }),
  );
  return given.filter((held) => held !== undefined);
}

/** Gives blocks back, shared out among the callers. */
export async function giveBack(
  callers: readonly Caller[],
  tally: Tally,
  given: readonly (Held | undefined)[],
): Promise<void> {
  await Promise.all(
    callers.map(async (caller, who) => {
      for (let n = who; n < given.length; n += callers.length) {
        const held = given[n];
        if (held) await caller.release(tally, held);
      }
    }),
  );
}

function at(callers: readonly Caller[], n: number): Caller {
  return callers[n % callers.length] as Caller;
}

/** Each caller does it again and again until the time is over. */
async function meanwhile(
  callers: readonly Caller[],
  seconds: number,
  doIt: (caller: Caller, who: number, index: number) => Promise<unknown>,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const loops = callers.map(async (caller, who) => {
    let index = 0;
    do {
      await doIt(caller, who, index);
      index += 1;
    } while (performance.now() < until);
    return index;
  });
  if (sum(await Promise.all(loops)) === 0) throw new WrongCount('nobody called');
}
