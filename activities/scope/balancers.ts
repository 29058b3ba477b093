import type { CoreV1Event } from '@kubernetes/client-node';
import { type ControllerEvent, controllerVerdict, relevantEvents } from '../../domain/scope/controller-events.ts';
import { balancerTags, keeperIngress, keeperName } from '../../domain/scope/keeper.ts';
import { isLeaving } from '../../domain/scope/placement.ts';
import { AwsCallError } from '../aws/errors.ts';
import { addTags, readTags } from '../aws/load-balancers.ts';
import { notYet, permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { readEvent } from '../kubernetes/events.ts';
import type { ScopeDependencies } from './dependencies.ts';
import { type BalancerRow, balancerById, moveBalancer } from './ledger/balancer.ts';
import { type DetailsReading, joinReadings, observeDetails, observeRegion } from './observation.ts';
import { shared, TAGGING } from './sharing.ts';

/** Making a balancer ready, and taking one away (specs: scope creation, sections 7 and 9). Every step is idempotent. */

const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' };

/** The namespace of a scope. Twice is harmless: an existing namespace is an answer. */
export async function ensureNamespace(
  deps: ScopeDependencies,
  input: { namespace: string; createIfMissing: boolean; brand: string },
): Promise<{ created: boolean; ending?: boolean }> {
  const found = await deps.kubernetes.read({ apiVersion: 'v1', kind: 'Namespace', name: input.namespace });
  if (found) return { created: false, ...(found.metadata?.deletionTimestamp ? { ending: true } : {}) };
  if (!input.createIfMissing) {
    const message = `namespace ${input.namespace} does not exist and may not be created. Create it, or set kubernetes.createIfMissing.`;
    throw permanent('NamespaceMissing', message, { namespace: input.namespace });
  }
  const outcome = await deps.kubernetes.createIfAbsent({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: input.namespace, labels: { [input.brand]: 'true' } },
  });
  return { created: outcome === 'created' };
}

export interface KeeperInput {
  balancerId: string;
  /** What the request says of namespaces that are missing; absent: the worker's setting. */
  createNamespace?: boolean;
}

/**
 * Applies the keeper of an autocreated balancer. Twice is harmless: server-side apply of the same object. A balancer that
 * meanwhile failed or is being removed is not revived.
 */
export async function applyKeeper(deps: ScopeDependencies, input: KeeperInput): Promise<BalancerRow> {
  const before = await balancerById(deps.database, input.balancerId);
  if (!before.keeper || !['reserved', 'provisioning', 'active'].includes(before.state)) return before;
  await ensureKeeperNamespace(deps, before.keeper, input);
  const row = await moveBalancer(deps.database, input.balancerId, ['reserved'], 'provisioning');
  if (!row.keeper || !['provisioning', 'active'].includes(row.state)) return row;
  await deps.kubernetes.apply(keeperOf(row, row.keeper));
  return row;
}

/**
 * The namespace of a keeper is that of the scope that caused it, which may be gone while others live on the balancer. Made
 * sure of before the row moves: a balancer whose keeper has no place to be stays as it is.
 */
async function ensureKeeperNamespace(
  deps: ScopeDependencies,
  { namespace, brand }: NonNullable<BalancerRow['keeper']>,
  { createNamespace }: KeeperInput,
): Promise<void> {
  const createIfMissing = createNamespace ?? deps.settings.knobs.createNamespaceIfMissing ?? true;
  const { ending } = await ensureNamespace(deps, { namespace, brand, createIfMissing });
  if (ending) {
    const words = `namespace ${namespace}, where the keeper belongs, is still being removed`;
    throw notYet(words, deps.settings.timings.pollInterval);
  }
}

/** One that is rebuilt is touched, once: the controller looks at AWS only when a member changes. */
function keeperOf(row: BalancerRow, keeper: NonNullable<BalancerRow['keeper']>) {
  const { provisioningSince, activatedAt } = row;
  const rebuilt = provisioningSince !== null && activatedAt !== null && provisioningSince > activatedAt;
  return keeperIngress({
    ...keeper,
    balancer: row.name,
    scheme: row.scheme,
    ...(rebuilt ? { repairedAt: provisioningSince } : {}),
  });
}

/** Whether a balancer in AWS that bears a name of ours carries our tags for this scope. */
export async function inspectOwner(
  deps: ScopeDependencies,
  input: { region: string; arn: string; brand: string; scheme: 'internet-facing' | 'internal'; scopeId: string },
): Promise<'ours' | 'foreign' | 'gone'> {
  const tags = await readTags(deps.aws, input.region, input.arn);
  if (tags === undefined) return 'gone';
  return Object.entries(balancerTags(input)).every(([key, value]) => tags[key] === value) ? 'ours' : 'foreign';
}

/**
 * Looks after a balancer that is active already: when somebody deleted its keeper or the balancer itself, the row goes back
 * to `provisioning` and the keeper is applied again, touched. Twice is harmless: the second call applies the same object.
 */
export async function repairKeeper(
  deps: ScopeDependencies,
  input: KeeperInput & { reader: string },
): Promise<{ repaired: boolean }> {
  const before = await balancerById(deps.database, input.balancerId);
  if (!before.keeper || (before.state !== 'active' && before.state !== 'provisioning')) return { repaired: false };
  const name = keeperName(before.keeper.brand, before.name);
  const keeper = await deps.kubernetes.read({ ...INGRESS, namespace: before.keeper.namespace, name });
  const ages = { maxAgeSeconds: deps.settings.timings.pollInterval, reader: input.reader };
  const { value: region } = await observeRegion(deps, before.account, before.region, ages);
  const present = region.balancers.some((balancer) => balancer.name === before.name);
  if (keeper && !keeper.metadata?.deletionTimestamp && present && before.state === 'active') return { repaired: false };

  await ensureKeeperNamespace(deps, before.keeper, input);
  const row = await moveBalancer(deps.database, input.balancerId, ['active'], 'provisioning');
  if (keeper?.metadata?.deletionTimestamp)
    throw notYet(
      `keeper ${before.keeper.namespace}/${name} is still being removed`,
      deps.settings.timings.pollInterval,
    );
  await deps.kubernetes.apply(keeperOf(row, before.keeper));
  return { repaired: true };
}

export interface WatchInput {
  balancerId: string;
  reader: string;
  /** What the run already knows; something new ends the activity, so that the status tells it. */
  known: string | undefined;
  /** ISO times of the wait. */
  since: string;
  until: string;
}

export type WatchAnswer =
  | { kind: 'ready'; arn: string; dnsName: string; canonicalHostedZoneId: string; impaired: boolean }
  | { kind: 'changed'; lastSeen: string }
  | {
      kind: 'failed';
      type:
        | 'BalancerFailed'
        | 'BalancerMissing'
        | 'CertificateMissing'
        | 'BalancerQuotaExceeded'
        | 'BalancerNameConflict';
      message: string;
      details: Record<string, unknown>;
    }
  | { kind: 'row-failed'; balancer: BalancerRow };

/**
 * One look at a balancer that should become active. "Not yet" is a retried attempt, so waiting leaves no history; past
 * `until` the attempt fails for good with `BalancerTimeout`. Reading twice is harmless.
 */
export async function watchBalancer(deps: ScopeDependencies, input: WatchInput): Promise<WatchAnswer> {
  const row = await balancerById(deps.database, input.balancerId);
  if (isLeaving(row.state)) return { kind: 'row-failed', balancer: row };

  const sight = await lookAt(deps, row, input.reader).catch((error: unknown) => {
    if (error instanceof AwsCallError && error.kind !== 'denied')
      return { state: 'unreadable' as const, words: `cannot be read: ${error.message}` };
    throw error;
  });
  if (sight.state === 'missing') {
    const message = `balancer ${row.name} does not exist in ${row.region} any more. Correct the names or enable autocreate, then repeat.`;
    return { kind: 'failed', type: 'BalancerMissing', message, details: { balancer: row.name } };
  }
  if (sight.state === 'failed') {
    const message = `AWS reports balancer ${row.name} as failed. Repeat the request; look at the subnets and quotas of ${row.region}.`;
    return { kind: 'failed', type: 'BalancerFailed', message, details: { balancer: row.name, state: 'failed' } };
  }
  if (sight.state === 'ready') return { kind: 'ready', ...sight.balancer, impaired: sight.impaired };

  const events = row.keeper ? await controllerEvents(deps, row) : [];
  const verdict = controllerVerdict(events);
  if (verdict) return { kind: 'failed', type: verdict.type, ...explain(row, verdict) };

  const lastSeen = [sight.words, events[0] ? `controller: ${events[0].reason} ${events[0].message}` : '']
    .filter(Boolean)
    .join('; ');
  if (Date.now() >= Date.parse(input.until)) throw timedOut(row, lastSeen, input);
  if (lastSeen !== input.known) return { kind: 'changed', lastSeen };
  throw notYet(`balancer ${row.name}: ${lastSeen}`, nextLook(deps, input.until), { lastSeen });
}

function nextLook(deps: ScopeDependencies, until: string): number {
  const left = (Date.parse(until) - Date.now()) / 1000;
  return Math.max(0.001, Math.min(deps.settings.timings.pollInterval, left));
}

type Sight =
  | { state: 'ready'; balancer: { arn: string; dnsName: string; canonicalHostedZoneId: string }; impaired: boolean }
  | { state: 'failed' }
  | { state: 'missing' }
  | { state: 'waiting' | 'unreadable'; words: string };

async function lookAt(deps: ScopeDependencies, row: BalancerRow, reader: string): Promise<Sight> {
  const ages = { maxAgeSeconds: deps.settings.timings.pollInterval, reader };
  const { value: region } = await observeRegion(deps, row.account, row.region, ages);
  const listed = region.balancers.find(({ name }) => name === row.name);
  // A declared balancer is somebody else's to make: its absence is not waited for.
  if (!listed)
    return row.origin === 'declared' ? { state: 'missing' } : { state: 'waiting', words: 'not visible in AWS yet' };
  if (listed.state === 'failed') return { state: 'failed' };
  if (listed.state === 'provisioning') return { state: 'waiting', words: 'provisioning' };
  let details: DetailsReading | undefined;
  if (row.origin === 'autocreated') {
    details = (await observeDetails(deps, row.account, row.region, listed, { ...ages, withCertificates: false })).value;
    const seen = joinReadings(region, row.name, details);
    if (seen === 'details-missing' || seen.kind !== 'seen')
      return { state: 'waiting', words: 'not visible in AWS yet' };
    if (!seen.listeners.some(({ port }) => port === 443))
      return { state: 'waiting', words: `${listed.state}, but the listener on port 443 is missing` };
  }
  const { arn, dnsName, canonicalHostedZoneId } = listed;
  if (!dnsName || !canonicalHostedZoneId) return { state: 'waiting', words: `${listed.state}, but without a DNS name` };
  return {
    state: 'ready',
    balancer: { arn, dnsName, canonicalHostedZoneId },
    impaired: listed.state === 'active_impaired',
  };
}

async function controllerEvents(deps: ScopeDependencies, row: BalancerRow): Promise<ControllerEvent[]> {
  if (!row.keeper || !row.provisioningSince) return [];
  const { namespace, brand } = row.keeper;
  const name = keeperName(brand, row.name);
  const keeper = await deps.kubernetes.read({ ...INGRESS, namespace, name });
  if (!keeper?.metadata?.uid) return [];
  const events = await deps.kubernetes.list<CoreV1Event>(
    { apiVersion: 'v1', kind: 'Event' },
    { namespace, fieldSelector: `involvedObject.uid=${keeper.metadata.uid}` },
  );
  return relevantEvents(events.map(readEvent), keeper.metadata.uid, row.provisioningSince);
}

function explain(
  row: BalancerRow,
  verdict: { type: string; message: string; host?: string },
): { message: string; details: Record<string, unknown> } {
  const details = {
    balancer: row.name,
    controllerMessage: verdict.message,
    ...(verdict.host ? { host: verdict.host } : {}),
  };
  if (verdict.type === 'CertificateMissing') {
    const host = verdict.host ?? row.keeper?.host ?? '';
    const wildcard = `*.${host.slice(host.indexOf('.') + 1)}`;
    return {
      message: `no certificate covers ${host}. Issue one in ACM for ${wildcard} in ${row.region}, then repeat.`,
      details: { ...details, host, wildcard },
    };
  }
  if (verdict.type === 'BalancerQuotaExceeded') {
    return {
      message: `the quota of load balancers in ${row.region} is used up. Raise L-53DA6B97 or delete unused balancers, then repeat.`,
      details: { ...details, quota: 'L-53DA6B97' },
    };
  }
  return {
    message: `balancer ${row.name} conflicts with another one: ${verdict.message}. Remove the conflict, then repeat.`,
    details,
  };
}

function timedOut(row: BalancerRow, lastSeen: string, wait: { since: string; until: string }) {
  const message = `balancer ${row.name} was not active by ${wait.until}. Last seen: ${lastSeen}, waiting since ${wait.since}. Look at the load balancer controller's logs and at the quota L-53DA6B97.`;
  return permanent('BalancerTimeout', message, {
    balancer: row.name,
    lastSeen,
    ...wait,
    hints: ['controller logs', 'quota L-53DA6B97'],
  });
}

/**
 * Writes the tags that are missing: one run does it for all that wait for the balancer, `anew` past what another run saw. A
 * failure is a warning: the keeper's annotation declares the same tags. Twice is harmless: equal tags are not written.
 */
export async function ensureBalancerTags(
  deps: ScopeDependencies,
  input: { balancerId: string; arn: string; reader: string; anew: boolean },
): Promise<{ added: string[]; warning?: string }> {
  const { arn, reader, anew } = input;
  const row = await balancerById(deps.database, input.balancerId);
  const { keeper } = row;
  // A run that finds the balancer active has nothing left to do for it.
  if (!keeper || (row.state === 'active' && !anew)) return { added: [] };
  const wanted = balancerTags({ brand: keeper.brand, scheme: row.scheme, scopeId: keeper.scopeId });
  const { observationMaxAge, observationLease } = deps.settings.timings;
  try {
    const { value } = await shared<{ arn: string; added: string[] }>(
      deps.database,
      { table: 'balancer', columns: TAGGING, where: 'id = $1', values: [row.id] },
      { maxAgeSeconds: anew ? 0 : observationMaxAge, leaseSeconds: observationLease, reader },
      async () => {
        const tags = (await readTags(deps.aws, row.region, arn)) ?? {};
        const missing = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => tags[key] !== value));
        if (Object.keys(missing).length > 0) await addTags(deps.aws, row.region, arn, missing);
        return { arn, added: Object.keys(missing) };
      },
      (stored) => stored.arn === arn,
    );
    return { added: value.added };
  } catch (error) {
    if (!(error instanceof AwsCallError) || error.kind === 'retry' || error.kind === 'unknown') throw error;
    return { added: [], warning: `tags of ${row.name} could not be written (${error.permission}): ${error.message}` };
  }
}

/** Deletes the keeper, normally, so that the controller takes the balancer with it. Twice is harmless: absent is done. */
export async function deleteKeeper(deps: ScopeDependencies, input: { balancerId: string }): Promise<void> {
  const row = await balancerById(deps.database, input.balancerId);
  if (!row.keeper || row.state !== 'retiring') return;
  await deps.kubernetes.remove({
    ...INGRESS,
    namespace: row.keeper.namespace,
    name: keeperName(row.keeper.brand, row.name),
  });
}

/** One look whether keeper and balancer are gone; "not yet" is a retried attempt. */
export async function watchBalancerGone(
  deps: ScopeDependencies,
  input: { balancerId: string; reader: string },
): Promise<void> {
  const row = await balancerById(deps.database, input.balancerId);
  if (!row.keeper || row.state !== 'retiring') return;
  const { pollInterval } = deps.settings.timings;
  const keeper = await deps.kubernetes.read({
    ...INGRESS,
    namespace: row.keeper.namespace,
    name: keeperName(row.keeper.brand, row.name),
  });
  if (keeper)
    throw notYet(
      `keeper ${row.keeper.namespace}/${keeperName(row.keeper.brand, row.name)} is still being removed by the controller`,
      pollInterval,
    );
  const { value: region } = await observeRegion(deps, row.account, row.region, {
    maxAgeSeconds: 0,
    reader: input.reader,
  });
  const listed = region.balancers.find(({ name }) => name === row.name);
  if (!listed) return;
  const owner = await inspectOwner(deps, {
    region: row.region,
    arn: listed.arn,
    brand: row.keeper.brand,
    scheme: row.scheme,
    scopeId: row.keeper.scopeId,
  });
  if (owner === 'ours') throw notYet(`balancer ${row.name} is still there (${listed.state})`, pollInterval);
}

/** Objects of a scope that still exist: `Kind namespace/name`, sorted. A kind that the cluster does not know has none. */
export async function findScopeObjects(deps: ScopeDependencies, input: { labelSelector: string }): Promise<string[]> {
  const kinds = [
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { apiVersion: 'v1', kind: 'Service' },
    INGRESS,
    { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  ];
  const found: string[] = [];
  for (const kind of kinds) {
    try {
      const items = await deps.kubernetes.list(kind, { labelSelector: input.labelSelector });
      found.push(...items.map(({ metadata }) => `${kind.kind} ${metadata?.namespace}/${metadata?.name}`));
    } catch (error) {
      if (!(error instanceof KubernetesCallError && error.kind === 'absent')) throw error;
    }
  }
  return found.sort();
}
