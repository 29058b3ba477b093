import type { Narrator } from './narrator.ts';

/** Something that the demo says, and whether it was found to be so. */
export interface Claim {
  readonly text: string;
  readonly ok: boolean;
  /** What was found instead. */
  readonly found?: string;
}

/** Claims are printed only after a look at the real state; none is taken from what a run says about itself. */
export class Checks {
  readonly claims: Claim[] = [];
  readonly #narrator: Narrator;

  constructor(narrator: Narrator) {
    this.#narrator = narrator;
  }

  get ok(): boolean {
    return this.claims.every(({ ok }) => ok);
  }

  /** `look` answers undefined when the claim holds, else what is there instead. An error of the look fails the claim, too. */
  async claim(text: string, look: () => string | undefined | Promise<string | undefined>): Promise<void> {
    let found: string | undefined;
    try {
      found = await look();
    } catch (error) {
      found = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.claims.push({ text, ok: found === undefined, ...(found === undefined ? {} : { found }) });
    this.#narrator.claim(text, found);
  }
}

/** Undefined when both are equal as JSON, else the second in words. */
export function unlessEqual(expected: unknown, actual: unknown): string | undefined {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)];
  return left === right ? undefined : `${right ?? 'nothing'} instead of ${left ?? 'nothing'}`;
}

/** Undefined when both hold the same entries, else what came and what went. */
export function unlessSame(before: readonly string[], after: readonly string[]): string | undefined {
  const came = after.filter((entry) => !before.includes(entry)).map((entry) => `new: ${entry}`);
  const went = before.filter((entry) => !after.includes(entry)).map((entry) => `gone: ${entry}`);
  return came.length + went.length === 0 ? undefined : [...came, ...went].join('; ');
}
