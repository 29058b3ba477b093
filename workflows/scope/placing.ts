import type { Lookup } from '../../activities/scope/dns.ts';
import type { PlaceInput } from '../../activities/scope/ledger/place-answer.ts';
import { bringsForeignHosts, type ScopeRequest } from '../../domain/scope/request.ts';
import { runFailure, withinPatience } from '../failures.ts';
import { local, mutations, reads, watches } from './activities.ts';
import { lostHold } from './hold.ts';
import { isoIn, type ScopeRun } from './run.ts';
import { awaitRemoval } from './undo.ts';

/** Where the scope goes: looked up, observed, decided; observed again as long as the facts are too old to decide on. */

export type Placed = Extract<Awaited<ReturnType<typeof local.placeScope>>, { kind: 'placed' }>;
export type Planned = Extract<Awaited<ReturnType<typeof local.placeScope>>, { kind: 'planned' }>;

/** Worker and database clocks may differ this much. */
const CLOCK_ALLOWANCE_SECONDS = 1;

export interface Facts {
  request: ScopeRequest;
  pool: PlaceInput['pool'];
  lookup: Lookup;
  unreadable: Record<string, string>;
  /** When the latest observation began, in milliseconds: what this run read itself is fresh enough to decide on. */
  observedFrom: number;
}

/** Looks up the domain and observes the pool, at the same time. */
export async function gatherFacts(run: ScopeRun, request: ScopeRequest, account: string): Promise<Facts> {
  const pool = { account, region: request.region, scheme: request.scheme };
  const { observationMaxAge, readPatience } = request.timings;
  const activities = reads(poolSummary(request), request.timings);
  const observedFrom = Date.now();
  const words = `the balancers of ${request.region} could not be read within ${readPatience} s`;
  const [lookup, reading] = await Promise.all([
    request.zones.length === 0
      ? { absentIn: [] }
      : mutations(`existing record of ${request.domain}`, request.timings).findExistingAlias({
          scopeId: request.scopeId,
          domain: request.domain,
          zones: request.zones,
          pool,
          reader: `${run.key}/alias`,
          maxAgeSeconds: observationMaxAge,
        }),
    withinPatience('BalancerUnreadable', words, () =>
      activities.observePool(observation(run, request, pool, request.declared)),
    ),
  ]);
  return { request, pool, lookup, unreadable: reading.unreadable, observedFrom };
}

/** Decides, and records the decision unless it is a plan. Fails with the refusal's type. */
export async function decidePlacement(
  run: ScopeRun,
  facts: Facts,
  options: { mayCreate: boolean; dryRun: boolean },
): Promise<Placed | Planned> {
  const { request, pool, lookup } = facts;
  const owners: PlaceInput['owners'] = {};
  const giveUpAt = Date.now() + request.timings.readPatience * 1000;
  for (;;) {
    const answer = await local.placeScope({
      request,
      pool,
      run: run.key,
      ...(lookup.alias ? { alias: lookup.alias } : {}),
      unreadable: facts.unreadable,
      owners,
      maxAgeSeconds: Math.max(
        request.timings.observationMaxAge,
        (Date.now() - facts.observedFrom) / 1000 + CLOCK_ALLOWANCE_SECONDS,
      ),
      ...options,
    });
    switch (answer.kind) {
      case 'placed':
      case 'planned':
        explain(run, answer);
        return answer;
      case 'stale':
        await observeAgain(run, facts, answer.names);
        break;
      case 'unreadable':
        explain(run, answer);
        if (Date.now() >= giveUpAt) {
          const message = `${answer.reason} for ${request.timings.readPatience} s: ${answer.error}. Repeat later.`;
          throw runFailure({
            type: 'BalancerUnreadable',
            message,
            details: { lastError: answer.error, candidates: answer.candidates },
          });
        }
        await readPatiently(run, facts, answer.reason, isoIn(giveUpAt, 0));
        break;
      case 'check-owner':
        owners[answer.name] = await mutations(`owner of ALB ${answer.name}`, request.timings).inspectOwner({
          region: request.region,
          arn: answer.arn,
          brand: request.brand,
          scheme: request.scheme,
          scopeId: request.scopeId,
        });
        break;
      case 'name-busy':
        await awaitRemoval(run, answer.balancer, request.timings, 'BalancerTimeout');
        break;
      case 'lost-hold':
        throw lostHold(request.scopeId);
      case 'refused':
        explain(run, answer);
        throw runFailure(answer);
    }
  }
}

/** A balancer that no one can read: looked at again until it can be, or patience ends. */
async function readPatiently(run: ScopeRun, facts: Facts, what: string, until: string): Promise<void> {
  const { request, pool } = facts;
  facts.observedFrom = Date.now();
  const seconds = Math.max(1, (Date.parse(until) - Date.now()) / 1000);
  const wait = { what: `${what} to be readable`, since: new Date(Date.now()).toISOString(), until };
  const reading = await run.waiting(wait, () =>
    withinPatience('BalancerUnreadable', `${what} until ${until}`, () =>
      watches(poolSummary(request), request.timings, seconds).observePool({
        ...observation(run, request, pool, Object.keys(facts.unreadable)),
        mustRead: true,
        until,
      }),
    ),
  );
  facts.unreadable = reading.unreadable;
}

async function observeAgain(run: ScopeRun, facts: Facts, names: string[]): Promise<void> {
  const { request, pool } = facts;
  facts.observedFrom = Date.now();
  const words = `balancers ${names.join(', ')} could not be read within ${request.timings.readPatience} s`;
  const reading = await withinPatience('BalancerUnreadable', words, () =>
    reads(poolSummary(request), request.timings).observePool(
      observation(run, request, pool, [...request.declared, ...names]),
    ),
  );
  facts.unreadable = reading.unreadable;
}

function observation(run: ScopeRun, request: ScopeRequest, pool: Facts['pool'], names: string[]) {
  return {
    pool,
    names,
    ...(request.dryRun ? {} : { declared: request.declared }),
    withCertificates: bringsForeignHosts(request),
    reader: `${run.key}/pool`,
    maxAgeSeconds: request.timings.observationMaxAge,
  };
}

function explain(run: ScopeRun, answer: Partial<Pick<Placed, 'candidates' | 'reason' | 'warnings'>>): void {
  if (answer.candidates && answer.candidates.length > 0) run.status.candidates = answer.candidates;
  if (answer.reason) run.status.reason = answer.reason;
  run.warn(...(answer.warnings ?? []));
  run.publish();
}

function poolSummary(request: ScopeRequest): string {
  return `${request.scheme} balancers of ${request.region}`;
}
