import type { DnsRecordStatus, ScopeCreationResult, ScopePlan } from '../../contract/scope/status.ts';
import { dnsEndpointName, type GatewayAddress } from '../../domain/scope/dns-endpoint.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { runFailure, withinPatience } from '../failures.ts';
import { local, mutations, undoing, watches } from './activities.ts';
import { lostHold } from './hold.ts';
import { isoIn, type ScopeRun } from './run.ts';
import { type Compensations, leaveBalancer } from './undo.ts';

/** The course of a scope whose DNS external-dns writes: the base name as it is, one DNSEndpoint, no call to AWS. */
export async function withExternalDns(
  run: ScopeRun,
  request: ScopeRequest,
  compensations: Compensations,
  repeat: boolean,
): Promise<ScopeCreationResult> {
  compensations.before(`placement of scope ${request.scopeId}`, async () => {
    await leaveBalancer(run, 'undo', request.timings);
  });
  const placed = await decide(run, request, false);
  run.placedOn({ name: placed.name, origin: 'declared', state: 'not looked at', created: false });
  const dns = await writeEndpoint(run, request, compensations);
  const restored = repeat ? run.status.made.map((what) => `${what} restored`) : [];
  return {
    scopeId: request.scopeId,
    domain: request.domain,
    hosts: request.hosts,
    balancer: {
      name: placed.name,
      region: request.region,
      scheme: request.scheme,
      origin: 'declared',
      created: false,
    },
    dns: [dns],
    repaired: [...placed.repaired, ...restored],
    warnings: run.status.warnings,
  };
}

export async function planWithExternalDns(run: ScopeRun, request: ScopeRequest): Promise<ScopePlan> {
  run.enter('Placing');
  const { name, reason } = await decide(run, request, true);
  const record = recordOf(request, await findAddress(run, request), 'planned');
  run.enter('Done');
  return {
    scopeId: request.scopeId,
    dryRun: true,
    domain: request.domain,
    hosts: request.hosts,
    dnsType: request.dnsType,
    balancer: { name, origin: 'declared', wouldBeCreated: false },
    reason,
    candidates: [],
    dns: [record],
    kubernetesObjects: [
      ...(request.createNamespace ? [`Namespace ${request.namespace} (if missing)`] : []),
      ...(record.state === 'deferred' ? [] : [`DNSEndpoint ${record.zoneId}`]),
    ],
    warnings: run.status.warnings,
  };
}

async function decide(run: ScopeRun, request: ScopeRequest, dryRun: boolean) {
  const answer = await local.placeScope({
    request,
    pool: { account: '', region: request.region, scheme: request.scheme },
    run: run.key,
    unreadable: {},
    owners: {},
    maxAgeSeconds: 0,
    mayCreate: false,
    dryRun,
  });
  if (answer.kind === 'refused') throw runFailure(answer);
  if (answer.kind !== 'external') throw lostHold(request.scopeId);
  run.status.reason = answer.reason;
  return answer;
}

async function writeEndpoint(
  run: ScopeRun,
  request: ScopeRequest,
  compensations: Compensations,
): Promise<DnsRecordStatus> {
  run.enter('Dns');
  const address = await findAddress(run, request);
  const record = recordOf(request, address, 'pending');
  run.status.dns.push(record);
  if (!address) return record;
  const what = `DNSEndpoint ${record.zoneId}`;
  compensations.before(what, async () => {
    const removal = { scopeId: request.scopeId, onlyMadeBy: run.key };
    await undoing(what, request.timings).removeDnsEndpoint(removal);
  });
  const {
    generation,
    made,
    replaced = [],
  } = await mutations(what, request.timings).applyDnsEndpoint({
    request,
    run: run.key,
    address,
  });
  if (made) run.made(what);
  const { dnsEndpointTimeout } = request.timings;
  const since = isoIn(Date.now(), 0);
  const until = isoIn(Date.now(), dnsEndpointTimeout);
  const wait = { what: `external-dns to observe ${what}`, since, until };
  await run.waiting(wait, () =>
    withinPatience('DnsTimeout', `the state of ${what} could not be read until ${until}`, () =>
      watches(wait.what, request.timings, dnsEndpointTimeout).watchDnsEndpoint({
        namespace: request.namespace,
        name: dnsEndpointName(request),
        generation,
        since,
        until,
      }),
    ),
  );
  if (replaced.length > 0) {
    const { scopeId } = request;
    await mutations(`DNSEndpoint ${replaced.join(', ')}`, request.timings).removeDnsEndpoint({
      scopeId,
      onlyReplacedBy: run.key,
    });
  }
  record.state = 'in-sync';
  return record;
}

/** Without an address the scope exists all the same: a repeat finishes it. */
async function findAddress(run: ScopeRun, request: ScopeRequest): Promise<GatewayAddress | undefined> {
  const { gateway, domain, timings } = request;
  const address = await mutations(`address of gateway ${gateway}`, timings).findGatewayAddress({ gateway });
  if (!address)
    run.warn({
      code: 'DnsDeferred',
      message: `gateway ${gateway} has no address yet, so ${domain} has no record: repeat the creation when it has one`,
    });
  return address;
}

function recordOf(
  request: ScopeRequest,
  address: GatewayAddress | undefined,
  state: 'planned' | 'pending',
): DnsRecordStatus {
  return {
    zoneId: `${request.namespace}/${dnsEndpointName(request)}`,
    name: request.domain,
    type: address?.type ?? 'CNAME',
    target: address?.target ?? `gateway ${request.gateway}`,
    state: address ? state : 'deferred',
    origin: 'made',
  };
}
