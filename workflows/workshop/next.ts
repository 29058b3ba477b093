/** How a run goes on after a look. `deaf`: only people are heard until the rest is over. */
export type Next = { kind: 'rest'; deaf: boolean } | { kind: 'again' } | { kind: 'end' } | { kind: 'continue' };

export const REST: Next & { kind: 'rest' } = { kind: 'rest', deaf: false };

/** For a while nothing will be different: a denial, or an outage. */
export const DEAF: Next & { kind: 'rest' } = { kind: 'rest', deaf: true };

export const AGAIN: Next = { kind: 'again' };
