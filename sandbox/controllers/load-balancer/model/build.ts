import type { Ingress, Service } from '../../objects.ts';
import { annotation, mapOf } from '../annotations.ts';
import type { Group } from '../groups.ts';
import { notFoundAction, type ServiceFinder, type TargetGroupMaker } from './actions.ts';
import type { Certificate } from './certificates.ts';
import { mergePorts, type PortConfig, portsOf, sslRedirectPort } from './listeners.ts';
import { loadBalancerOf, mergeMaps } from './load-balancer.ts';
import { actionOf, rulesOf } from './rules.ts';
import {
  type ActionSpec,
  identityTags,
  type ListenerSpec,
  type RuleSpec,
  type Stack,
  type TargetGroupSpec,
} from './stack.ts';
import { targetGroupOf } from './target-groups.ts';

export interface ModelInput {
  cluster: string;
  group: Group;
  services: ServiceFinder;
  certificates: readonly Certificate[];
  subnets: string[];
}

export type BuildResult = { ok: true; stack: Stack } | { ok: false; error: string };

/** The stack of a group, or why there is none: one bad member is an error for the whole group. Pure. */
export function buildStack(input: ModelInput): BuildResult {
  try {
    return { ok: true, stack: build(input) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function build({ cluster, group, services, certificates, subnets }: ModelInput): Stack {
  const { id, members, leaving } = group;
  for (const ingress of leaving) refuseProtected(ingress);
  if (members.length === 0) return { group: id, listeners: [], targetGroups: [] };
  const targetGroups = new Map<string, TargetGroupSpec>();
  const targetGroup: TargetGroupMaker = (ingress: Ingress, service: Service, port: number | string) => {
    const spec = targetGroupOf(cluster, id, { ingress, service, port });
    targetGroups.set(spec.id, spec);
    return spec.id;
  };
  const portsByMember = members.map((ingress) => ({
    ingress,
    ports: named(ingress, () => portsOf(ingress, certificates)),
  }));
  const ports = mergePorts(portsByMember.flatMap((entry) => entry.ports));
  const redirectPort = sslRedirectPort(members, ports);
  const loadBalancer = loadBalancerOf(cluster, id, members, { subnets });
  const listeners = ports.map((config): ListenerSpec => {
    const onPort = portsByMember
      .filter((entry) => entry.ports.some(({ port }) => port === config.port))
      .map(({ ingress }) => ingress);
    const redirects = redirectPort !== undefined && config.protocol === 'HTTP';
    return {
      ...config,
      defaultAction: redirects ? redirectTo(redirectPort) : defaultAction(onPort, services, targetGroup),
      rules: redirects ? [] : listenerRules(cluster, id, onPort, config, services, targetGroup),
      tags: { ...mergeMaps(onPort, 'tags', 'tag'), ...identityTags(cluster, id, String(config.port)) },
    };
  });
  return { group: id, loadBalancer, listeners, targetGroups: [...targetGroups.values()] };
}

function listenerRules(
  cluster: string,
  group: string,
  members: readonly Ingress[],
  listener: PortConfig,
  services: ServiceFinder,
  targetGroup: TargetGroupMaker,
): RuleSpec[] {
  const rules = members.flatMap((ingress) => {
    const tags = mapOf(annotation(ingress, 'tags'), 'tags');
    return named(ingress, () => rulesOf(ingress, listener, services, targetGroup)).map((rule) => ({ ...rule, tags }));
  });
  return rules.map((rule, index) => ({
    ...rule,
    tags: { ...rule.tags, ...identityTags(cluster, group, `${listener.port}:${index + 1}`) },
  }));
}

function defaultAction(
  members: readonly Ingress[],
  services: ServiceFinder,
  targetGroup: TargetGroupMaker,
): ActionSpec {
  const withDefault = members.filter(({ spec }) => spec?.defaultBackend !== undefined);
  if (withDefault.length > 1) {
    const names = withDefault.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(' ');
    throw new Error(`multiple ingress defined default backend: [${names}]`);
  }
  const [ingress] = withDefault;
  const backend = ingress?.spec?.defaultBackend;
  if (!ingress || !backend) return notFoundAction;
  return named(ingress, () => actionOf(ingress, backend, services, targetGroup));
}

function redirectTo(port: number): ActionSpec {
  return {
    type: 'redirect',
    protocol: 'HTTPS',
    port: String(port),
    host: '#{host}',
    path: '/#{path}',
    query: '#{query}',
    statusCode: 'HTTP_301',
  };
}

/** A member that goes while its annotation asks for deletion protection blocks its group. */
function refuseProtected(ingress: Ingress): void {
  const attributes = mapOf(annotation(ingress, 'load-balancer-attributes'), 'load-balancer-attributes');
  if (attributes['deletion_protection.enabled'] === 'true') {
    throw new Error(
      `deletion_protection is enabled, cannot delete the ingress: ${ingress.metadata.namespace}/${ingress.metadata.name}`,
    );
  }
}

/** Says which Ingress an error comes from. */
function named<T>(ingress: Ingress, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`ingress: ${ingress.metadata.namespace}/${ingress.metadata.name}: ${text}`);
  }
}
