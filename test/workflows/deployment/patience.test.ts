import { expect, test } from 'vitest';
import { createScope, deploymentOf, rolloutWorld, startRollout } from '../../support/rollouts.ts';

/** How long Temporal lets a step go on, by the deadlines that the step has itself. */

const world = rolloutWorld({ environment: { GROUNDWORK_DEPLOYMENT_TARGET_HEALTH_TIMEOUT: '1000' } });

test('a routing may wait for its targets as long as is configured', async () => {
  const run = await startRollout(world, deploymentOf(await createScope(world), '41'));
  expect(await run.result()).toMatchObject({ outcome: 'finalized' });
  const { events = [] } = await run.fetchHistory();
  const seconds = events?.flatMap(({ activityTaskScheduledEventAttributes: call }) =>
    call?.activityType?.name === 'routeTraffic' ? [Number(call.startToCloseTimeout?.seconds)] : [],
  );
  expect(seconds).toEqual([1120]);
});
