import { CancellationScope } from '@temporalio/workflow';
import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import type { ScopeCreationResult, ScopePlan } from '../../contract/scope/status.ts';
import { keeperName } from '../../domain/scope/keeper.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { runFailure } from '../failures.ts';
import { words } from '../unchecked.ts';
import { local, mutations } from './activities.ts';
import { writeDns } from './dns.ts';
import { endWith, letGo } from './ending.ts';
import { planWithExternalDns, withExternalDns } from './external-dns.ts';
import { holdScope, lostHold } from './hold.ts';
import { removeLeft, undoLeft } from './left.ts';
import { decidePlacement, type Facts, gatherFacts, type Placed } from './placing.ts';
import { makeReady, type ReadyBalancer } from './ready.ts';
import { ScopeRun } from './run.ts';
import { Compensations, leaveBalancer } from './undo.ts';

/**
 * Creates a scope: a place on a balancer, which is made when all are full, and its DNS records. Repeating a finished
 * creation verifies everything, repairs what drifted and answers the same; a failed or cancelled one leaves nothing.
 * With `dryRun` it only decides and answers the plan.
 */
export async function scopeCreation(input: ScopeCreationInput): Promise<ScopeCreationResult | ScopePlan> {
  const run = new ScopeRun(input?.dryRun ? 'plan' : 'creation', words(input?.scopeId));
  const compensations = new Compensations();
  let holds = false;
  try {
    run.enter('Validating', typeof input?.environment === 'string' ? input.environment : undefined);
    const { request, account } = await local.acceptScopeCreation({ input });
    accept(run, request);
    if (request.dryRun)
      return await (request.dnsType === 'external_dns'
        ? planWithExternalDns(run, request)
        : plan(run, request, account));

    holds = true; // also when the answer is lost to a cancellation: letting go touches only what this run holds
    const before = await holdScope(run, request.timings);
    run.enter('Placing');
    const { namespace, createNamespace, brand } = request;
    await mutations(`namespace ${namespace}`, request.timings).ensureNamespace({
      namespace,
      createIfMissing: createNamespace,
      brand,
    });
    const repeat = before.state === 'bound';
    const left = undoLeft(run, request, before, compensations);
    if (request.dnsType === 'external_dns') {
      const result = await withExternalDns(run, request, compensations, repeat);
      await removeLeft(run, request, left);
      const { hosts } = await CancellationScope.nonCancellable(() => finish(run));
      return { ...result, hosts };
    }
    const facts = await gatherFacts(run, request, account);
    const { placed, balancer, repaired } = await placeAndMakeReady(run, facts, compensations, repeat);
    const dns = await writeDns(run, request, balancer, facts.lookup.absentIn, compensations);
    await removeLeft(run, request, left);
    const bound = await CancellationScope.nonCancellable(() => finish(run));
    const restored = repeat ? [...repaired, ...restoredRecords(run)] : [];
    return creationResult(run, bound, placed, balancer, dns, restored);
  } catch (error) {
    throw await endWith(run, error, compensations, holds);
  }
}

/** From here on the scope exists, as the row says: a cancellation that arrives now comes too late and undoes nothing. */
async function finish(run: ScopeRun): Promise<PlacementRow> {
  const bound = await local.bindPlacement({ scopeId: run.status.scopeId, run: run.key });
  if (bound.state !== 'bound') throw lostHold(run.status.scopeId);
  run.status.hosts = bound.hosts;
  run.enter('Done');
  await letGo(run);
  return bound;
}

function accept(run: ScopeRun, request: ScopeRequest): void {
  run.status.inputDigest = request.digest;
  run.status.hosts = request.hosts;
  run.status.domain = request.domain;
  run.status.visibility = request.visibility;
  run.warn(...request.warnings);
}

/** Causes that would hit any new balancer too: after one of them only an existing balancer will do. */
const CAUSES_OF_ANY_NEW_BALANCER = ['CertificateMissing', 'BalancerQuotaExceeded'];

/** Places the scope and waits for its balancer; when that one fails, decides again, a bounded number of times. */
async function placeAndMakeReady(
  run: ScopeRun,
  facts: Facts,
  compensations: Compensations,
  repeat: boolean,
): Promise<{ placed: Placed; balancer: ReadyBalancer; repaired: string[] }> {
  const { request } = facts;
  compensations.before(`placement of scope ${request.scopeId}`, async () => {
    await leaveBalancer(run, 'undo', request.timings);
  });
  let mayCreate = true;
  for (let replacements = 0; ; replacements++) {
    const placed = (await decidePlacement(run, facts, { mayCreate, dryRun: false })) as Placed;
    const { name, origin, state } = placed.balancer;
    run.placedOn({ name, origin, state, created: placed.createdBalancer });
    const readiness = await makeReady(run, request, placed.balancer, repeat);
    if (readiness.kind === 'ready')
      return { placed, balancer: readiness.balancer, repaired: [...placed.repaired, ...readiness.repaired] };

    if (replacements >= request.maxReplacements) throw runFailure(readiness.failure);
    mayCreate = mayCreate && !CAUSES_OF_ANY_NEW_BALANCER.includes(readiness.failure.type);
    if (!mayCreate && !hasOtherRoom(run, name)) throw runFailure(readiness.failure);
    const { left } = await leaveBalancer(run, 'undo', request.timings);
    if (!left) throw runFailure(readiness.failure);
    run.warn({ code: 'BalancerReplaced', message: `left balancer ${name}: ${readiness.failure.message}` });
    run.enter('Placing');
  }
}

/** Whether the last decision knew another balancer with room. */
function hasOtherRoom(run: ScopeRun, name: string): boolean {
  return run.status.candidates.some((candidate) => candidate.name !== name && candidate.hasRoom);
}

async function plan(run: ScopeRun, request: ScopeRequest, account: string): Promise<ScopePlan> {
  run.enter('Placing');
  const facts = await gatherFacts(run, request, account);
  const planned = await decidePlacement(run, facts, { mayCreate: true, dryRun: true });
  const { name, origin } = planned.balancer;
  const wouldBeCreated = planned.kind === 'planned' && planned.wouldCreate;
  const target = planned.balancer.dnsName ?? `the DNS name of ${name}`;
  run.enter('Done');
  return {
    scopeId: request.scopeId,
    dryRun: true,
    domain: request.domain,
    hosts: request.hosts,
    dnsType: request.dnsType,
    balancer: { name, origin, wouldBeCreated },
    reason: planned.reason,
    candidates: planned.candidates,
    dns: request.zones.map(({ id }) => ({ zoneId: id, name: request.domain, type: 'A', target, state: 'planned' })),
    kubernetesObjects: [
      ...(request.createNamespace ? [`Namespace ${request.namespace} (if missing)`] : []),
      ...(wouldBeCreated ? [`Ingress ${request.namespace}/${keeperName(request.brand, name)}`] : []),
    ],
    warnings: run.status.warnings,
  };
}

/** Records that a repeat had to write: the only thing that its DNS step makes. */
function restoredRecords(run: ScopeRun): string[] {
  return run.status.made.filter((what) => what.startsWith('record ')).map((what) => `${what} restored`);
}

function creationResult(
  run: ScopeRun,
  { scopeId, domain, hosts }: PlacementRow,
  placed: Placed,
  ready: ReadyBalancer,
  dns: ScopeCreationResult['dns'],
  repaired: string[],
): ScopeCreationResult {
  const { name, region, scheme, origin } = placed.balancer;
  return {
    scopeId,
    domain: domain ?? '',
    hosts,
    balancer: { name, ...ready, region, scheme, origin, created: placed.createdBalancer },
    dns,
    repaired,
    warnings: run.status.warnings,
  };
}
