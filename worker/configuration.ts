import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type Room, taskQueues } from '../contract/names.ts';
import type { IpSettings } from '../domain/ip/settings.ts';
import { readSeconds, readThreshold, type ThresholdName } from '../domain/scope/configuration.ts';
import { hostProblem } from '../domain/scope/hosts.ts';
import { balancerNameProblem, brandProblem, kubernetesLabelProblem, prefixProblem } from '../domain/scope/names.ts';
import { regionProblem, zoneIdProblem } from '../domain/scope/request.ts';
import {
  brands,
  defaultTimings,
  type PresetName,
  type ScopeSettings,
  type ScopeTimings,
} from '../domain/scope/settings.ts';
import { defaultWorkshopTimings, type WorkshopTimings } from '../domain/workshop/settings.ts';
import { deploymentRoomSettings } from './deployment-settings.ts';
import {
  address,
  DAY,
  environmentName,
  flag,
  list,
  modifiers,
  oneOf,
  positive,
  positiveWhole,
  postgresUrl,
  type Setting,
  text,
  upTo,
  wholeFromZero,
  YEAR,
} from './settings.ts';

/**
 * The worker's configuration: environment over file over default. An unknown or malformed setting stops the start with
 * one line. Connections follow the tools' own conventions: Temporal by `@temporalio/envconfig` (TEMPORAL_*,
 * temporal.toml), AWS by the SDK's chain (AWS_*), Kubernetes by KUBECONFIG or the Pod's service account.
 */

const rooms = Object.keys(taskQueues) as Room[];

/** Refuses a value for which `problem` finds something. */
const checked =
  <T>(read: (raw: unknown) => T, problem: (value: T) => string | undefined) =>
  (raw: unknown): T => {
    const value = read(raw);
    const words = problem(value);
    if (words) throw new Error(words);
    return value;
  };

const threshold = (name: ThresholdName) => checked(positiveWhole, (value) => readThreshold(name, value).problem);
const seconds = checked(positive, (value) => readSeconds(value, value).problem);
const domain = checked(text, (value) => hostProblem(value.toLowerCase().replace(/\.$/, '')));
const kubernetesLabel = checked(text, kubernetesLabelProblem);
const hostedZone = checked(text, zoneIdProblem);
const balancerName = checked(text, balancerNameProblem);
const balancerNames = checked(list, (names) => names.map(balancerNameProblem).find((problem) => problem !== undefined));

const timingDescriptions: Record<keyof ScopeTimings, string> = {
  observationMaxAge:
    'Seconds a shared observation of balancers may be old when a placement is decided on it. Raise it to save AWS calls.',
  observationLease: 'Seconds one run may take to observe for all others before another takes over.',
  callTimeout:
    'Seconds one try of a call to AWS or Kubernetes may take in all; when a worker is killed, another goes on after them.',
  pollInterval: 'Seconds between two looks at a balancer that is not ready.',
  readPatience: 'Seconds a pool that cannot be read is read again before the run fails.',
  busyPatience: 'Seconds a scope held by another run is waited for.',
  dnsPollInterval: 'Seconds between two looks at a DNS change.',
  dnsSyncTimeout: 'Seconds a DNS change may take to be in sync.',
  dnsEndpointTimeout: 'Seconds external-dns may take to observe a DNSEndpoint.',
  compensationTimeout: 'Seconds each compensation is retried before it is reported as left over.',
  retirementInterval:
    'Seconds between two runs of balancer retirement. Counts when "groundwork setup" writes the Schedule.',
  retirementGrace: 'Seconds a balancer of ours must have been without a scope before it is retired.',
  failedGrace: 'The same for a balancer that never became active, and for what runs that ended left behind.',
};

const timingSettings = Object.fromEntries(
  (Object.keys(defaultTimings) as (keyof ScopeTimings)[]).map((key) => [
    key,
    {
      key,
      description: timingDescriptions[key],
      fallback: defaultTimings[key],
      read: upTo(YEAR),
    } satisfies Setting<number>,
  ]),
) as Record<keyof ScopeTimings, Setting<number>>;

const workshopTimingDescriptions: Record<keyof WorkshopTimings, string> = {
  debounce: 'Seconds in which the changes of one workshop provision are gathered before its autoscaler is told.',
  pollFirst: 'Seconds until the first look at a scaling operation that is under way.',
  pollFactor: 'What the time between two such looks is multiplied by.',
  pollMax: 'Longest seconds between two such looks.',
  backoffFirst: 'Seconds without scaling after an operation that timed out; doubled each time, reset by a success.',
  backoffMax: 'Longest such time, in seconds.',
  conflictBackoff: 'Seconds without scaling when others keep changing the count.',
  conflictsPerMinute: 'Conflicts within a minute after which that is so.',
  errorBackoff: 'Seconds until the next try after Kubernetes denied a call or did not answer.',
  statusInterval: 'Seconds between two writes of a provision status that only change numbers.',
  idleLimit: 'Seconds after which an autoscaler starts a new history.',
  historyLimit: 'Events after which it does so, whatever the server suggests.',
  sweepInterval:
    'Seconds between two sweeps over all workshops. Set it before "groundwork setup", which makes the Schedule.',
  expectedProvisioning: 'Seconds a claim takes to be provisioned, where the provision has none that tells.',
  retryFirst: 'Seconds until a failed call to Kubernetes about workshops is tried again; doubled each time.',
  retryMax: 'Longest such time, in seconds.',
  callTimeout:
    'Seconds one try of such a call may take in all; a worker that was killed meanwhile is noticed after them.',
  callPatience: 'Seconds such a call is tried before the autoscaler rests for the error back-off.',
  secondsScale:
    "Real seconds per second of a workshop's own configuration. 1, and less only where minutes are played fast.",
};

const workshopSettingKey = (key: keyof WorkshopTimings) =>
  `workshop${key.charAt(0).toUpperCase()}${key.slice(1)}` as WorkshopTimingKey;

type WorkshopTimingKey = `workshop${Capitalize<keyof WorkshopTimings>}`;

const workshopTimingSettings = Object.fromEntries(
  (Object.keys(defaultWorkshopTimings) as (keyof WorkshopTimings)[]).map((key) => [
    workshopSettingKey(key),
    {
      key: workshopSettingKey(key),
      description: workshopTimingDescriptions[key],
      fallback: defaultWorkshopTimings[key],
      read: upTo(YEAR),
    } satisfies Setting<number>,
  ]),
) as Record<WorkshopTimingKey, Setting<number>>;

const define = <T extends Record<string, Omit<Setting<unknown>, 'key'>>>(settings: T) =>
  Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, { key, ...setting }])) as {
    [K in keyof T]: T[K] & { key: string };
  };

/** Every setting, in the order in which the documentation shows them. */
export const settings = {
  ...define({
    databaseUrl: {
      also: ['DATABASE_URL'],
      secret: true,
      read: postgresUrl,
      description: 'PostgreSQL 15 to 18 that holds the ledger. Required.',
    },
    databasePoolSize: {
      read: positiveWhole,
      fallback: 24,
      description:
        'Connections to PostgreSQL. At least the local activity slots, or attempts spend their time queueing.',
    },
    queues: {
      read: checked(list, unservedQueue),
      fallback: rooms as string[],
      description: `Task queues to serve: ${rooms.join(', ')}. Split a room into its own process when it needs its own scaling.`,
    },
    taskQueuePrefix: {
      read: text,
      fallback: 'groundwork-',
      description: 'First part of every task queue name. Change it to run two installations in one Temporal namespace.',
    },
    accountId: {
      read: checked(text, (value) => (/^\d{12}$/.test(value) ? undefined : 'must be the 12 digits of an AWS account')),
      description: 'AWS account number. Asked once of STS when it is not set.',
    },
    logLevel: {
      read: oneOf('trace', 'debug', 'info', 'warn', 'error'),
      fallback: 'info' as string,
      description: 'Least severe level that is logged, as JSON lines on stdout.',
    },
    metricsAddress: {
      read: address,
      fallback: '127.0.0.1:9464',
      description:
        'Where Prometheus metrics of the SDK and of Groundwork are served (/metrics). 0.0.0.0:9464 in a container.',
    },
    healthAddress: {
      read: address,
      fallback: '127.0.0.1:9465',
      description: 'Where /healthz and /readyz are served. 0.0.0.0:9465 in a container.',
    },
    shutdownGraceSeconds: {
      read: upTo(DAY),
      fallback: 25,
      description:
        "Seconds running activities may finish after SIGTERM. Keep it below the Pod's terminationGracePeriodSeconds.",
    },
    workflowSlots: { read: positiveWhole, fallback: 40, description: 'Workflow tasks at once.' },
    activitySlots: { read: positiveWhole, fallback: 60, description: 'Activities at once, per task queue.' },
    localActivitySlots: { read: positiveWhole, fallback: 20, description: 'Local activities at once, per task queue.' },
    maxCachedWorkflows: {
      read: wholeFromZero,
      fallback: 500,
      description: 'Runs kept in memory between tasks; each costs about 1 MB.',
    },
    stickyTimeoutSeconds: {
      read: upTo(DAY),
      fallback: 10,
      description:
        'Seconds until another worker takes over the runs of one that vanished. Lower it where a quick take-over matters more than the cache.',
    },
    elbReadsPerSecond: {
      read: positive,
      fallback: 10,
      description: 'ELBv2 calls per second of this process. AWS refills 10 a second per account and region.',
    },
    route53RequestsPerSecond: {
      read: positive,
      fallback: 5,
      description: 'Route 53 calls per second of this process. AWS allows 5 a second per account.',
    },
    awsRequestTimeoutSeconds: {
      read: upTo(DAY),
      fallback: 10,
      description: 'Seconds one AWS call may take before it counts as failed and is tried again.',
    },
    kubernetesRequestTimeoutSeconds: {
      read: upTo(DAY),
      fallback: 10,
      description: 'Seconds one Kubernetes call may take before it counts as failed and is tried again.',
    },
    preset: {
      read: oneOf('groundwork', 'nullplatform'),
      fallback: 'groundwork' as PresetName,
      description: 'Set of brand values: label key, default names, tag keys.',
    },
    brand: {
      read: checked(text, brandProblem),
      fallbackWords: 'of the preset',
      description: 'Label key, default namespace, tag prefix and first part of keeper names.',
    },
    namespace: {
      presetNames: ['NAMESPACE_OVERRIDE', 'K8S_NAMESPACE'],
      read: kubernetesLabel,
      fallbackWords: 'the brand',
      description: 'Kubernetes namespace of scopes that name none.',
    },
    createNamespaceIfMissing: {
      presetNames: ['CREATE_K8S_NAMESPACE_IF_NOT_EXIST'],
      read: flag,
      fallback: true,
      description: 'Whether a missing namespace is created.',
    },
    dnsType: {
      presetNames: ['DNS_TYPE'],
      read: oneOf('route53', 'external_dns'),
      fallback: 'route53' as string,
      description: 'How DNS is written when the scope does not say.',
    },
    region: {
      read: checked(text, regionProblem),
      fallbackWords: 'of the preset',
      description: 'AWS region of scopes that name none.',
    },
    hostedZonePublic: { read: hostedZone, description: 'Id of the public hosted zone of scopes that name none.' },
    hostedZonePrivate: { read: hostedZone, description: 'Id of the private hosted zone of scopes that name none.' },
    domainName: { read: domain, fallbackWords: 'of the preset', description: 'Base domain of generated domains.' },
    privateDomainName: {
      read: domain,
      fallbackWords: 'domainName',
      description: 'Base domain of generated domains of private scopes.',
    },
    applicationDomain: {
      read: flag,
      fallback: false,
      description: 'Whether the account slug is part of generated domains.',
    },
    balancerPublicName: {
      read: balancerName,
      fallbackWords: 'of the preset',
      description: 'Base balancer of public scopes.',
    },
    balancerPrivateName: {
      read: balancerName,
      fallbackWords: 'of the preset',
      description: 'Base balancer of private scopes.',
    },
    additionalPublicBalancers: {
      read: balancerNames,
      fallback: [] as string[],
      description: 'Further public balancers, comma separated, in order of preference.',
    },
    additionalPrivateBalancers: {
      read: balancerNames,
      fallback: [] as string[],
      description: 'Further private balancers, comma separated, in order of preference.',
    },
    albMaxCapacity: {
      presetNames: ['ALB_MAX_CAPACITY'],
      read: threshold('rules'),
      fallback: 75,
      description: 'Most non-default rules per balancer, over all listeners. The AWS quota is 100 unless raised.',
    },
    albMaxTargetGroups: {
      presetNames: ['ALB_MAX_TARGET_GROUPS'],
      read: threshold('targetGroups'),
      fallback: 98,
      description: 'Most target groups per balancer. AWS allows 100 and does not raise it.',
    },
    albMaxListeners: {
      presetNames: ['ALB_MAX_LISTENERS'],
      read: threshold('listeners'),
      fallback: 48,
      description: 'Most listeners per balancer.',
    },
    albMaxCertificates: {
      read: threshold('certificates'),
      fallback: 24,
      description: 'Most certificates per balancer besides the default one.',
    },
    autocreateEnabled: {
      presetNames: ['ALB_AUTOCREATE_ENABLED'],
      read: flag,
      fallback: false,
      description: 'Whether a new balancer is created when all are full.',
    },
    autocreateNamePrefix: {
      presetNames: ['ALB_AUTOCREATE_NAME_PREFIX'],
      read: checked(text, prefixProblem),
      fallbackWords: 'of the preset',
      description: 'First part of the names of created balancers, at most 18 characters.',
    },
    autocreateTimeoutSeconds: {
      presetNames: ['ALB_AUTOCREATE_TIMEOUT_SECONDS'],
      read: seconds,
      fallback: 300,
      description: 'Seconds a run waits for a balancer to become active.',
    },
    gatewayPublicName: {
      presetNames: ['PUBLIC_GATEWAY_NAME'],
      read: text,
      fallback: 'gateway-public',
      description: 'Gateway of public scopes with external-dns.',
    },
    gatewayPrivateName: {
      presetNames: ['PRIVATE_GATEWAY_NAME'],
      read: text,
      fallback: 'gateway-internal',
      description: 'Gateway of private scopes with external-dns.',
    },
    objectModifiers: {
      presetNames: ['K8S_MODIFIERS'],
      read: modifiers,
      fallbackWords: 'none',
      description:
        'Labels and annotations for what is made for scopes and deployments, by kind: JSON with global, service, ingress, deployment, pdb.',
    },
    maxReplacements: {
      read: wholeFromZero,
      fallback: 2,
      description: 'How often a run whose balancer failed decides again.',
    },
  }),
  ...timingSettings,
  ...define({
    ipDatabasePoolSize: {
      read: positiveWhole,
      fallback: 20,
      description:
        'Connections to PostgreSQL for claims, beside those of databasePoolSize. At least the local activity slots.',
    },
    ipCooldownSeconds: {
      read: wholeFromZero,
      fallback: 0,
      description:
        'Seconds a freed block rests in pools that name no cool-down. 300 in production: what still has the old address then lets go of it.',
    },
    ipAbandonSeconds: {
      read: upTo(DAY),
      fallback: 10,
      description: 'Seconds a claim that was started for a waiting caller waits for that caller before it ends.',
    },
    ipPatienceSeconds: {
      read: checked(positive, (value) => (value <= 5 ? undefined : 'must be at most 5')),
      fallback: 5,
      description:
        'Seconds for which a database that is away or locked is asked again before a claim or a change ends as Busy. At most 5, below what callers wait.',
    },
    ipWaitFirstSeconds: {
      read: upTo(DAY),
      fallback: 15,
      description:
        'Seconds until a claim that waits for capacity looks again by itself; each pause is longer. Freed blocks wake it at once.',
    },
    ipWaitMostSeconds: { read: upTo(DAY), fallback: 60, description: 'Longest pause between two such looks.' },
    ipSweepIntervalSeconds: {
      read: upTo(YEAR),
      fallback: 30,
      description:
        'Seconds between two sweeps of leases, cool-downs and retention. Counts when "groundwork setup" writes the Schedule.',
    },
    ipSampleSeconds: {
      read: upTo(DAY),
      fallback: 30,
      description: 'Seconds between two samples of pools for the metrics; the 50 fullest are told.',
    },
    ipRefusedEventDays: {
      read: positive,
      fallback: 7,
      description: 'Days for which refused claims are kept in the log of events.',
    },
    ipEventDays: {
      read: positive,
      fallbackWords: 'for ever',
      description: 'Days for which all other events are kept.',
    },
    clusterName: {
      read: kubernetesLabel,
      fallback: 'default',
      description: 'Name of the Kubernetes cluster in the ids of autoscalers. Give each cluster its own.',
    },
    workshopNamespace: {
      read: kubernetesLabel,
      fallbackWords: 'all namespaces',
      description: 'The only Kubernetes namespace in which workshops are watched and swept.',
    },
  }),
  ...workshopTimingSettings,
  ...deploymentRoomSettings,
};

type Settings = typeof settings;
type Value<S> = S extends { read(raw: unknown): infer T }
  ? S extends { fallback: unknown }
    ? T
    : T | undefined
  : never;

/** Every setting's value, by key. */
export type Values = { [K in keyof Settings]: Value<Settings[K]> };

export type ReadResult = { ok: true; values: Values } | { ok: false; problems: string[] };

type Environment = Readonly<Record<string, string | undefined>>;

function unservedQueue(names: string[]): string | undefined {
  const unknown = names.find((name) => !rooms.includes(name as Room));
  if (unknown !== undefined) return `names ${unknown}; the queues are ${rooms.join(', ')}`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `names ${twice} twice`;
  return names.length === 0 ? 'must name at least one queue' : undefined;
}

/** Reads all settings. `problems` has one line per wrong or unknown setting. `withDatabase` false: none needs to be named. */
export function readConfiguration(
  environment: Environment,
  { withDatabase = true }: { withDatabase?: boolean } = {},
): ReadResult {
  const problems: string[] = [];
  const file = readFile(environment, problems);
  const values: Record<string, unknown> = {};
  for (const setting of Object.values(settings) as Setting<unknown>[]) {
    const { value, problem } = readSetting(setting, environment, file);
    if (problem === undefined) values[setting.key] = value;
    else problems.push(problem);
  }
  problems.push(...unknownSettings(environment, file));
  if (withDatabase && 'databaseUrl' in values && values.databaseUrl === undefined)
    problems.push('GROUNDWORK_DATABASE_URL is required: the URL of a PostgreSQL database (DATABASE_URL will do)');
  return problems.length > 0 ? { ok: false, problems } : { ok: true, values: values as Values };
}

/** Where the worker's database is, whatever is wrong with other settings; neither when no database is named. */
export function readDatabaseUrl(environment: Environment): { url?: string; problem?: string } {
  const problems: string[] = [];
  const file = readFile(environment, problems);
  const { value, problem = problems[0] } = readSetting(settings.databaseUrl, environment, file);
  if (value !== undefined) return { url: value };
  return problem === undefined ? {} : { problem };
}

function readSetting<T>(
  setting: Setting<T>,
  environment: Environment,
  file: Readonly<Record<string, unknown>>,
): { value?: T | undefined; problem?: string } {
  const withPreset = (environment[environmentName('preset')] || file.preset) === 'nullplatform';
  const names = [
    environmentName(setting.key),
    ...(setting.also ?? []),
    ...(withPreset ? (setting.presetNames ?? []) : []),
  ];
  const name = names.find((candidate) => environment[candidate] !== undefined && environment[candidate] !== '');
  const raw = name === undefined ? (file[setting.key] ?? undefined) : environment[name];
  if (raw === undefined || raw === '') return { value: setting.fallback };
  try {
    return { value: setting.read(raw) };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const said = setting.secret ? words.replace(/, got .*/, '') : words;
    return { problem: `${name ?? `${setting.key} in the configuration file`} ${said}` };
  }
}

const FILE_VARIABLE = 'GROUNDWORK_CONFIG_FILE';

function readFile(environment: Environment, problems: string[]): Record<string, unknown> {
  const path = environment[FILE_VARIABLE];
  if (!path) return {};
  try {
    const content: unknown = parseYaml(readFileSync(path, 'utf8')) ?? {};
    if (typeof content === 'object' && content !== null && !Array.isArray(content))
      return content as Record<string, unknown>;
    problems.push(`${FILE_VARIABLE}: ${path} must hold one YAML or JSON object`);
  } catch (error) {
    problems.push(
      `${FILE_VARIABLE}: ${path} cannot be read: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
  }
  return {};
}

/** Variables with our prefix that belong to the CLI and the sandbox, not to the worker. */
const FOREIGN = /^GROUNDWORK_(SANDBOX|CACHE|CONFIG_FILE|CLI)(_|$)/;

/** What Kubernetes puts into every Pod of a namespace for a Service that is called `groundwork-...`. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

function unknownSettings(environment: Environment, file: Record<string, unknown>): string[] {
  const names = new Set(Object.keys(settings).map(environmentName));
  const variables = Object.keys(environment).filter(
    (name) => name.startsWith('GROUNDWORK_') && !names.has(name) && !FOREIGN.test(name) && !SERVICE_LINK.test(name),
  );
  const keys = Object.keys(file).filter((key) => !(key in settings));
  return [...variables, ...keys.map((key) => `${key} in the configuration file`)].map(
    (name) => `${name} is not a setting of Groundwork`,
  );
}

/** The effective configuration for the log: secrets are hidden. */
export function publicValues(values: Values): Record<string, unknown> {
  return Object.fromEntries(
    (Object.values(settings) as Setting<unknown>[]).map(({ key, secret }) => [
      key,
      secret && values[key as keyof Values] ? '(hidden)' : values[key as keyof Values],
    ]),
  );
}

/** What the scope room takes from the configuration. */
export function scopeSettings(values: Values): ScopeSettings {
  const brand = { ...brands[values.preset], ...(values.brand ? { name: values.brand } : {}) };
  const timings = Object.fromEntries(
    Object.keys(defaultTimings).map((key) => [key, values[key as keyof ScopeTimings]]),
  ) as unknown as ScopeTimings;
  return {
    brand,
    knobs: {
      namespace: values.namespace,
      createNamespaceIfMissing: values.createNamespaceIfMissing,
      dnsType: values.dnsType,
      region: values.region,
      hostedZones: { public: values.hostedZonePublic, private: values.hostedZonePrivate },
      domainName: values.domainName,
      privateDomainName: values.privateDomainName,
      applicationDomain: values.applicationDomain,
      balancerPublicName: values.balancerPublicName,
      balancerPrivateName: values.balancerPrivateName,
      additionalPublicBalancers: values.additionalPublicBalancers,
      additionalPrivateBalancers: values.additionalPrivateBalancers,
      albMaxCapacity: values.albMaxCapacity,
      albMaxTargetGroups: values.albMaxTargetGroups,
      albMaxListeners: values.albMaxListeners,
      albMaxCertificates: values.albMaxCertificates,
      autocreateEnabled: values.autocreateEnabled,
      autocreateNamePrefix: values.autocreateNamePrefix,
      autocreateTimeoutSeconds: values.autocreateTimeoutSeconds,
      gatewayPublicName: values.gatewayPublicName,
      gatewayPrivateName: values.gatewayPrivateName,
      objectModifiers: values.objectModifiers,
    },
    timings,
    maxReplacements: values.maxReplacements,
  };
}

/** What the IP room takes from the configuration. */
export function ipSettings(values: Values): IpSettings {
  return {
    cooldownSeconds: values.ipCooldownSeconds,
    abandonAfterSeconds: values.ipAbandonSeconds,
    patienceSeconds: values.ipPatienceSeconds,
    wait: { firstSeconds: values.ipWaitFirstSeconds, factor: 1.5, mostSeconds: values.ipWaitMostSeconds },
    refusedEventDays: values.ipRefusedEventDays,
    eventDays: values.ipEventDays,
  };
}

/** What the workshop room takes from the configuration. */
export function workshopTimings(values: Values): WorkshopTimings {
  return Object.fromEntries(
    (Object.keys(defaultWorkshopTimings) as (keyof WorkshopTimings)[]).map((key) => [
      key,
      values[workshopSettingKey(key)],
    ]),
  ) as unknown as WorkshopTimings;
}
