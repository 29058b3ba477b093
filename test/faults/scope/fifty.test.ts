import { describe, expect, test } from 'vitest';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { truth } from '../../support/inspect.ts';
import { region, TIME_SCALE, testWorld } from '../../support/world.ts';

/** Fifty scopes at once on a full pool, with AWS as busy as it allows. `npm run reliability` takes the rates as documented, `npm test` five times as much. */

const RATE = everything ? 1 : 5;

/** Of an endpoint whose clock is scaled: what AWS allows in a second of its own is what passes in a real one here. */
const perSecond = (calls: number) => calls * RATE * TIME_SCALE;

/** A new balancer has room for its keeper and this many scopes. */
const SCOPES_PER_BALANCER = 19;

const world = testWorld({
  seed: region({ public: 75 }),
  throttling: {
    enabled: true,
    elbRead: { burst: 40, perSecond: perSecond(10) },
    elbWrite: { burst: 20, perSecond: perSecond(3) },
    elbTargets: { burst: 20, perSecond: perSecond(4) },
    route53: { burst: 5, perSecond: perSecond(5) },
  },
  environment: {
    GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: String(5 * RATE),
    GROUNDWORK_ELB_READS_PER_SECOND: String(10 * RATE),
    GROUNDWORK_DNS_SYNC_TIMEOUT: '300',
    GROUNDWORK_READ_PATIENCE: '120',
    GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: '120',
  },
});

describe('fifty scopes at once on a full pool', () => {
  test('make exactly as many balancers as room requires; all are placed, none is over its threshold', {
    timeout: 600_000,
  }, async () => {
    const knobs = { networking: { platform: { albMaxCapacity: SCOPES_PER_BALANCER + 1 } } };
    const results = await Promise.all(Array.from({ length: 50 }, () => world.create(world.request(knobs))));
    world.aws.throttle.configure('off');
    const { rows, balancers, keepers, placements, records, held } = await truth(world);
    const made = Math.ceil(50 / SCOPES_PER_BALANCER);
    expect(rows).toHaveLength(made);
    expect(rows.filter((row) => !row.endsWith(' active'))).toEqual([]);
    expect(balancers).toHaveLength(2 + made);
    expect(keepers).toHaveLength(made);
    expect(results.filter(({ balancer }) => balancer.created)).toHaveLength(made);

    expect(placements).toHaveLength(50);
    expect(placements.filter((line) => !line.includes(' bound '))).toEqual([]);
    const perBalancer = new Map<string, number>();
    for (const line of placements) {
      const name = line.split(' ').at(-1) ?? '';
      perBalancer.set(name, (perBalancer.get(name) ?? 0) + 1);
    }
    for (const count of perBalancer.values()) expect(count).toBeLessThanOrEqual(SCOPES_PER_BALANCER);
    expect(records).toHaveLength(100);
    expect(held).toEqual([]);
    tell({
      room: 'scope',
      kind: 'outage',
      point: 'AWS throttles: Route 53 at 5, ELBv2 at 10 reads a second',
      journey: 'fifty creations at once on a full pool',
      outcome: 'every run went on',
    });
  });
});
