import fc from 'fast-check';
import { expect, test } from 'vitest';
import { workshopAnnotations, workshopLabels } from '../../../contract/workshop/objects.ts';
import type { AutoscalerState, Operation } from '../../../contract/workshop/state.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { type Observation, readObservation } from '../../../domain/workshop/observation.ts';
import {
  adopt,
  countWritten,
  endOperation,
  epochOf,
  reviewOperation,
  startOperation,
  withoutFlag,
} from '../../../domain/workshop/operation.ts';
import { clearPatch, countPatch, flagPatch, isWritten, type JsonPatch } from '../../../domain/workshop/patches.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { provisionStatus } from '../../../domain/workshop/status.ts';
import { claim, decideOn, NOW, observe, rawObjects, seatsFor, taken, timings } from './build.ts';

/** A provision as the API server keeps it, an autoscaler that may lose everything at any moment, and a person. */

const autoScaling = { enabled: true, cooldownSeconds: 0, maxProvisions: 24 };
const reading = readConfig(autoScaling);
const config = reading.kind === 'valid' ? reading.config : undefined;

interface Stored {
  count: number;
  operation: string | null;
  active: boolean;
  status: Record<string, unknown> | undefined;
}

class Cluster {
  readonly stored: Stored;
  readonly applied: { id: string; from: number; to: number }[] = [];
  readonly delayed: JsonPatch[] = [];
  /** The last value of a person, and what was decided since. */
  lineage: Set<number>;
  claims: number;

  constructor(count: number) {
    this.stored = { count, operation: null, active: false, status: undefined };
    this.lineage = new Set([count]);
    this.claims = count;
  }

  /** As a person does it. */
  set(count: number): void {
    this.stored.count = count;
    this.lineage = new Set([count]);
  }

  observe(): Observation {
    const { count, operation, active, status } = this.stored;
    return observe({
      count,
      claims: { active: this.claims },
      assigned: this.claims,
      autoScaling,
      provisionMeta: {
        name: 'lab',
        uid: 'provision-uid',
        ...(operation === null ? {} : { annotations: { [workshopAnnotations.operation]: operation } }),
      },
      ...(status || active ? { status: { ...status, ...(active ? { autoScalingActive: true } : {}) } } : {}),
    });
  }

  /** JSON Patch as the API server does it: all of it or, when a test fails, nothing. */
  patch(patch: JsonPatch): boolean {
    const object: Record<string, unknown> = {
      '/metadata/uid': 'provision-uid',
      '/spec/count': this.stored.count,
      '/metadata/annotations': this.stored.operation === null ? null : {},
      [OPERATION]: this.stored.operation,
      '/status': this.stored.status || this.stored.active ? {} : null,
    };
    const passes = patch.every((step) => step.op !== 'test' || sameOrBoth(object[step.path], step.value));
    if (!passes) return false;
    const from = this.stored.count;
    for (const step of patch) {
      if (step.op === 'remove') this.stored.active = false;
      else if (step.op !== 'test') this.#write(step.path, step.value);
    }
    const written = patch.find(({ op }) => op === 'replace');
    if (written) this.applied.push({ id: this.stored.operation ?? '', from, to: this.stored.count });
    return true;
  }

  #write(path: string, value: unknown): void {
    if (path === '/spec/count') this.stored.count = value as number;
    else if (path === OPERATION) this.stored.operation = value as string;
    else if (path === '/metadata/annotations') {
      this.stored.operation = (value as Record<string, string>)[workshopAnnotations.operation] ?? null;
    } else if (path === '/status/autoScalingActive') this.stored.active = true;
    else if (path === '/status') {
      const { autoScalingActive, ...status } = value as Record<string, unknown>;
      this.stored.active = autoScalingActive === true;
      this.stored.status = status;
    } else this.stored.status = { ...this.stored.status, [path.replace('/status/', '')]: value };
  }
}

const OPERATION = '/metadata/annotations/babylon.gpte.redhat.com~1autoscaling-operation';

function sameOrBoth(found: unknown, wanted: unknown): boolean {
  return JSON.stringify(found ?? null) === JSON.stringify(wanted ?? null);
}

type Crash = 'none' | 'after flag' | 'answer lost' | 'after count';

/** One evaluation as the workflow makes it; a crash loses the state, as a terminated run does. */
function evaluate(
  cluster: Cluster,
  before: AutoscalerState,
  suffix: string,
  now: number,
  crash: Crash,
): AutoscalerState {
  let observation = cluster.observe();
  let state = before;
  const clear = (result: Parameters<typeof endOperation>[1]) => {
    state = endOperation(state, result, now, config, timings);
    const seen = cluster.observe();
    const keys = provisionStatus(seen, state, decideOn(withoutFlag(seen), state, now), now, 'w');
    if (seen.provision) cluster.patch(clearPatch(seen.provision, keys));
  };
  if (!state.operation && observation.provision?.status.autoScalingActive) {
    const found = adopt(observation, now, 7200);
    if (found.kind === 'clear') clear(found.result);
    if (found.kind === 'wait') state = { ...state, operation: found.operation };
    if (found.kind !== 'wait') observation = withoutFlag(cluster.observe());
  }
  if (state.operation) {
    const review = reviewOperation(state.operation, observation, reading, now);
    if (review.verdict === 'end') clear(review.result);
    else if (review.verdict === 'wait') state = { ...state, operation: review.operation };
    return state;
  }
  const decision = decideOn(observation, state, now);
  if (decision.action !== 'scaleUp' || !observation.provision) {
    if (cluster.stored.active) clear('Cancelled');
    return state;
  }
  state = startOperation(decision, observation, state, suffix, now, timings);
  const operation = state.operation as Operation;
  const seen = cluster.observe().provision;
  if (seen) cluster.patch(flagPatch(seen, provisionStatus(observation, state, decision, now, 'w')));
  if (crash === 'after flag') return newState();
  const patch = countPatch(observation.provision, { ...operation, operationId: operation.id });
  cluster.delayed.push(patch);
  const answered = cluster.patch(patch);
  if (crash === 'after count') return newState();
  const ours =
    (crash !== 'answer lost' && answered) || isWritten(cluster.observe(), { ...operation, operationId: operation.id });
  if (!ours) {
    clear('Superseded');
    return state;
  }
  cluster.lineage.add(operation.target);
  return countWritten(state, now);
}

const evaluation = fc.record({
  kind: fc.constant('evaluate' as const),
  crash: fc.constantFrom<Crash>('none', 'none', 'none', 'after flag', 'answer lost', 'after count'),
});

const action = fc.oneof(
  { weight: 5, arbitrary: evaluation },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('person' as const), count: fc.integer({ min: 1, max: 24 }) }) },
  // Back to a count that an earlier write tested: what a delayed copy of that write waits for.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back' as const), which: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('terminate' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), which: fc.nat(100) }) },
);

test('2 3 4 whatever comes between: epochs grow, one write an operation, a person wins, a flag means an operation, and none stays', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(action, { minLength: 40, maxLength: 80, size: 'max' }),
      (start, actions) => {
        const cluster = new Cluster(start);
        let [state, now]: [AutoscalerState, number] = [newState(), NOW];
        actions.forEach((step, index) => {
          now += 1000;
          const suffix = index.toString(16).padStart(8, '0');
          if (step.kind === 'terminate') state = newState();
          if (step.kind === 'settle') cluster.claims = cluster.stored.count;
          if (step.kind === 'person') cluster.set(step.count);
          if (step.kind === 'back') {
            const patch = cluster.delayed[step.which % Math.max(1, cluster.delayed.length)];
            const tested = patch?.find(({ op, path }) => op === 'test' && path === '/spec/count');
            if (tested && tested.op === 'test') cluster.set(tested.value as number);
          }
          if (step.kind === 'late') {
            const patch = cluster.delayed[step.which % Math.max(1, cluster.delayed.length)];
            const before = { ...cluster.stored };
            if (patch) cluster.patch(patch);
            expect(cluster.stored).toEqual(before);
          }
          if (step.kind === 'evaluate') {
            const [known, from] = [new Set(cluster.lineage), cluster.stored.count];
            state = evaluate(cluster, state, suffix, now, step.crash);
            // A decision made from an observation of a value of this lineage, and of nothing else.
            if (cluster.stored.count !== from) cluster.lineage.add(cluster.stored.count);
            expect(known.has(from)).toBe(true);
            // Whoever is left with its state after a look has a flag exactly while its operation is unfinished.
            if (step.crash === 'none') expect(cluster.stored.active).toBe(state.operation !== undefined);
          }
          expect(cluster.lineage.has(cluster.stored.count)).toBe(true);
        });
        const epochs = cluster.applied.map(({ id }) => epochOf(id));
        expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
        expect(new Set(cluster.applied.map(({ id }) => id)).size).toBe(cluster.applied.length);
        for (const { from, to } of cluster.applied) expect(to).toBeGreaterThan(from);

        // Left alone with claims that settle, every operation ends and takes its flag along.
        cluster.stored.count = Math.min(cluster.stored.count, 24);
        for (let look = 0; look < 24; look++) {
          now += 10_000;
          cluster.claims = cluster.stored.count;
          state = evaluate(cluster, state, (1000 + look).toString(16).padStart(8, '0'), now, 'none');
        }
        expect([cluster.stored.active, cluster.stored.count, state.operation]).toEqual([false, 24, undefined]);
      },
    ),
    { numRuns: 40 },
  );
});

test('6 provisions of one workshop that decide in any order overshoot by at most one step each', () => {
  const order = fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 3 });
  fc.assert(
    fc.property(
      order,
      fc.integer({ min: 2, max: 12 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      (names, size, stale) => {
        const objects = rawObjects({ count: 0, claims: {} });
        const counts: Record<string, number> = { a: size, b: size, c: size };
        const claims = names.flatMap((name) =>
          Array.from({ length: size }, (_, index) => claim(`${name}-${index}`, 'active', name)),
        );
        const seats = claims.flatMap((of) => seatsFor(of, 1)).map(taken);
        const provisionOf = (name: string, count = 0) => ({
          metadata: { name, uid: name, labels: { [workshopLabels.workshop]: 'ws' } },
          spec: { workshopName: 'ws', count },
        });
        const look = (name: string, now: Record<string, number>) =>
          decideOn(
            readObservation({
              ...objects,
              name,
              provision: provisionOf(name, now[name]),
              provisions: names.map((one) => provisionOf(one, now[one])),
              claims,
              seats,
            }),
          );
        const before = { ...counts };
        const steps: Record<string, number> = {};
        names.forEach((name, index) => {
          const decision = look(name, stale[index] ? before : counts);
          if (decision.action !== 'scaleUp' || decision.target === undefined) return;
          steps[name] = (steps[name] ?? 0) + 1;
          counts[name] = decision.target;
        });
        // Seats on the way make the others wait, once they are seen; who looked at the same instant takes one step.
        for (const name of names) expect(look(name, counts).reason).not.toBe('Scale');
        for (const name of names) expect(steps[name] ?? 0).toBeLessThanOrEqual(1);
      },
    ),
  );
});
