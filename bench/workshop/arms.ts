import type { AutoscalerState } from '../../contract/workshop/state.ts';
import { type ConfigReading, readConfig } from '../../domain/workshop/config.ts';
import { decide } from '../../domain/workshop/decide.ts';
import { breakerOpen, type Observation } from '../../domain/workshop/observation.ts';
import { countWritten, endOperation, reviewOperation, startOperation } from '../../domain/workshop/operation.ts';
import { pollDelay, defaultWorkshopTimings as timings } from '../../domain/workshop/settings.ts';
import { newState, remember } from '../../domain/workshop/state.ts';
import { HEADROOM_TICK, headroomTarget, PROPOSAL_PERIOD, proposalTarget, type Settings } from './rules.ts';
import type { World } from './world.ts';

/** The rules that are compared. Each is attached to a world and writes its count; all have the same cap. */

export type Arm = (world: World, settings: Settings, offset: number) => void;

/**
 * Count and flag of the proposal go in one merge patch on the main endpoint, whose status part the API server drops: so no flag
 * ever stops the next evaluation.
 */
export const proposal: Arm = (world, settings, offset) => {
  const look = () => {
    const target = proposalTarget({ count: world.count, ...world.seats() }, settings);
    if (target !== undefined) world.write(target);
  };
  world.onChange(look);
  world.every(PROPOSAL_PERIOD, offset * PROPOSAL_PERIOD, look);
};

export const plainHeadroom: Arm = (world, settings, offset) => {
  world.every(HEADROOM_TICK, offset * HEADROOM_TICK, () => {
    const coming = Math.max(0, world.count - world.number('active')) * (world.claims[0]?.seats ?? 1);
    const target = headroomTarget({ count: world.count, ...world.seats() }, coming, settings);
    if (target !== undefined) world.write(target);
  });
};

export const ours =
  (strategy: 'ratio' | 'headroom'): Arm =>
  (world, settings, offset) => {
    const { threshold, scaleFactor, cap: maxProvisions, minAvailable } = settings;
    new Autoscaler(world, { enabled: true, strategy, threshold, scaleFactor, maxProvisions, minAvailable }, offset);
  };

const sameForAll = { uid: 'uid', generation: 1, resourceVersion: '1', deleting: false, ignored: false, schedule: {} };

/** The autoscaler's own functions, driven by virtual time as the workflow drives them. */
class Autoscaler {
  readonly #world: World;
  readonly #workshop: NonNullable<Observation['workshop']>;
  readonly #reading: ConfigReading;
  #state: AutoscalerState = newState('uid');
  #fence: string | null = null;
  #looks = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #nextLook = Number.POSITIVE_INFINITY;

  constructor(world: World, autoScaling: object, offset: number) {
    this.#world = world;
    this.#workshop = {
      ...sameForAll,
      ...{ name: 'ws', autoScaling, multiuser: (world.claims[0]?.seats ?? 1) > 1, provisionDisabled: false },
      ...{ locked: false, registrationClosed: false, conditions: [], hasStatus: true, hasAutoScalingStatus: false },
    };
    this.#reading = readConfig(autoScaling);
    world.onChange(() => this.#lookAt(Math.max(world.now + timings.debounce, this.#lookedAt + timings.debounce)));
    world.every(timings.sweepInterval, offset * timings.sweepInterval, () => this.#look());
  }

  /** Not at this very moment again: times of decisions have whole milliseconds. */
  #lookAt(wanted: number): void {
    const when = Math.max(wanted, this.#world.now + 0.01);
    if (when >= this.#nextLook) return;
    this.#nextLook = when;
    this.#world.at(when, () => {
      if (this.#nextLook === when) this.#look();
    });
  }

  #look(): void {
    const world = this.#world;
    const now = world.now * 1000;
    this.#nextLook = Number.POSITIVE_INFINITY;
    this.#lookedAt = world.now;
    const seen = this.#observe();
    if (this.#state.operation) {
      const review = reviewOperation(this.#state.operation, seen, this.#reading, now);
      if (review.verdict === 'wait') {
        this.#state = { ...this.#state, operation: review.operation };
        this.#lookAt(world.now + pollDelay(this.#looks++, timings));
        return;
      }
      if (review.verdict !== 'end') throw new Error(`unexpected: ${review.verdict}`);
      const config = this.#reading.kind === 'valid' ? this.#reading.config : undefined;
      this.#state = endOperation(this.#state, review.result, now, config, timings);
    }
    const decision = decide(seen, this.#reading, this.#state, now, timings);
    this.#state = remember(this.#state, seen, decision, now, '00000000');
    if (decision.until !== undefined) this.#lookAt(Date.parse(decision.until) / 1000);
    if (decision.action !== 'scaleUp' || decision.target === undefined) return;
    this.#state = countWritten(startOperation(decision, seen, this.#state, '00000000', now, timings), now);
    this.#fence = this.#state.operation?.id ?? null;
    world.write(decision.target);
    this.#looks = 0;
    this.#lookAt(world.now + pollDelay(0, timings));
  }

  #observe(): Observation {
    const { count, claims } = this.#world;
    const { active, failed, provisioning, seats } = this.#world.tally();
    const seatsPerClaim = claims[0]?.seats ?? 1;
    return {
      namespace: 'bench',
      name: 'lab',
      provision: {
        ...sameForAll,
        workshopName: 'ws',
        count,
        operationAnnotation: this.#fence,
        hasAnnotations: true,
        hasStatus: true,
        status: {},
      },
      workshop: this.#workshop,
      claims: {
        live: claims.length,
        complete: active + failed,
        active,
        provisioning,
        pending: 0,
        failed: { count: failed, names: [] },
        withAssignedSeat: 0,
        removable: [],
      },
      seats: { workshop: seats, provision: seats },
      provisions: [{ count, active, provisioning, breakerOpen: breakerOpen(failed, count), seatsPerClaim }],
    };
  }
}
