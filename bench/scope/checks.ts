import { fromRoute53Name } from '../../domain/scope/hosts.ts';
import type { Bed } from './bed.ts';
import type { Batch, Creation } from './creations.ts';
import { historiesOf, type RunHistory } from './history.ts';
import { PRIVATE_BALANCER, PRIVATE_ZONE, PUBLIC_ZONE, SEEDED_RULES, type Zones } from './pool.ts';

/** A count is not what it must be: the benchmark stops before it times anything. */
export class WrongCount extends Error {
  override readonly name = 'WrongCount';
}

export interface Expected {
  readonly zones: Zones;
  /** Most rules that a balancer may have, what was there before included. */
  readonly mostRules: number;
  readonly privateRules?: number;
}

/**
 * What must be true of the creations since the latest reset, asked of the ledger, of AWS and of the histories: everything
 * that was started is finished, once; every scope has its records, leading to its balancer; no balancer is over its
 * threshold, rules and placed scopes together. Throws `WrongCount`; answers the histories.
 */
export async function checkCounts(bed: Bed, batches: readonly Batch[], expected: Expected): Promise<RunHistory[]> {
  const creations = batches.flatMap(({ finished }) => finished);
  const started = batches.reduce((total, batch) => total + batch.started, 0);
  equal('finished creations', creations.length, started);
  equal('different scopes', new Set(creations.map(({ result }) => result.scopeId)).size, started);
  equal('different domains', new Set(creations.map(({ result }) => result.domain)).size, started);
  await checkLedger(bed, creations, expected);
  checkRecords(bed, creations, expected.zones);
  const histories = await historiesOf(bed, creations);
  equal('failed workflow tasks', histories.filter(({ failedTasks }) => failedTasks > 0).length, 0);
  return histories;
}

async function checkLedger(bed: Bed, creations: readonly Creation[], expected: Expected): Promise<void> {
  const { rows } = await bed.ledger.query<{ scope: string; state: string; held: boolean; balancer: string }>(
    `select p.scope_id as scope, p.state, p.holder is not null as held, b.name as balancer
       from placement p left join balancer b on b.id = p.balancer_id`,
  );
  equal('placements in the ledger', rows.length, creations.length);
  equal(
    'placements that are bound and let go',
    rows.filter(({ state, held }) => state === 'bound' && !held).length,
    rows.length,
  );
  const balancerOf = new Map(rows.map(({ scope, balancer }) => [scope, balancer]));
  const astray = creations.filter(({ result }) => balancerOf.get(result.scopeId) !== result.balancer.name);
  equal('placements that differ from the answer', astray.length, 0);
  const made = new Set(
    creations
      .filter(({ result }) => result.balancer.origin === 'autocreated')
      .map(({ result }) => result.balancer.name),
  );
  for (const name of new Set(balancerOf.values())) {
    const seeded = name === PRIVATE_BALANCER ? (expected.privateRules ?? SEEDED_RULES) : SEEDED_RULES;
    // The keeper of a new balancer has a rule of its own.
    const before = made.has(name) ? 1 : seeded;
    const placed = rows.filter(({ balancer }) => balancer === name).length;
    if (before + placed > expected.mostRules)
      throw new WrongCount(`balancer ${name} has ${before} rules and ${placed} scopes, over ${expected.mostRules}`);
  }
}

function checkRecords(bed: Bed, creations: readonly Creation[], zones: Zones): void {
  const targets = new Map(creations.map(({ result }) => [result.domain, result.balancer.dnsName]));
  const wanted = zones === 'two zones' ? [PRIVATE_ZONE, PUBLIC_ZONE] : [PUBLIC_ZONE];
  for (const zone of bed.sandbox.aws.dump().hostedZones ?? []) {
    const own = (zone.records ?? []).filter(({ name }) => targets.has(fromRoute53Name(name)));
    const right = own.filter(
      ({ name, type, alias }) =>
        type === 'A' && fromRoute53Name(alias?.dnsName ?? '') === targets.get(fromRoute53Name(name)),
    );
    const count = wanted.includes(zone.id ?? '') ? creations.length : 0;
    equal(`records in ${zone.id}`, own.length, count);
    equal(`records in ${zone.id} that lead to the scope's balancer`, right.length, count);
  }
}

function equal(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new WrongCount(`${what}: ${found}, must be ${wanted}`);
}
