import { workflowIds } from '../../../../contract/names.ts';
import type { Scene, Stage } from '../../chapter.ts';
import { unlessEqual } from '../../checks.ts';
import { NAMESPACE, Shop, type Sight } from './shop.ts';

/** What the scenes leave for the table. */
export type Ended = { shop: Shop; sight: Sight; told: string }[];

const GROWN = 15;

export const crowdArrives = (ended: Ended): Scene => ({
  title: 'A crowd arrives',
  about:
    'Ten environments, one seat each, and a log-in every few seconds. At 80 % the autoscaler should take one step, 10 -> 15, ' +
    'and not another one before the new claims are there, however long the queue at the door gets.',
  play: async (stage) => {
    const shop = await Shop.open(stage, { name: 'kubernetes-101', count: 10, completion: '150-300' });
    stage.narrator.note(`Its run in the Temporal UI: ${stage.link(runOf(shop))}`, 10);
    const crowd = shop.crowd.play({ arrivals: { kind: 'steady', everySeconds: 12, forSeconds: 170 } });
    await shop.until('the count is written', ({ count }) => count === GROWN);
    await stage.checks.claim('The flag is on the provision while the claims are made', async () =>
      unlessEqual(true, (await shop.look()).flag),
    );
    const sight = await shop.until('the flag is cleared', ({ flag, seats }) => !flag && seats === GROWN);
    await crowd;
    const { claim } = stage.checks;
    const check: Stage['checks']['claim'] = (text, look) => claim.call(stage.checks, text, look);
    await check('The count went 10 -> 15 in one step', () => unlessEqual([10, GROWN], shop.counts));
    await check('All 15 claims are active, and the flag is gone', () =>
      unlessEqual({ active: GROWN, flag: false, result: 'Succeeded' }, pick(sight)),
    );
    await check('Kubernetes has the events of one operation', async () =>
      unlessEqual(['ScaleUpSettled', 'ScaleUpStarted'], (await shop.events()).slice(0, 2)),
    );
    ended.push({ shop, sight: await shop.look(), told: `${shop.rejected} log-ins rejected while claims were made` });
  },
});

export const personWins = (ended: Ended): Scene => ({
  title: 'A person lowers the count and wins',
  about:
    'The same rush elsewhere. While the new claims are on their way, a person with kubectl sets the count to 11. The ' +
    'autoscaler should give its target up, clear its flag and leave the count alone.',
  play: async (stage) => {
    const shop = await Shop.open(stage, { name: 'ansible-201', count: 10, completion: '150-300' });
    await shop.crowd.play({ arrivals: { kind: 'burst', people: 9 } });
    await shop.until('the count is written', ({ count }) => count === GROWN);
    await shop.edit({ spec: { count: 11 } });
    stage.narrator.note('kubectl patch: count 11', 10);
    const sight = await shop.until('the flag is cleared', ({ flag, result }) => !flag && result !== undefined);
    await stage.checks.claim('The count is what the person said', () => unlessEqual([10, GROWN, 11], shop.counts));
    await stage.checks.claim('The operation ended as superseded', () => unlessEqual('Superseded', sight.result));
    ended.push({ shop, sight: await shop.look(), told: 'the target of 15 was given up' });
  },
});

export const breakerTrips = (ended: Ended): Scene => ({
  title: 'A broken provision trips the breaker',
  about:
    'Five environments are fine; then every new one fails. The manager replaces failed claims until 60 % have failed and ' +
    'stops. The autoscaler should see it and not ask for more, because a higher count would only re-arm the breaker.',
  play: async (stage) => {
    const shop = await Shop.open(stage, { name: 'broken-301', count: 5, completion: '60-90' });
    await shop.edit({ metadata: { annotations: { 'sim.groundwork/fail-rate': '1' } } });
    await shop.crowd.play({ arrivals: { kind: 'burst', people: 5 } });
    const sight = await shop.until('the breaker is seen', ({ flag, reason }) => !flag && reason === 'FailureThreshold');
    await stage.checks.claim('One step was tried, 5 -> 7, and ended as partly failed', () =>
      unlessEqual({ counts: [5, 7], result: 'PartiallyFailed' }, { counts: shop.counts, result: sight.result }),
    );
    await stage.checks.claim('At least 60 % of the claims have failed', () =>
      sight.failed / sight.count >= 0.6 ? undefined : `${sight.failed} of ${sight.count}`,
    );
    await stage.checks.claim('An event says that growth is refused', async () =>
      (await shop.events()).includes('ScalingRefused') ? undefined : (await shop.events()).join(', '),
    );
    ended.push({ shop, sight: await shop.look(), told: 'growth refused: FailureThreshold' });
  },
});

function pick({ active, flag, result }: Sight) {
  return { active, flag, result };
}

function runOf({ name }: Shop): string {
  return workflowIds.provisionAutoscaler('default', NAMESPACE, name);
}
