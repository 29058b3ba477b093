import { isRecord } from '../../contract/record.ts';
import type { PlatformKnobs, ProviderDocuments, ScopeCreationInput, ScopeKnobs } from '../../contract/scope/input.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { readModifiers } from '../modifiers.ts';
import { firstSet } from './configuration.ts';

/** Provider documents of the nullplatform preset, read as knobs of their level (specs: scope creation, section 2). */

type Kind = 'text' | 'flag' | 'list' | 'threshold' | 'modifiers';
type Line<Key extends string> = [key: Key, path: string, kind: Kind];

/** `scope-configurations`: scope level. */
const scopeLines: Line<keyof ScopeKnobs>[] = [
  ['balancerPublicName', 'networking.balancer_public_name', 'text'],
  ['balancerPrivateName', 'networking.balancer_private_name', 'text'],
  ['additionalPublicBalancers', 'networking.additional_public_balancers', 'list'],
  ['additionalPrivateBalancers', 'networking.additional_private_balancers', 'list'],
  ['albMaxCapacity', 'networking.alb_max_capacity', 'threshold'],
  ['albMaxTargetGroups', 'networking.alb_max_target_groups', 'threshold'],
  ['albMaxListeners', 'networking.alb_max_listeners', 'threshold'],
  ['domainName', 'networking.domain_name', 'text'],
  ['privateDomainName', 'networking.private_domain_name', 'text'],
  ['applicationDomain', 'networking.application_domain', 'flag'],
  ['gatewayPublicName', 'networking.gateway_public_name', 'text'],
  ['gatewayPrivateName', 'networking.gateway_private_name', 'text'],
  ['objectModifiers', 'object_modifiers', 'modifiers'],
];

/** `container-orchestration`: platform level. */
const orchestrationLines: Line<keyof PlatformKnobs>[] = [
  ['namespace', 'cluster.namespace', 'text'],
  ['balancerPublicName', 'balancer.public_name', 'text'],
  ['balancerPrivateName', 'balancer.private_name', 'text'],
  ['additionalPublicBalancers', 'balancer.additional_public_names', 'list'],
  ['additionalPrivateBalancers', 'balancer.additional_private_names', 'list'],
  ['albMaxCapacity', 'balancer.alb_capacity_threshold', 'threshold'],
  ['albMaxTargetGroups', 'balancer.alb_max_target_groups', 'threshold'],
  ['albMaxListeners', 'balancer.alb_max_listeners', 'threshold'],
  ['autocreateEnabled', 'balancer.autocreate_enabled', 'flag'],
  ['autocreateNamePrefix', 'balancer.autocreate_name_prefix', 'text'],
  ['autocreateTimeoutSeconds', 'balancer.autocreate_timeout_seconds', 'threshold'],
  ['gatewayPublicName', 'gateway.public_name', 'text'],
  ['gatewayPrivateName', 'gateway.private_name', 'text'],
];

/** `cloud-providers`: platform level. */
const cloudLines: Line<keyof PlatformKnobs>[] = [
  ['region', 'account.region', 'text'],
  ['domainName', 'networking.domain_name', 'text'],
  ['privateDomainName', 'networking.private_domain_name', 'text'],
  ['applicationDomain', 'networking.application_domain', 'flag'],
];

/** Verification is always on, and gauges cost nothing: there is nothing to turn on or off. */
const ignored = ['networking.alb_reconciliation_enabled', 'networking.alb_metrics_enabled'];

type Wrong = (path: string, message: string) => void;

/** The input with the values of its provider documents under the explicit ones of the same level. */
export function withProviders(input: ScopeCreationInput, wrong: Wrong, warnings: Warning[]): ScopeCreationInput {
  const documents = input.providers;
  if (!documents) return input;
  const read = reader(documents, wrong);
  const scope = knobsOf<ScopeKnobs>(scopeLines, (path, kind) => read('scope-configurations', path, kind));
  const platform = {
    ...knobsOf<PlatformKnobs>(cloudLines, (path, kind) => read('cloud-providers', path, kind)),
    ...knobsOf<PlatformKnobs>(orchestrationLines, (path, kind) => read('container-orchestration', path, kind)),
    hostedZones: {
      public: read('cloud-providers', 'networking.hosted_public_zone_id', 'text') as string | undefined,
      private: read('cloud-providers', 'networking.hosted_zone_id', 'text') as string | undefined,
    },
  };
  for (const path of ignored) {
    if (valueAt(documents['scope-configurations'], path) === undefined) continue;
    const message = `${path} of scope-configurations has no effect: what it turns on is always on`;
    warnings.push({ code: 'KnobIgnored', message });
  }
  const dnsType = firstSet<string>(
    input.dnsType,
    read('scope-configurations', 'networking.dns_type', 'text') as string | undefined,
  );
  const namespace = firstSet(
    input.kubernetes?.namespace,
    read('scope-configurations', 'cluster.namespace', 'text') as string | undefined,
  );
  const createIfMissing = firstSet(
    input.kubernetes?.createIfMissing,
    read('scope-configurations', 'cluster.create_namespace_if_not_exist', 'flag') as boolean | undefined,
  );
  return {
    ...input,
    ...(dnsType === undefined ? {} : { dnsType: dnsType as NonNullable<ScopeCreationInput['dnsType']> }),
    kubernetes: { namespace, createIfMissing },
    networking: {
      scope: under(input.networking?.scope ?? {}, scope),
      platform: under(input.networking?.platform ?? {}, platform),
    },
  };
}

/** Explicit values first; lists one after the other; zones each for itself. */
function under<K extends PlatformKnobs>(explicit: K, provided: K): K {
  const keys = new Set([...Object.keys(explicit), ...Object.keys(provided)]) as Set<keyof K>;
  const merged: Partial<K> = {};
  for (const key of keys) {
    const [own, other] = [explicit[key], provided[key]];
    if (Array.isArray(own) && Array.isArray(other)) merged[key] = [...own, ...other] as K[keyof K];
    else if (key === 'hostedZones' && isRecord(own) && isRecord(other))
      merged[key] = { ...other, ...defined(own) } as K[keyof K];
    else merged[key] = firstSet(own, other) as K[keyof K];
  }
  return merged as K;
}

function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function knobsOf<K>(lines: Line<string>[], read: (path: string, kind: Kind) => unknown): K {
  const entries = lines.map(([key, path, kind]) => [key, read(path, kind)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as K;
}

const words: Record<Kind, string> = {
  text: 'a text',
  flag: 'true or false',
  list: 'a list of names',
  threshold: 'a number',
  modifiers: 'labels and annotations by kind of object',
};

function reader(documents: ProviderDocuments, wrong: Wrong) {
  return (document: keyof ProviderDocuments, path: string, kind: Kind): unknown => {
    const raw = valueAt(documents[document], path);
    if (raw === undefined || raw === null || raw === '') return undefined;
    const value = convert(raw, kind);
    if (value === undefined)
      wrong(`providers.${document}.${path}`, `must be ${words[kind]}, got ${JSON.stringify(raw)}`);
    return value;
  };
}

function convert(raw: unknown, kind: Kind): unknown {
  if (kind === 'text') return typeof raw === 'string' ? raw : undefined;
  if (kind === 'threshold') return typeof raw === 'number' || typeof raw === 'string' ? raw : undefined;
  if (kind === 'modifiers') return readModifiers(raw);
  if (kind === 'list') return Array.isArray(raw) && raw.every((name) => typeof name === 'string') ? raw : undefined;
  if (raw === true || raw === 'true') return true;
  return raw === false || raw === 'false' ? false : undefined;
}

function valueAt(document: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), document);
}
