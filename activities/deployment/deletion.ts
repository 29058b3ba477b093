import type { Warning } from '../../contract/scope/status.ts';
import { compareRules } from '../../domain/deployment/gate.ts';
import { deploymentIdsOf, type InventoryItem, inventory, united } from '../../domain/deployment/removal.ts';
import type { DeploymentTarget } from '../../domain/deployment/request.ts';
import { MAIN_LISTENER } from '../../domain/deployment/shape.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import { permanent } from '../failures.ts';
import { observeRegion } from '../scope/observation.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { isByGateway, routeKind } from './gateway.ts';
import { dnsTypeOf, readLivePlacement } from './ledger.ts';
import { lookUntil } from './looping.ts';
import { kinds, type Live, ofScope, words } from './objects.ts';
import { endRollouts } from './originals.ts';
import { removeItems, sideObjectsOf } from './removal.ts';
import { listenersWith, routingFound, seeRules, type Viewpoint } from './sight.ts';

/** Removing every deployment of a scope (specs: deployment, section 13). */

/** What a deletion will take away, looked at before the first change. Plain JSON. */
export interface Survey {
  /** Ingresses, or the HTTPRoute. */
  routes: InventoryItem[];
  /** The kind of `routes`. Runs that began when there were only Ingresses have none. */
  routeKind?: string;
  view: Viewpoint;
  deploymentIds: string[];
  /** The objects of these: by the time of another attempt, or of a new one that a person asked for, some are gone. Older runs have none. */
  sides?: InventoryItem[];
  warnings: Warning[];
}

/** Reads only. */
export async function surveyScope(deps: DeploymentDependencies, target: DeploymentTarget): Promise<Survey> {
  const { scopeId } = target;
  const scope = { ...target.scope, dnsType: await dnsTypeOf(deps, target) };
  const kind = routeKind({ scope });
  const live = await ofScope<Live>(deps.kubernetes, kind, scope.namespace, scopeId);
  const placement = await readLivePlacement(deps, scopeId);
  const found = live.map((route) => ({
    name: route.metadata?.name ?? '',
    routes: routingFound({ scope }, [route]),
  }));
  const hosts = [
    ...found.flatMap(({ routes }) => routes.map(({ host }) => host)),
    ...(placement && 'hosts' in placement ? placement.hosts : []),
  ];
  const [name] = live.flatMap(({ metadata }) => metadata?.annotations?.[`${ALB}/load-balancer-name`] ?? []);
  // Ingresses that are gone already may have left rules behind: the ledger knows on which balancer.
  const placed = placement && 'balancer' in placement ? placement.balancer : '';
  const balancer = isByGateway({ scope }) ? undefined : await balancerNamed(deps, target, name ?? placed);
  const view = (ports: Viewpoint['shape']['ports']): Viewpoint => ({
    request: { scopeId, scope: { region: scope.region, dnsType: scope.dnsType } },
    ...(balancer ? { balancer } : {}),
    shape: { namespace: scope.namespace, hosts: [...new Set(hosts)], ports },
  });
  const known = found.map(({ name, routes }) => ({ ingress: name, listener: routes[0]?.port ?? MAIN_LISTENER }));
  const others = [MAIN_LISTENER, ...(await listenersWith(deps, view(known)))].filter(
    (port, index, all) => all.indexOf(port) === index && known.every(({ listener }) => listener !== port),
  );
  const ports = [...known, ...others.map((listener) => ({ ingress: '', listener }))];
  const items = live.flatMap(({ metadata }) =>
    metadata?.uid ? [{ ...kind, namespace: scope.namespace, name: metadata.name ?? '', uid: metadata.uid }] : [],
  );
  const objects = await sideObjectsOf(deps.kubernetes, scope.namespace, scopeId);
  const deploymentIds = deploymentIdsOf(scopeId, objects);
  return {
    routes: items,
    routeKind: kind.kind,
    view: view(ports),
    deploymentIds,
    sides: inventory(scopeId, deploymentIds, objects),
    warnings: name === undefined ? [] : await lastMember(deps, scopeId, name),
  };
}

async function balancerNamed(deps: DeploymentDependencies, { scope, scopeId }: DeploymentTarget, name: string) {
  if (name === '') return undefined;
  const { value } = await observeRegion(asScope(deps), await deps.aws.account(), scope.region, {
    maxAgeSeconds: deps.settings.scope.timings.observationMaxAge,
    reader: `${scopeId}/deletion`,
  });
  const found = value.balancers.find((balancer) => balancer.name === name);
  return found ? { arn: found.arn } : undefined;
}

/** The controller deletes a balancer with the last Ingress of its group. */
async function lastMember(deps: DeploymentDependencies, scopeId: string, name: string): Promise<Warning[]> {
  const members = (await deps.kubernetes.list<Live>(kinds.ingress)).filter(
    ({ metadata }) => metadata?.annotations?.[`${ALB}/group.name`] === name && metadata.labels?.scope_id !== scopeId,
  );
  if (members.length > 0) return [];
  const message = `no other Ingress is on balancer ${name}: the load balancer controller deletes it with its last member`;
  return [{ code: 'LastMember', message }];
}

/** Deletes the routes normally, so that the controller takes the rules with them, and waits until no rule has the hosts. Twice is harmless: absent is done. */
export async function removeRoutes(
  deps: DeploymentDependencies,
  { target, survey, until }: { target: DeploymentTarget; survey: Survey; until: string },
): Promise<{ removed: string[] }> {
  const { pollInterval, removalTimeout } = target.timings;
  await removeItems(deps, survey.routes, until, pollInterval, removalTimeout, 'Background');
  const { hosts, ports } = survey.view.shape;
  const expected = ports.flatMap(({ listener }) => hosts.map((host) => ({ host, port: listener, weights: {} })));
  let differences: string[] = [];
  const quiet = await lookUntil({
    look: async () => {
      const verdict = compareRules(expected, await seeRules(deps, survey.view));
      differences = verdict.differences;
      return verdict.converged ? true : undefined;
    },
    seen: () => ({ lastSeen: differences.join('; ') }),
    pollSeconds: pollInterval,
    until: Date.parse(until),
  });
  if (!quiet)
    throw permanent('NotConverged', `rules of the scope are still there: ${differences.join('; ')}`, {
      differences,
    });
  return { removed: survey.routes.map(({ kind, namespace, name }) => words(kind, namespace, name)) };
}

/** Removes all sides of the scope. Twice is harmless: absent is done. */
export async function removeSides(
  deps: DeploymentDependencies,
  { target, survey, until }: { target: DeploymentTarget; survey: Survey; until: string },
): Promise<{ removed: string[] }> {
  const { scopeId, scope, timings } = target;
  const found = await sideObjectsOf(deps.kubernetes, scope.namespace, scopeId);
  const items = united(survey.sides ?? [], inventory(scopeId, survey.deploymentIds, found));
  await removeItems(deps, items, until, timings.pollInterval, timings.removalTimeout);
  await endRollouts(deps.database, scopeId);
  return { removed: items.map(({ kind, namespace, name }) => words(kind, namespace, name)) };
}
