import { isRecord } from '../../contract/record.ts';
import {
  type Condition,
  type ObjectMeta,
  type ProvisionStatusFields,
  type ResourceClaim,
  type Workshop,
  type WorkshopProvision,
  type WorkshopUserAssignment,
  workshopAnnotations,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import type { NamedCount } from '../../contract/workshop/state.ts';
import { claimLife, isLive, provisioningSeconds, provisionOf } from './claims.ts';
import { autoScalingOf, conditionsOf, cut, textOf } from './readable.ts';

/** One reading of a provision and its workshop, small enough for a history: numbers, and ten names a list at most. */
export interface Observation {
  namespace: string;
  name: string;
  /** Null: the API says that it does not exist. */
  provision: ProvisionFacts | null;
  workshop: WorkshopFacts | null;
  claims: ClaimNumbers;
  seats: { workshop: SeatNumbers; provision: SeatNumbers };
  /** Every provision of the workshop that is neither ignored nor being deleted, this one included and first. */
  provisions: CapacityFacts[];
}

export interface SeatNumbers {
  total: number;
  assigned: number;
}

interface ObjectFacts {
  uid: string;
  generation: number;
  resourceVersion: string;
  deleting: boolean;
  ignored: boolean;
  /** The pause annotation as it is; absent or null: not set. */
  paused?: { until: string; reason: string };
  schedule: Schedule;
}

/** RFC 3339, as the object says it. */
export interface Schedule {
  lifespanStart?: string;
  lifespanEnd?: string;
  actionStart?: string;
  actionStop?: string;
}

export interface ProvisionFacts extends ObjectFacts {
  workshopName: string;
  /** Null when it is no whole number from 0: the schema was bypassed. */
  count: number | null;
  operationAnnotation: string | null;
  hasAnnotations: boolean;
  hasStatus: boolean;
  /** Our own keys of its status. */
  status: ProvisionStatusFields;
}

export interface WorkshopFacts extends ObjectFacts {
  name: string;
  /** `spec.autoScaling` as it is, for `readConfig`. */
  autoScaling?: unknown;
  multiuser: boolean;
  provisionDisabled: boolean;
  locked: boolean;
  registrationClosed: boolean;
  conditions: Condition[];
  hasStatus: boolean;
  hasAutoScalingStatus: boolean;
}

/** Live claims of this provision. */
export interface ClaimNumbers {
  live: number;
  /** Failed ones are complete: nothing waits for them. */
  complete: number;
  active: number;
  /** Live and not complete, the pending ones included. */
  provisioning: number;
  pending: number;
  failed: NamedCount;
  withAssignedSeat: number;
  /** Newest creation time; absent without claims. */
  newest?: string;
  /** Of the complete claims; absent when none says it. */
  medianProvisioningSeconds?: number;
  /** Claims without an assigned seat that scale-down would remove first: failed ones, then the oldest; ten at most. */
  removable: RemovableClaim[];
}

export interface RemovableClaim {
  name: string;
  uid: string;
  seats: { name: string; uid: string; resourceVersion: string }[];
}

/** What a provision adds to the seats of its workshop. */
export interface CapacityFacts {
  count: number;
  active: number;
  provisioning: number;
  breakerOpen: boolean;
  seatsPerClaim: number;
  lifespanStart?: string;
}

export interface RawObjects {
  namespace: string;
  name: string;
  /** Undefined: 404. */
  provision: WorkshopProvision | undefined;
  workshop: Workshop | undefined;
  /** All with the label of the workshop. */
  provisions: readonly WorkshopProvision[];
  claims: readonly ResourceClaim[];
  seats: readonly WorkshopUserAssignment[];
}

/** Names that a list of the observation holds at most. */
const NAMES = 10;

/** An operation annotation that is longer is none of ours, and cannot be tested for: it is cut here, and refused by the checks. */
export const LONGEST_FENCE = 200;

/** The manager stops making claims from this share of failed ones (per cent of the count). */
const BREAKER_PERCENT = 60;

export function readObservation(raw: RawObjects): Observation {
  const { namespace, name } = raw;
  const workshopName = raw.workshop?.metadata?.name ?? raw.provision?.spec?.workshopName;
  const claims = raw.claims.filter(
    (claim) => isLive(claim) && claim.metadata?.labels?.[workshopLabels.workshop] === workshopName,
  );
  const seats = seatsByClaim(raw.seats, claims, workshopName);
  const own = claims.filter((claim) => provisionOf(claim) === name);
  const multiuser = raw.workshop?.spec?.multiuserServices === true;
  const peers = raw.provisions.filter(
    (peer) => peer.metadata?.name !== name && !isHidden(peer.metadata) && !peer.metadata?.deletionTimestamp,
  );
  return {
    namespace,
    name,
    provision: raw.provision ? provisionFacts(raw.provision) : null,
    workshop: raw.workshop ? workshopFacts(raw.workshop) : null,
    claims: claimNumbers(own, seats),
    seats: { workshop: countSeats(claims, seats), provision: countSeats(own, seats) },
    provisions: [...(raw.provision ? [raw.provision] : []), ...peers].map((provision) =>
      capacity(
        provision,
        claims.filter((claim) => provisionOf(claim) === provision.metadata?.name),
        seats,
        multiuser,
      ),
    ),
  };
}

/** Whether the manager has stopped making claims: failed live claims / count x 100 >= 60. */
export function breakerOpen(failed: number, count: number): boolean {
  return count > 0 && (failed / count) * 100 >= BREAKER_PERCENT;
}

type SeatsByClaim = ReadonlyMap<string, readonly WorkshopUserAssignment[]>;

/** Seats of live claims; a seat whose claim is missing or being deleted is neither free nor assigned. */
function seatsByClaim(
  seats: readonly WorkshopUserAssignment[],
  claims: readonly ResourceClaim[],
  workshop: string | undefined,
): SeatsByClaim {
  const byClaim = new Map<string, WorkshopUserAssignment[]>(claims.map(({ metadata }) => [metadata?.name ?? '', []]));
  for (const seat of seats) {
    if (seat.metadata?.deletionTimestamp !== undefined || seat.spec?.workshopName !== workshop) continue;
    byClaim.get(seat.spec?.resourceClaimName ?? '')?.push(seat);
  }
  return byClaim;
}

function seatsOf(claim: ResourceClaim, seats: SeatsByClaim): readonly WorkshopUserAssignment[] {
  return seats.get(claim.metadata?.name ?? '') ?? [];
}

export function isAssigned(seat: WorkshopUserAssignment): boolean {
  return typeof seat.spec?.assignment === 'object' && seat.spec.assignment !== null;
}

function countSeats(claims: readonly ResourceClaim[], seats: SeatsByClaim): SeatNumbers {
  const all = claims.flatMap((claim) => seatsOf(claim, seats));
  return { total: all.length, assigned: all.filter(isAssigned).length };
}

function claimNumbers(claims: readonly ResourceClaim[], seats: SeatsByClaim): ClaimNumbers {
  const lives = claims.map(claimLife);
  const of = (life: string) => lives.filter((candidate) => candidate === life).length;
  const failed = claims.filter((_, index) => lives[index] === 'failed');
  const taken = claims.filter((claim) => seatsOf(claim, seats).some(isAssigned));
  const median = medianOf(claims.flatMap((claim) => provisioningSeconds(claim) ?? []));
  const newest = claims
    .map(({ metadata }) => metadata?.creationTimestamp ?? '')
    .sort()
    .at(-1);
  return {
    live: claims.length,
    complete: of('active') + of('failed'),
    active: of('active'),
    provisioning: of('pending') + of('provisioning'),
    pending: of('pending'),
    failed: { count: failed.length, names: namesOf(failed) },
    withAssignedSeat: taken.length,
    ...(newest ? { newest } : {}),
    ...(median === undefined ? {} : { medianProvisioningSeconds: median }),
    removable: removable(claims, seats),
  };
}

function removable(claims: readonly ResourceClaim[], seats: SeatsByClaim): RemovableClaim[] {
  const rank = (claim: ResourceClaim) => (claimLife(claim) === 'failed' ? 0 : 1);
  const born = (claim: ResourceClaim) => `${claim.metadata?.creationTimestamp} ${claim.metadata?.name}`;
  return claims
    .filter((claim) => !seatsOf(claim, seats).some(isAssigned))
    .sort((a, b) => rank(a) - rank(b) || (born(a) < born(b) ? -1 : 1))
    .slice(0, NAMES)
    .map((claim) => ({
      ...identity(claim.metadata),
      seats: seatsOf(claim, seats).map(({ metadata }) => ({
        ...identity(metadata),
        resourceVersion: metadata?.resourceVersion ?? '',
      })),
    }));
}

function capacity(
  provision: WorkshopProvision,
  claims: readonly ResourceClaim[],
  seats: SeatsByClaim,
  multiuser: boolean,
): CapacityFacts {
  const lives = claims.map(claimLife);
  const count = wholeCount(provision) ?? 0;
  const sizes = claims.flatMap((claim, index) => {
    const size = seatsOf(claim, seats).length;
    return lives[index] === 'active' && size > 0 ? [size] : [];
  });
  const start = textOf(provision.spec?.lifespan?.start, 100);
  return {
    count,
    active: lives.filter((life) => life === 'active').length,
    provisioning: lives.filter((life) => life === 'pending' || life === 'provisioning').length,
    breakerOpen: breakerOpen(lives.filter((life) => life === 'failed').length, count),
    seatsPerClaim: multiuser && sizes.length > 0 ? Math.max(1, Math.floor(sum(sizes) / sizes.length)) : 1,
    ...(start === undefined ? {} : { lifespanStart: start }),
  };
}

function provisionFacts(provision: WorkshopProvision): ProvisionFacts {
  const { metadata, spec, status } = provision;
  const { autoScalingActive, assignedCount } = status ?? {};
  const autoScaling = autoScalingOf(status?.autoScaling);
  return {
    ...objectFacts(metadata, spec),
    workshopName: spec?.workshopName ?? '',
    count: wholeCount(provision),
    operationAnnotation: metadata?.annotations?.[workshopAnnotations.operation]?.slice(0, LONGEST_FENCE + 1) ?? null,
    hasAnnotations: metadata?.annotations !== undefined,
    hasStatus: isRecord(status),
    status: {
      // Whatever stands there is a flag for others.
      ...(autoScalingActive === undefined ? {} : { autoScalingActive: autoScalingActive === true }),
      ...(autoScaling === undefined ? {} : { autoScaling }),
      ...(Number.isFinite(assignedCount) ? { assignedCount } : {}),
    },
  };
}

function workshopFacts(workshop: Workshop): WorkshopFacts {
  const { metadata, spec, status } = workshop;
  return {
    ...objectFacts(metadata, spec),
    name: metadata?.name ?? '',
    ...(spec?.autoScaling === undefined ? {} : { autoScaling: bounded(spec.autoScaling) }),
    multiuser: spec?.multiuserServices === true,
    provisionDisabled: spec?.provisionDisabled === true,
    locked: metadata?.labels?.[workshopLabels.lock] === 'true',
    registrationClosed: spec?.openRegistration === false,
    conditions: conditionsOf(status?.autoScaling?.conditions),
    hasStatus: isRecord(status),
    hasAutoScalingStatus: isRecord(status?.autoScaling),
  };
}

/** A configuration of ours is below 1 KB; more than that is not carried through a history, and not valid. */
function bounded(autoScaling: unknown): unknown {
  return (JSON.stringify(autoScaling) ?? '').length > 4_000 ? 'an object of more than 4 000 characters' : autoScaling;
}

function objectFacts(metadata: ObjectMeta | undefined, spec: Workshop['spec']): ObjectFacts {
  const paused = metadata?.annotations?.[workshopAnnotations.paused];
  const { lifespan, actionSchedule } = spec ?? {};
  return {
    uid: metadata?.uid ?? '',
    generation: metadata?.generation ?? 0,
    resourceVersion: metadata?.resourceVersion ?? '',
    deleting: metadata?.deletionTimestamp !== undefined,
    ignored: isHidden(metadata),
    ...(paused === undefined
      ? {}
      : {
          paused: {
            until: paused.slice(0, 100),
            reason: cut(metadata?.annotations?.[workshopAnnotations.pausedReason] ?? '', 200),
          },
        }),
    schedule: {
      ...(lifespan?.start == null ? {} : { lifespanStart: shown(lifespan.start) }),
      ...(lifespan?.end == null ? {} : { lifespanEnd: shown(lifespan.end) }),
      ...(actionSchedule?.start == null ? {} : { actionStart: shown(actionSchedule.start) }),
      ...(actionSchedule?.stop == null ? {} : { actionStop: shown(actionSchedule.stop) }),
    },
  };
}

/** What is no time is told of as a warning. */
function shown(time: unknown): string {
  return textOf(time, 100) ?? 'no time';
}

function isHidden(metadata: ObjectMeta | undefined): boolean {
  return metadata?.labels?.[workshopLabels.ignore] !== undefined;
}

function wholeCount({ spec }: WorkshopProvision): number | null {
  const count: unknown = spec?.count;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

function identity(metadata: ObjectMeta | undefined): { name: string; uid: string } {
  return { name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
}

function namesOf(claims: readonly ResourceClaim[]): string[] {
  return claims
    .map(({ metadata }) => metadata?.name ?? '')
    .sort()
    .slice(0, NAMES);
}

function medianOf(values: number[]): number | undefined {
  const sorted = values.sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
