import { expect, test } from 'vitest';
import { notYet, permanent } from '../../activities/failures.ts';
import { patiently } from '../../activities/patience.ts';
import { mockActivity } from '../support/activity.ts';

test('a short "not yet" is looked at again inside the activity, and the heartbeat tells what was seen', async () => {
  const environment = mockActivity();
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  let looks = 0;
  const answer = await environment.run(() =>
    patiently(async () => {
      looks += 1;
      if (looks < 3) throw notYet(`look ${looks}`, 0.001);
      return 'there';
    }),
  );
  expect([answer, looks]).toEqual(['there', 3]);
  expect(beats).toEqual(expect.arrayContaining([{ lastSeen: 'look 1' }, { lastSeen: 'look 2' }]));
});

test('a long "not yet" leaves the activity with its delay, for Temporal to retry', async () => {
  const look = () => patiently(() => Promise.reject(notYet('provisioning', 10)));
  await expect(mockActivity().run(look)).rejects.toMatchObject({
    type: 'NotYet',
    nextRetryDelay: 10_000,
    category: 'BENIGN',
  });
});

test('every other failure leaves it at once', async () => {
  let looks = 0;
  const look = () =>
    patiently(() => {
      looks += 1;
      return Promise.reject(permanent('BalancerTimeout', 'too late'));
    });
  await expect(mockActivity().run(look)).rejects.toMatchObject({
    type: 'BalancerTimeout',
    nonRetryable: true,
  });
  expect(looks).toBe(1);
});

test('a cancelled activity stops waiting', async () => {
  const environment = mockActivity();
  const running = environment.run(() => patiently(() => Promise.reject(notYet('provisioning', 1.9))));
  environment.cancel('CANCELLED');
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
});
