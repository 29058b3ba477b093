import type { CoreV1Event } from '@kubernetes/client-node';
import type { DiagnosisInput } from '../../contract/deployment/input.ts';
import type { DiagnosisResult } from '../../contract/deployment/status.ts';
import { diagnose } from '../../domain/deployment/diagnosis/index.ts';
import type { Reading, SeenBalancerState, Snapshot } from '../../domain/deployment/diagnosis/snapshot.ts';
import { eventsSince, type FoundEvent } from '../../domain/deployment/events.ts';
import { sideName } from '../../domain/deployment/names.ts';
import type { DeploymentTarget } from '../../domain/deployment/request.ts';
import { AwsCallError } from '../aws/errors.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { poolFacts } from '../scope/ledger/candidates.ts';
import { observePool } from '../scope/observation.ts';
import { surveyScope } from './deletion.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { isByGateway } from './gateway.ts';
import { dnsTypeOf } from './ledger.ts';
import { type Kind, kinds, type Live, ofScope, wire } from './objects.ts';
import { seeRules } from './sight.ts';

/** One snapshot of a scope, and what the pure checks say of it. Reads only; a part that cannot be read is told as such. */
export async function diagnoseScope(
  deps: DeploymentDependencies,
  { target, input }: { target: DeploymentTarget; input: DiagnosisInput },
): Promise<DiagnosisResult> {
  const { scopeId, scope } = target;
  const { namespace } = scope;
  const deploymentId = input.deploymentId ?? undefined;
  const list = <T>(kind: Kind, side?: string) =>
    reading(async () =>
      (await ofScope<Live>(deps.kubernetes, kind, namespace, scopeId, side)).map((object) => wire<T>(object)),
    );
  const all = <T>(kind: Kind, where: { namespace?: string } = {}) =>
    reading(async () => (await deps.kubernetes.list<Live>(kind, where)).map((object) => wire<T>(object)));
  const known = await reading(() => dnsTypeOf(deps, target));
  const dnsType = known.ok ? known.value : scope.dnsType;
  const byGateway = isByGateway({ scope: { dnsType } });
  const none = { ok: false as const, error: `not looked at with dnsType ${dnsType}` };
  const part = { scopeId, ...(deploymentId === undefined ? {} : { deploymentId }) };
  const snapshot: Snapshot = {
    ...part,
    pods: await list(kinds.pod, deploymentId),
    deployments: await list(kinds.deployment, deploymentId),
    services: await list(kinds.service, deploymentId),
    endpoints: await all(kinds.endpointSlice, { namespace }),
    ...(byGateway ? { byGateway } : {}),
    ingresses: byGateway ? none : await list(kinds.ingress),
    routes: byGateway ? await list(kinds.route) : none,
    ingressClasses: byGateway ? none : await all(kinds.ingressClass),
    events: await reading(() => eventsOf(deps, target, deploymentId)),
    balancer: byGateway ? none : await reading(() => balancerState(deps, target)),
    // Logs hold what their owners write: the worker has no permission to read them.
    logs: { ok: false, error: 'the worker does not read logs', permission: 'get pods/log' },
  };
  return diagnose(snapshot);
}

async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (error instanceof KubernetesCallError)
      return {
        ok: false,
        error: error.message,
        ...(error.kind === 'denied' ? { permission: `${error.verb} ${error.resource}` } : {}),
      };
    if (error instanceof AwsCallError)
      return { ok: false, error: error.message, ...(error.kind === 'denied' ? { permission: error.permission } : {}) };
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

const RECENT_MS = 3_600_000;

async function eventsOf(
  deps: DeploymentDependencies,
  { scopeId, scope }: DeploymentTarget,
  deploymentId: string | undefined,
): Promise<FoundEvent[]> {
  const events = await deps.kubernetes.list<CoreV1Event>(kinds.event, { namespace: scope.namespace });
  const side = deploymentId === undefined ? `d-${scopeId}-` : sideName(scopeId, deploymentId);
  const own = events.filter(({ involvedObject }) => {
    const name = involvedObject.name ?? '';
    return name.startsWith(side) || name.startsWith(`k-8-s-${scope.slugs.scope}-${scopeId}-`);
  });
  return eventsSince(
    own.map((event) => wire<FoundEvent>(event)),
    Date.now() - RECENT_MS,
  );
}

async function balancerState(deps: DeploymentDependencies, target: DeploymentTarget): Promise<SeenBalancerState> {
  const { scope, scopeId } = target;
  const survey = await surveyScope(deps, target);
  const { rows } = await deps.database.query<{ name: string }>(
    'select b.name from placement p join balancer b on b.id = p.balancer_id where p.scope_id = $1',
    [scopeId],
  );
  const name = rows[0]?.name;
  if (name === undefined) throw new Error(`the ledger knows no balancer of scope ${scopeId}`);
  const pool = { account: await deps.aws.account(), region: scope.region, scheme: scope.scheme };
  const maxAgeSeconds = deps.settings.scope.timings.observationMaxAge;
  const shared = { pool, withCertificates: false };
  const { unreadable } = await observePool(asScope(deps), {
    ...shared,
    names: [name],
    reader: `${scopeId}/diagnosis`,
    maxAgeSeconds,
  });
  const facts = await poolFacts(deps.database, {
    ...shared,
    declared: [name],
    withAutocreated: false,
    maxAgeSeconds: maxAgeSeconds + 60,
    unreadable,
  });
  const seen = facts === 'region-stale' ? undefined : facts.candidates[0]?.observation;
  if (!seen || seen.kind === 'unreadable') throw new Error(seen?.error ?? `balancer ${name} was not observed`);
  const { rules, targetGroups, listeners } = scope.thresholds;
  return {
    name,
    state: seen.kind === 'seen' ? seen.state : 'absent',
    load:
      seen.kind === 'seen'
        ? { rules: seen.rules, targetGroups: seen.targetGroups, listeners: seen.listeners.length }
        : { rules: 0, targetGroups: 0, listeners: 0 },
    thresholds: { rules, targetGroups, listeners },
    rules: seen.kind === 'seen' ? await seeRules(deps, { ...survey.view, balancer: { arn: seen.arn } }) : [],
  };
}
