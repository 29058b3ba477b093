import { workshopKinds, workshopLabels } from '../../../contract/workshop/objects.ts';
import type { SimulatedClock } from '../../clock.ts';
import type { KubeClient } from '../client.ts';
import { canonicalJson, isBeingDeleted, pathOf, pathTo } from '../objects.ts';
import { type Fate, type Outcome, outcomeOf, SIM } from './fate.ts';
import { type Claim, controllerReference, type Seat, workshopResources } from './objects.ts';

/** Stages of a claim that has not ended, as shares of its time. */
const RESOURCES_AT = 0.05;
const PROVISIONING_AT = 0.1;

/** What the manager wrote on a claim when it made it. */
export const fateAnnotations = (fate: Fate, seats: number, at: number) => ({
  [`${SIM}fate`]: `${fate.outcome} ${fate.seconds}`,
  [`${SIM}seats`]: String(seats),
  // Creation times have whole seconds, which is long where minutes are played fast.
  [`${SIM}created-at`]: String(at),
});

/**
 * The life of a claim: no status, resources without state, provisioning, then complete or failed, or never. Level-based: the
 * stage follows from the time that has passed, so that a restart goes on where it was.
 */
export class ClaimLife {
  readonly #client: KubeClient;
  readonly #clock: SimulatedClock;

  constructor(client: KubeClient, clock: SimulatedClock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Brings the claim to the stage of this moment. Answers the real milliseconds to its next stage. */
  async advance(claim: Claim): Promise<number | undefined> {
    if (isBeingDeleted(claim)) return undefined;
    const fate = readFate(claim);
    if (!fate) return undefined;
    const age = (Date.now() - fate.createdAt) / this.#clock.toRealMs(1);
    const resources = this.#resourcesAt(claim, fate, age);
    if (resources && canonicalJson(resources) !== canonicalJson(claim.status?.resources)) {
      const status = { resources, ready: isActive(resources), healthy: isActive(resources) };
      await this.#client.merge(pathTo(workshopResources.claim, claim, 'status'), { status });
    }
    if (resources && isActive(resources)) await this.#makeSeats(claim, fate.seats);
    const next = [RESOURCES_AT, PROVISIONING_AT, 1].map((share) => share * fate.seconds).find((at) => at > age);
    return next === undefined ? undefined : this.#clock.toRealMs(next - age);
  }

  #resourcesAt(claim: Claim, { outcome, seconds }: ReadFate, age: number): SimulatedResource[] | undefined {
    const name = claim.metadata.labels?.[workshopLabels.provision] ?? 'resource';
    if (age < RESOURCES_AT * seconds) return undefined;
    if (outcome === 'empty-resources') return [];
    if (age < PROVISIONING_AT * seconds) return [{ name }];
    if (outcome === 'hang' || age < seconds) return [{ name, state: subject('provisioning') }];
    if (outcome === 'fail') return [{ name, state: subject('provision-failed') }];
    const completed = completedAt(claim) ?? new Date().toISOString();
    return [{ name, state: subject(outcome === 'stop-failed' ? 'stop-failed' : 'started', completed) }];
  }

  /** Makes the seats that are missing. One claim is never worked on twice at a time, so a listing before is enough. */
  async #makeSeats(claim: Claim, wanted: number): Promise<void> {
    const { namespace, name, labels = {} } = claim.metadata;
    const workshop = labels[workshopLabels.workshop] ?? '';
    const labelSelector = `${workshopLabels.claim}=${name}`;
    const { items } = await this.#client.list<Seat>(workshopResources.seat, { labelSelector }, false, namespace);
    const there = new Set((items ?? []).map(({ spec }) => spec?.userName ?? ''));
    const users = wanted === 1 ? [''] : Array.from({ length: wanted }, (_, index) => `user${index + 1}`);
    for (const user of users.filter((candidate) => !there.has(candidate))) {
      const { apiVersion, kind } = workshopKinds.seat;
      await this.#client.create(pathOf(workshopResources.seat, namespace), {
        apiVersion,
        kind,
        metadata: {
          generateName: `${workshop}-`,
          labels: {
            [workshopLabels.workshop]: workshop,
            ...(labels[workshopLabels.workshopId]
              ? { [workshopLabels.workshopId]: labels[workshopLabels.workshopId] }
              : {}),
            [workshopLabels.claim]: name,
            ...(user === '' ? {} : { [workshopLabels.userName]: user }),
          },
          ownerReferences: [controllerReference(claim, 'claim')],
        },
        spec: {
          workshopName: workshop,
          resourceClaimName: name,
          ...(user === '' ? {} : { userName: user }),
          labUserInterface: { url: `https://${name}.labs.example.com/${user}` },
        },
      });
    }
  }
}

interface ReadFate extends Fate {
  seats: number;
  createdAt: number;
}

function readFate(claim: Claim): ReadFate | undefined {
  const { annotations, creationTimestamp } = claim.metadata;
  const [planned, seconds] = annotations?.[`${SIM}fate`]?.split(' ') ?? [];
  if (planned === undefined) return undefined;
  return {
    outcome: outcomeOf(annotations) ?? (planned as Outcome),
    seconds: Number(seconds),
    seats: Number(annotations?.[`${SIM}seats`] ?? 1),
    createdAt: Number(annotations?.[`${SIM}created-at`] ?? Date.parse(creationTimestamp)),
  };
}

function subject(state: string, completeTimestamp?: string) {
  return {
    kind: 'AnarchySubject',
    spec: { vars: { current_state: state } },
    ...(completeTimestamp ? { status: { towerJobs: { provision: { completeTimestamp } } } } : {}),
  };
}

function completedAt(claim: Claim): string | undefined {
  return claim.status?.resources?.[0]?.state?.status?.towerJobs?.provision?.completeTimestamp;
}

interface SimulatedResource {
  name: string;
  state?: ReturnType<typeof subject>;
}

function isActive(resources: readonly SimulatedResource[]): boolean {
  return resources.length > 0 && resources.every(({ state }) => state?.spec.vars.current_state === 'started');
}
