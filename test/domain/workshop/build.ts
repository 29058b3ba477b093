import {
  type ResourceClaim,
  type Workshop,
  type WorkshopProvision,
  type WorkshopUserAssignment,
  workshopAnnotations,
  workshopLabels,
} from '../../../contract/workshop/objects.ts';
import type { AutoscalerState } from '../../../contract/workshop/state.ts';
import type { Decision } from '../../../contract/workshop/status.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { decide } from '../../../domain/workshop/decide.ts';
import { type Observation, type RawObjects, readObservation } from '../../../domain/workshop/observation.ts';
import { defaultWorkshopTimings } from '../../../domain/workshop/settings.ts';
import { newState, remember } from '../../../domain/workshop/state.ts';

/** Workshops for tests: raw objects as the API gives them, and the way from there to a decision. */

export const NOW = Date.parse('2026-03-01T12:00:00Z');
export const timings = defaultWorkshopTimings;

export const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

export type ClaimKind = 'active' | 'failed' | 'provisioning' | 'pending' | 'empty' | 'stop-failed';

export interface Situation {
  count: number;
  /** Claims by kind; the default is `count` active ones. */
  claims?: Partial<Record<ClaimKind, number>>;
  /** Seats taken, from the first claim on. */
  assigned?: number;
  seatsPerClaim?: number;
  autoScaling?: unknown;
  workshop?: Partial<NonNullable<Workshop['spec']>>;
  provision?: Partial<NonNullable<WorkshopProvision['spec']>>;
  workshopMeta?: Workshop['metadata'];
  provisionMeta?: WorkshopProvision['metadata'];
  status?: WorkshopProvision['status'];
}

export const enabled = { enabled: true };

export function rawObjects(situation: Situation): RawObjects {
  const { count, seatsPerClaim = 1, assigned = 0, claims: kinds = { active: count } } = situation;
  const claims = claimsOf(kinds);
  const seats = claims.flatMap(({ claim, kind }) => (kind === 'active' ? seatsFor(claim, seatsPerClaim) : []));
  const autoScaling = 'autoScaling' in situation ? situation.autoScaling : enabled;
  const provision: WorkshopProvision = {
    metadata: {
      name: 'lab',
      uid: 'provision-uid',
      generation: 7,
      resourceVersion: '70',
      labels: { [workshopLabels.workshop]: 'ws' },
      ...situation.provisionMeta,
    },
    spec: { workshopName: 'ws', count, ...situation.provision },
    ...(situation.status ? { status: situation.status } : {}),
  };
  return {
    namespace: 'user-1',
    name: 'lab',
    provision,
    workshop: {
      metadata: { name: 'ws', uid: 'workshop-uid', generation: 3, ...situation.workshopMeta },
      spec: {
        ...(autoScaling === undefined ? {} : { autoScaling }),
        openRegistration: true,
        multiuserServices: seatsPerClaim > 1,
        ...situation.workshop,
      },
    },
    provisions: [provision],
    claims: claims.map(({ claim }) => claim),
    seats: seats.map((seat, index) => (index < assigned ? taken(seat) : seat)),
  };
}

export function observe(situation: Situation): Observation {
  return readObservation(rawObjects(situation));
}

export function decideOn(observation: Observation, state: AutoscalerState = newState(), now = NOW): Decision {
  return decide(observation, readConfig(observation.workshop?.autoScaling), state, now, timings);
}

export function decideAbout(situation: Situation, state?: AutoscalerState, now?: number): Decision {
  return decideOn(observe(situation), state, now);
}

/** One look after another, each remembered as a run does it: seconds after `NOW`, and what is seen then. */
export function lookAlong(looks: readonly (readonly [number, Situation])[], before: AutoscalerState = newState()) {
  let state = before;
  const decisions = looks.map(([seconds, situation]) => {
    const [observation, now] = [observe(situation), NOW + seconds * 1000];
    const decision = decideOn(observation, state, now);
    state = remember(state, observation, decision, now, '07d3e5b1');
    return decision;
  });
  return { decisions, state };
}

export function claim(
  name: string,
  kind: ClaimKind,
  provision: string | undefined = 'lab',
  created = at(-7200),
): ResourceClaim {
  const state = (current: string, completed?: string) => ({
    kind: 'AnarchySubject',
    spec: { vars: { current_state: current } },
    ...(completed ? { status: { towerJobs: { provision: { completeTimestamp: completed } } } } : {}),
  });
  const completed = new Date(Date.parse(created) + 600_000).toISOString();
  const states = {
    active: [{ name: 'lab', state: state('started', completed) }],
    failed: [{ name: 'lab', state: state('provision-failed') }],
    'stop-failed': [{ name: 'lab', state: state('stop-failed', completed) }],
    provisioning: [{ name: 'lab', state: state('provisioning') }],
    pending: [{ name: 'lab' }],
    empty: [],
  };
  return {
    metadata: {
      name,
      uid: `${name}-uid`,
      creationTimestamp: created,
      labels: { [workshopLabels.workshop]: 'ws', ...(provision ? { [workshopLabels.provision]: provision } : {}) },
    },
    status: { resources: states[kind] },
  };
}

export function seatsFor(of: ResourceClaim, number: number): WorkshopUserAssignment[] {
  const name = of.metadata?.name ?? '';
  return Array.from({ length: number }, (_, index) => ({
    metadata: { name: `${name}-seat-${index + 1}`, uid: `${name}-seat-${index + 1}-uid`, resourceVersion: '5' },
    spec: { workshopName: 'ws', resourceClaimName: name, userName: `user${index + 1}` },
  }));
}

export function taken(seat: WorkshopUserAssignment): WorkshopUserAssignment {
  return { ...seat, spec: { ...seat.spec, assignment: { email: `${seat.metadata?.name}@example.com` } } };
}

export const operationAnnotation = (id: string) => ({ [workshopAnnotations.operation]: id });

function claimsOf(kinds: Partial<Record<ClaimKind, number>>): { claim: ResourceClaim; kind: ClaimKind }[] {
  return (Object.entries(kinds) as [ClaimKind, number][]).flatMap(([kind, number]) =>
    Array.from({ length: number }, (_, index) => ({
      kind,
      claim: claim(`lab-${kind}-${String(index).padStart(3, '0')}`, kind),
    })),
  );
}
