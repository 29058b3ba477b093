import { appendFileSync } from 'node:fs';

/** Names the file that tests of faults write what they saw to; `npm run reliability` sets it and prints the tables from it. */
export const OUTCOMES_FILE = 'GROUNDWORK_TEST_OUTCOMES_FILE';

/** One fault and how it ended. The test that saw it has compared what is there with what must be there before it says so. */
export interface Outcome {
  room: string;
  kind: 'twice' | 'answer-lost' | 'killed-before' | 'killed-after' | 'cancelled-after' | 'outage';
  /** The activity that was struck, or the outage in words. */
  point: string;
  journey: string;
  /** In a few words, for the table. */
  outcome: string;
}

/** Whether everything is put under faults, which takes minutes, instead of the telling part that `npm test` takes. */
export const everything = process.env[OUTCOMES_FILE] !== undefined;

export function tell(outcome: Outcome): void {
  const file = process.env[OUTCOMES_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(outcome)}\n`);
}
