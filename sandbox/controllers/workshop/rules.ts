import { workshopLabels } from '../../../contract/workshop/objects.ts';
import { isBeingDeleted } from '../objects.ts';
import type { Claim, Provision, Workshop } from './objects.ts';

/** When the manager makes a claim. Written apart from the autoscaler's own reading, so that a mistake shows. */

export interface ManagerCounts {
  live: number;
  active: number;
  failed: number;
  provisioning: number;
}

const BREAKER = 0.6;

export function countClaims(claims: readonly Claim[]): ManagerCounts {
  const live = claims.filter((claim) => !isBeingDeleted(claim));
  const states = live.map((claim) => claim.status?.resources?.map(({ state }) => state) ?? []);
  const failed = states.filter((all) => all.some((state) => /-failed$/.test(currentState(state)))).length;
  const active = states.filter(
    (all) => all.length > 0 && all.every((state) => currentState(state) === 'started'),
  ).length;
  return { live: live.length, active, failed, provisioning: live.length - active - failed };
}

export function mayCreate(provision: Provision, workshop: Workshop, counts: ManagerCounts, now: number): boolean {
  const { count, concurrency = count } = provision.spec;
  const starts = [provision.spec.lifespan?.start, workshop.spec?.lifespan?.start];
  if (workshop.metadata.labels?.[workshopLabels.workshopId] === undefined) return false;
  if (starts.some((start) => start !== undefined && Date.parse(start) > now)) return false;
  if (count > 0 && counts.failed >= BREAKER * count) return false;
  return counts.live < count + counts.failed && counts.provisioning < concurrency;
}

function currentState(state: unknown): string {
  const vars = (state as { spec?: { vars?: { current_state?: string } } } | null | undefined)?.spec?.vars;
  return vars?.current_state ?? '';
}
