import type { Failure } from '../../contract/failures.ts';
import type { ScopeStatus } from '../../contract/scope/status.ts';
import { notYet, permanent } from '../failures.ts';
import { patiently } from '../patience.ts';
import { withTypedFailures } from '../translate.ts';
import * as balancers from './balancers.ts';
import type { ScopeDependencies } from './dependencies.ts';
import * as dns from './dns.ts';
import { compareWithLedger } from './drift.ts';
import * as externalDns from './external-dns.ts';
import { moveBalancer } from './ledger/balancer.ts';
import { countDrift, driftSources } from './ledger/drift.ts';
import { bindPlacement, releaseHold, takePlacement } from './ledger/holding.ts';
import { type LeaveInput, leaveBalancer } from './ledger/leaving.ts';
import type { PlaceInput } from './ledger/place-answer.ts';
import { place } from './ledger/placing.ts';
import { retireIdle } from './ledger/retiring.ts';
import { type ObservePoolInput, observePool } from './observation.ts';
import { acceptCreation, acceptDeletion } from './requests.ts';
import * as retirement from './retirement.ts';
import * as rollouts from './rollouts.ts';

/**
 * The activities of the scope room. One object in, one out; each may run twice or lose its answer, and the function it
 * calls says why that is harmless.
 */
export function createScopeActivities(deps: ScopeDependencies) {
  const { settings, database } = deps;
  return withTypedFailures({
    // Local activities: pure functions and single transactions.
    acceptScopeCreation: async ({ input }: { input: unknown }) => {
      const request = acceptCreation(settings, input);
      return { request, account: request.dnsType === 'route53' ? await deps.aws.account() : '' };
    },
    acceptScopeDeletion: async ({ input }: { input: unknown }) => acceptDeletion(settings, input),
    takePlacement: ({ scopeId, run }: { scopeId: string; run: string }) =>
      takePlacement(database, deps.temporal, scopeId, run),
    placeScope: (input: PlaceInput) => place(database, input),
    /** Marks a balancer ready; a row that is being removed stays as it is. */
    activateBalancer: (input: { balancerId: string; arn: string; dnsName: string; canonicalHostedZoneId: string }) =>
      moveBalancer(database, input.balancerId, ['provisioning', 'active'], 'active', input),
    /** Takes a balancer that cannot come to life out of the pool, so that its other waiters move on. */
    failBalancer: ({ balancerId, failure }: { balancerId: string; failure: Failure }) =>
      moveBalancer(database, balancerId, ['reserved', 'provisioning'], 'failed', { failure }),
    leaveBalancer: (input: LeaveInput) => leaveBalancer(database, input),
    retiredBalancer: ({ balancerId }: { balancerId: string }) =>
      moveBalancer(database, balancerId, ['retiring'], 'retired'),
    bindPlacement: ({ scopeId, run }: { scopeId: string; run: string }) => bindPlacement(database, scopeId, run),
    releaseHold: ({ scopeId, run, status }: { scopeId: string; run: string; status?: ScopeStatus }) =>
      releaseHold(database, scopeId, run, status),
    /** Whether a rollout of the scope is open, asked of Temporal by id. */
    findOpenDeployment: (input: rollouts.RolloutInput) => rollouts.isOpen(deps, input),

    acceptRetirement: async (_input: object) => ({ timings: settings.timings }),
    leftoversOf: (input: { scopeId: string }) => retirement.leftoversOf(deps, input),
    retireIdle: ({ balancerId, run }: { balancerId: string; run: string }) =>
      retireIdle(database, { balancerId, run, graces: retirement.gracesOf(deps) }),
    driftSources: (_input: object) => driftSources(database),
    countDrift: (_input: object) => countDrift(database),
    readInventory: ({ input }: { input: unknown }) => retirement.readInventory(deps, input),

    // Regular activities: AWS, Kubernetes, and waits.
    waitForPlacement: (input: { scopeId: string; run: string; until: string }) =>
      patiently(() => waitForPlacement(deps, input)),
    ensureNamespace: (input: Parameters<typeof balancers.ensureNamespace>[1]) => balancers.ensureNamespace(deps, input),
    findExistingAlias: (input: dns.LookupInput) => dns.findExistingAlias(deps, input),
    observePool: (input: ObservePoolInput) => patiently(() => observePool(deps, input)),
    inspectOwner: (input: Parameters<typeof balancers.inspectOwner>[1]) => balancers.inspectOwner(deps, input),
    applyKeeper: (input: balancers.KeeperInput) => balancers.applyKeeper(deps, input),
    repairKeeper: (input: balancers.KeeperInput & { reader: string }) =>
      patiently(() => balancers.repairKeeper(deps, input)),
    watchBalancer: (input: balancers.WatchInput) => patiently(() => balancers.watchBalancer(deps, input)),
    ensureBalancerTags: (input: Parameters<typeof balancers.ensureBalancerTags>[1]) =>
      balancers.ensureBalancerTags(deps, input),
    deleteKeeper: (input: { balancerId: string }) => balancers.deleteKeeper(deps, input),
    watchBalancerGone: (input: { balancerId: string; reader: string }) =>
      patiently(() => balancers.watchBalancerGone(deps, input)),
    ensureDnsRecord: (input: dns.EnsureInput) => dns.ensureDnsRecord(deps, input),
    watchDnsSync: (input: dns.SyncInput) => patiently(() => dns.watchDnsSync(deps, input)),
    removeDnsRecord: (input: dns.RemoveInput) => dns.removeDnsRecord(deps, input),
    findGatewayAddress: (input: { gateway: string }) => externalDns.findGatewayAddress(deps, input),
    applyDnsEndpoint: (input: externalDns.ApplyEndpointInput) => externalDns.applyDnsEndpoint(deps, input),
    watchDnsEndpoint: (input: externalDns.WatchEndpointInput) =>
      patiently(() => externalDns.watchDnsEndpoint(deps, input)),
    removeDnsEndpoint: (input: externalDns.RemoveEndpointInput) => externalDns.removeDnsEndpoint(deps, input),
    findAbandoned: (_input: object) => retirement.findAbandoned(deps),
    findRetirementWork: (input: { run: string }) => retirement.findRetirementWork(deps, input),
    countForeignRules: (input: { balancerId: string }) => retirement.countForeignRules(deps, input),
    reviveBalancer: (input: { balancerId: string }) => retirement.reviveBalancer(deps, input),
    compareWithLedger: (input: { source: string; reader: string }) => compareWithLedger(deps, input),
    watchRolloutEnd: (input: rollouts.RolloutInput & { until: string }) =>
      patiently(() => rollouts.watchRolloutEnd(deps, input)),
    requireWorker: (input: { taskQueue: string }) => rollouts.requireWorker(deps, input),
    findScopeObjects: (input: { labelSelector: string }) => balancers.findScopeObjects(deps, input),
  });
}

export type ScopeActivities = ReturnType<typeof createScopeActivities>;

/** Takes the scope's row as soon as its holder lets go; past `until` it is `ScopeBusy`. Twice: the same row. */
async function waitForPlacement(deps: ScopeDependencies, input: { scopeId: string; run: string; until: string }) {
  const taking = await takePlacement(deps.database, deps.temporal, input.scopeId, input.run);
  if (taking.taken) return taking.placement;
  if (Date.now() >= Date.parse(input.until)) {
    const message = `scope ${input.scopeId} is held by ${taking.holder}. Wait for that run or cancel it, then repeat.`;
    throw permanent('ScopeBusy', message, { holder: taking.holder });
  }
  throw notYet(
    `scope ${input.scopeId} is held by ${taking.holder}`,
    Math.min(1, deps.settings.timings.busyPatience / 10),
  );
}
