import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { closedSince } from '../../../activities/scope/ledger/holding.ts';

/** A description as the server answers it. Statuses that the dev server has not enabled are not to be had otherwise. */
const described = (status: string, closeTime?: Date) =>
  ({
    workflow: {
      getHandle: () => ({
        describe: async () => ({ status: { name: status }, runId: 'first', raw: {}, closeTime }),
      }),
    },
  }) as unknown as Client;

test.each([
  ['RUNNING', undefined, undefined],
  ['PAUSED', undefined, undefined],
  ['TERMINATED', new Date(5000), 5000],
  ['CONTINUED_AS_NEW', new Date(6000), 6000],
])('a holder that is %s and was closed at %s has let go since %s', async (status, closeTime, since) => {
  expect(await closedSince(described(status, closeTime), 'scope-creation/7@first')).toBe(since);
});
