import { afterEach, describe, test } from 'vitest';
import type { FaultEffect, FaultRule } from '../../../sandbox/faults/plan.ts';
import type { World } from '../world.ts';
import type { Journey } from './journey.ts';
import { everything, tell } from './outcomes.ts';

const services = ['elbv2', 'route53', 'kubernetes'] as const;

const effects: { name: string; effect: FaultEffect }[] = [
  { name: 'throttles', effect: { kind: 'throttle' } },
  { name: 'answers 500', effect: { kind: 'error', code: 'InternalFailure', status: 500 } },
  { name: 'resets connections', effect: { kind: 'reset' } },
  { name: 'hangs', effect: { kind: 'hang' } },
  { name: 'ends in the middle of an answer', effect: { kind: 'truncate' } },
  { name: 'answers rubbish', effect: { kind: 'garbage' } },
];

/** Strikes the worker's calls, not those of the controllers; each service now and then, before the effect and after it. */
function rules(of: typeof effects, probability: number): FaultRule[] {
  return services.flatMap((service) =>
    of.flatMap(({ effect }, index) =>
      (['before', 'after'] as const).map((when, side) => ({
        match: { service, ...(service === 'kubernetes' ? {} : { caller: 'sandbox' }) },
        when,
        probability,
        seed: 10 * index + side + 1,
        effect,
      })),
    ),
  );
}

/** AWS and the Kubernetes API on bad days. `npm test` takes all of them at once, `npm run reliability` one after the other. */
export function survivesBadDays<W extends Pick<World, 'faults'>>(room: string, world: W, journey: Journey<W>): void {
  afterEach(() => world.faults.clear());
  const days = everything
    ? effects.map((effect) => ({ name: effect.name, faults: rules([effect], 0.01) }))
    : [{ name: 'throttles, fails, resets, hangs, truncates and lies', faults: rules(effects, 0.002) }];

  describe('AWS and the Kubernetes API on a bad day', () => {
    test.each(days)('each $name: the run goes on', { timeout: 240_000 }, async ({ name, faults }) => {
      for (const fault of faults) world.faults.add(fault);
      await journey.go(world);
      tell({ room, kind: 'outage', point: `every service ${name}`, journey: journey.name, outcome: 'run went on' });
    });
  });
}
