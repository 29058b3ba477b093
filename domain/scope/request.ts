import { canonicalJson } from '../../contract/canonical.ts';
import type { InvalidField } from '../../contract/failures.ts';
import type { ObjectModifiers } from '../../contract/modifiers.ts';
import {
  AWS_REGION,
  type DnsType,
  DOMAIN_PLACEHOLDER,
  HOSTED_ZONE_ID,
  type HostedZoneIds,
  type Scheme,
  type ScopeCreationInput,
  type ScopeSlugs,
  type Visibility,
} from '../../contract/scope/input.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { sha256Hex } from '../canonical.ts';
import { modifierProblems } from '../modifiers.ts';
import {
  firstSet,
  type KnobLevels,
  knob,
  mergeNames,
  platformKnob,
  readSeconds,
  readThreshold,
} from './configuration.ts';
import { hostProblem, isDnsLabel, isWithin, LONGEST_HOST, normalizeHost } from './hosts.ts';
import {
  balancerNameProblem,
  cutLabelValue,
  type DomainSuffix,
  nrnIds,
  nrnProblem,
  prefixProblem,
  scopeDomain,
} from './names.ts';
import { withProviders } from './providers.ts';
import type { Brand, ScopeSettings, ScopeTimings } from './settings.ts';

export interface HostedZone {
  id: string;
  kind: 'private' | 'public';
}

/** Thresholds a balancer may not cross, each a positive whole number. */
export interface Thresholds {
  rules: number;
  targetGroups: number;
  listeners: number;
  certificates: number;
}

/** A validated request with every knob decided: what the run works with. */
export interface ScopeRequest {
  scopeId: string;
  slugs: ScopeSlugs;
  labels: Record<string, string>;
  environment?: string;
  visibility: Visibility;
  scheme: Scheme;
  region: string;
  dnsType: DnsType;
  domain: string;
  /** The domain and the additional domains, normalised, without repeats. */
  hosts: string[];
  /** Private first. */
  zones: HostedZone[];
  namespace: string;
  createNamespace: boolean;
  /** Names of the declared balancers in order of preference; the first is the base. */
  declared: string[];
  thresholds: Thresholds;
  autocreate: { enabled: boolean; prefix: string; timeoutSeconds: number };
  suffix: DomainSuffix;
  gateway: string;
  brand: string;
  /** Absent: none. */
  modifiers?: ObjectModifiers;
  timings: ScopeTimings;
  maxReplacements: number;
  dryRun: boolean;
  /** SHA-256 of the canonical form of the input. */
  digest: string;
  warnings: Warning[];
}

export type Resolution = { ok: true; request: ScopeRequest } | { ok: false; problems: InvalidField[] };

/** Digest of an input as the caller sent it: two callers that joined one run compare theirs. */
export function inputDigest(input: ScopeCreationInput): string {
  return sha256Hex(canonicalJson(input));
}

/** Whether certificates are judged: only hosts outside the base domain need one of their own. */
export function bringsForeignHosts({ hosts, suffix }: Pick<ScopeRequest, 'hosts' | 'suffix'>): boolean {
  return hosts.some((host) => suffix.base === '' || !isWithin(host, suffix.base));
}

/** Hosted zones to write to: private first, then public if different; `null` and empty ids are ignored. */
export function zonesOf(ids: HostedZoneIds): HostedZone[] {
  const zones = (['private', 'public'] as const).flatMap((kind): HostedZone[] => {
    const id = ids[kind]?.replace(/^\/hostedzone\//, '');
    return id ? [{ id, kind }] : [];
  });
  return joinZones(zones, []);
}

/** The zones of both, each once, private first; where they differ on one, the first are right. */
export function joinZones(first: readonly HostedZone[], others: readonly HostedZone[]): HostedZone[] {
  const all = [...first, ...others];
  const each = all.filter(({ id }, index) => all.findIndex((zone) => zone.id === id) === index);
  return [...each.filter(({ kind }) => kind === 'private'), ...each.filter(({ kind }) => kind === 'public')];
}

/** What is wrong with the id of a hosted zone, or undefined. */
export function zoneIdProblem(id: string): string | undefined {
  return HOSTED_ZONE_ID.test(id) ? undefined : `"${id}" is not the id of a hosted zone, such as Z0123456789ABCDEFGHIJ`;
}

/** What is wrong with the name of an AWS region, or undefined. */
export function regionProblem(region: string): string | undefined {
  return AWS_REGION.test(region) ? undefined : `"${region}" is not an AWS region`;
}

/** Decides every knob of a structurally valid input, or names every wrong field. */
export function resolveScopeRequest(given: ScopeCreationInput, settings: ScopeSettings): Resolution {
  const problems: InvalidField[] = [];
  const warnings: Warning[] = [];
  const wrong = (path: string, message: string) => void problems.push({ path, message });
  const input = settings.brand.readsProviders ? withProviders(given, wrong, warnings) : given;
  if (given.providers && !settings.brand.readsProviders)
    warnings.push({ code: 'ProvidersIgnored', message: 'providers are read only with the preset nullplatform' });

  const levels: KnobLevels = {
    scope: input.networking?.scope ?? {},
    platform: input.networking?.platform ?? {},
    worker: settings.knobs,
  };
  const isPrivate = input.visibility !== 'public';
  const visibility: Visibility = isPrivate ? 'private' : 'public';
  const scheme: Scheme = isPrivate ? 'internal' : 'internet-facing';

  const region = firstSet(input.region, platformKnob(levels, 'region'), settings.brand.region) ?? '';
  const wrongRegion = region === '' ? 'is required: no region is configured' : regionProblem(region);
  if (wrongRegion) wrong('region', wrongRegion);

  const nrn = nrnProblem(input.nrn);
  if (nrn !== undefined) wrong('nrn', nrn);

  const suffix = readSuffix(input, levels, settings.brand, isPrivate);
  const autocreates = platformKnob(levels, 'autocreateEnabled') === true;
  const domain = readDomain(input, suffix, isPrivate, autocreates, wrong);
  const hosts = readHosts(domain, input.additionalDomains ?? [], wrong);
  const declared = readDeclared(levels, settings.brand, isPrivate, wrong);
  const thresholds = readThresholds(levels, wrong, warnings);
  const autocreate = readAutocreate(levels, settings.brand, wrong);
  if (problems.length === 0 && hosts.length > thresholds.rules) {
    wrong(
      'additionalDomains',
      `the scope has ${hosts.length} hosts, more than the ${thresholds.rules} rules an empty balancer has room for`,
    );
  }
  const dnsType = readDnsType(input, levels, wrong);
  const zones = readZones(input, levels, wrong);
  const modifiers = readObjectModifiers(levels, settings.brand.name, wrong);
  if (problems.length > 0) return { ok: false, problems };

  return {
    ok: true,
    request: {
      scopeId: input.scopeId,
      slugs: input.slugs,
      labels: scopeLabels(input, settings.brand.name),
      ...(input.environment ? { environment: input.environment } : {}),
      visibility,
      scheme,
      region,
      dnsType,
      domain,
      hosts,
      zones,
      namespace: firstSet(input.kubernetes?.namespace, platformKnob(levels, 'namespace')) ?? settings.brand.name,
      createNamespace: firstSet(input.kubernetes?.createIfMissing, settings.knobs.createNamespaceIfMissing) ?? true,
      declared,
      thresholds,
      autocreate,
      suffix,
      gateway: isPrivate
        ? (knob(levels, 'gatewayPrivateName') ?? 'gateway-internal')
        : (knob(levels, 'gatewayPublicName') ?? 'gateway-public'),
      brand: settings.brand.name,
      ...(modifiers ? { modifiers } : {}),
      timings: settings.timings,
      maxReplacements: settings.maxReplacements,
      dryRun: input.dryRun === true,
      digest: inputDigest(given),
      warnings,
    },
  };
}

type Wrong = (path: string, message: string) => void;

function readZones(input: ScopeCreationInput, levels: KnobLevels, wrong: Wrong): HostedZone[] {
  const zones = zonesOf({
    ...definedZones(levels.worker.hostedZones),
    ...definedZones(levels.platform.hostedZones),
    ...definedZones(input.hostedZones),
  });
  for (const { id, kind } of zones) {
    const problem = zoneIdProblem(id);
    if (problem) wrong(`hostedZones.${kind}`, problem);
  }
  return zones;
}

function definedZones(ids: HostedZoneIds | null | undefined): HostedZoneIds {
  return Object.fromEntries(Object.entries(ids ?? {}).filter(([, id]) => id !== undefined));
}

function readSuffix(input: ScopeCreationInput, levels: KnobLevels, brand: Brand, isPrivate: boolean): DomainSuffix {
  const publicBase = knob(levels, 'domainName') ?? brand.domainName;
  const base = (isPrivate ? knob(levels, 'privateDomainName') : undefined) ?? publicBase;
  return {
    base: base === undefined ? '' : normalizeHost(base),
    ...(knob(levels, 'applicationDomain') === true ? { account: input.slugs.account } : {}),
  };
}

function readDomain(
  input: ScopeCreationInput,
  suffix: DomainSuffix,
  isPrivate: boolean,
  autocreates: boolean,
  wrong: Wrong,
): string {
  const given = input.domain?.trim();
  const generate = given === undefined || given === '' || given === DOMAIN_PLACEHOLDER;
  if (suffix.base === '') {
    // A new balancer's keeper host lies below the base domain, so autocreation needs one even when a domain is given.
    if (generate || autocreates)
      wrong(
        'networking.scope.domainName',
        `domainName is required: no base domain is configured${isPrivate ? ' (privateDomainName would do)' : ''}`,
      );
  } else {
    const problem = hostProblem(suffix.base);
    if (problem) wrong('networking.scope.domainName', problem);
  }
  if (generate) return generateDomain(input.slugs, suffix, wrong);
  const domain = normalizeHost(given);
  const problem = hostProblem(domain);
  if (problem) wrong('domain', problem);
  return domain;
}

/** Slugs may begin and end with a hyphen, labels of a host may not: the slug is named that a host begins or ends with. */
function generateDomain(slugs: ScopeSlugs, suffix: DomainSuffix, wrong: Wrong): string {
  const domain = scopeDomain(slugs, suffix);
  const [label = ''] = domain.split('.');
  const words = (what: string) => `makes "${what}" a part of the generated domain, which is not a valid DNS label`;
  if (!isDnsLabel(label)) wrong('slugs.namespace', words(label));
  if (suffix.account !== undefined && !isDnsLabel(suffix.account)) wrong('slugs.account', words(suffix.account));
  if (domain.length > LONGEST_HOST && hostProblem(suffix.base) === undefined)
    wrong(
      'networking.scope.domainName',
      `makes a domain of ${domain.length} characters, at most ${LONGEST_HOST} are allowed`,
    );
  return domain;
}

function readHosts(domain: string, additional: readonly string[], wrong: Wrong): string[] {
  const hosts = [domain];
  for (const [index, raw] of additional.entries()) {
    const host = normalizeHost(raw);
    const problem = hostProblem(host) ?? (hosts.includes(host) ? `"${host}" is given twice` : undefined);
    if (problem) wrong(`additionalDomains.${index}`, problem);
    else hosts.push(host);
  }
  return hosts;
}

function readDeclared(levels: KnobLevels, brand: Brand, isPrivate: boolean, wrong: Wrong): string[] {
  const baseKey = isPrivate ? 'balancerPrivateName' : 'balancerPublicName';
  const listKey = isPrivate ? 'additionalPrivateBalancers' : 'additionalPublicBalancers';
  const base = knob(levels, baseKey) ?? brand[baseKey];
  const names = mergeNames(base, levels.scope[listKey], levels.platform[listKey], levels.worker[listKey]);
  for (const name of names) {
    const problem = balancerNameProblem(name);
    if (problem) wrong(`networking.${name === base ? baseKey : listKey}`, problem);
  }
  return names;
}

function readThresholds(levels: KnobLevels, wrong: Wrong, warnings: Warning[]): Thresholds {
  const read = (
    key: 'albMaxCapacity' | 'albMaxTargetGroups' | 'albMaxListeners' | 'albMaxCertificates',
    name: keyof Thresholds,
  ) => {
    const raw = key === 'albMaxCertificates' ? levels.worker.albMaxCertificates : knob(levels, key);
    const reading = readThreshold(name, raw);
    if (reading.problem) wrong(`networking.${levelOf(levels, key)}.${key}`, reading.problem);
    if (reading.warning) warnings.push({ code: 'ThresholdAboveQuota', message: `${key} ${reading.warning}` });
    return reading.value ?? 0;
  };
  return {
    rules: read('albMaxCapacity', 'rules'),
    targetGroups: read('albMaxTargetGroups', 'targetGroups'),
    listeners: read('albMaxListeners', 'listeners'),
    certificates: read('albMaxCertificates', 'certificates'),
  };
}

function levelOf(levels: KnobLevels, key: string): 'scope' | 'platform' | 'worker' {
  const has = (level: object) => firstSet((level as Record<string, unknown>)[key]) !== undefined;
  return has(levels.scope) ? 'scope' : has(levels.platform) ? 'platform' : 'worker';
}

function readAutocreate(levels: KnobLevels, brand: Brand, wrong: Wrong): ScopeRequest['autocreate'] {
  const prefix = platformKnob(levels, 'autocreateNamePrefix') ?? brand.autocreatePrefix;
  const problem = prefixProblem(prefix);
  if (problem) wrong('networking.platform.autocreateNamePrefix', problem);
  const timeout = readSeconds(platformKnob(levels, 'autocreateTimeoutSeconds'), 300);
  if (timeout.problem) wrong('networking.platform.autocreateTimeoutSeconds', timeout.problem);
  return { enabled: platformKnob(levels, 'autocreateEnabled') ?? false, prefix, timeoutSeconds: timeout.value ?? 0 };
}

function readDnsType(input: ScopeCreationInput, levels: KnobLevels, wrong: Wrong): DnsType {
  const type = firstSet<string>(input.dnsType, levels.worker.dnsType) ?? 'route53';
  if (type === 'route53' || type === 'external_dns') return type;
  wrong('dnsType', `"${type}" is not supported: use "route53" or "external_dns"`);
  return 'route53';
}

function readObjectModifiers(levels: KnobLevels, brand: string, wrong: Wrong): ObjectModifiers | undefined {
  const modifiers = knob(levels, 'objectModifiers');
  const path = `networking.${levelOf(levels, 'objectModifiers')}.objectModifiers`;
  for (const problem of modifierProblems(modifiers ?? {}, brand, path)) wrong(problem.path, problem.message);
  return modifiers;
}

/** Labels of Kubernetes objects made for a scope. Ids appear only when the NRN has them. */
function scopeLabels(input: ScopeCreationInput, brand: string): Record<string, string> {
  const ids = nrnIds(input.nrn);
  return {
    [brand]: 'true',
    'app.kubernetes.io/part-of': cutLabelValue(`${input.slugs.namespace}-${input.slugs.application}`),
    scope_id: input.scopeId,
    ...(ids.account ? { account_id: cutLabelValue(ids.account) } : {}),
    ...(ids.namespace ? { namespace_id: cutLabelValue(ids.namespace) } : {}),
    ...(ids.application ? { application_id: cutLabelValue(ids.application) } : {}),
  };
}
