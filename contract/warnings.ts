import type { Warning } from './scope/status.ts';

/** Those of `told` that `known` does not have: the same words are shown once. */
export function unheard(known: readonly Warning[], told: readonly Warning[]): Warning[] {
  const wordsOf = ({ code, message }: Warning) => `${code} ${message}`;
  const heard = new Set(known.map(wordsOf));
  return told.filter((warning) => !heard.has(wordsOf(warning)));
}
