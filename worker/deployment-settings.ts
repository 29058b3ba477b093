import type { DeploymentStrategy } from '../contract/deployment/input.ts';
import {
  type DeploymentSettings,
  type DeploymentTimings,
  defaultDeploymentTimings,
} from '../domain/deployment/settings.ts';
import type { ScopeSettings } from '../domain/scope/settings.ts';
import { DAY, flag, list, oneOf, positiveWhole, type Setting, text, upTo, wholeFromZero, YEAR } from './settings.ts';

/** Settings of the deployment room; their keys begin with `deployment`, `disruptionBudget` or `trafficManager`. */

const knobs = {
  deploymentMaxWaitSeconds: {
    presetNames: ['DEPLOYMENT_MAX_WAIT_IN_SECONDS'],
    read: upTo(DAY),
    fallback: 600,
    description: 'Seconds the instances of a new version may take to become ready.',
  },
  deploymentStrategy: {
    presetNames: ['DEPLOY_STRATEGY'],
    read: (raw: unknown) => oneOf('blue_green', 'rolling')(typeof raw === 'string' ? raw.replace('-', '_') : raw),
    fallback: 'blue_green' as DeploymentStrategy,
    description: 'Strategy of a deployment with a current version that names none: blue_green or rolling.',
  },
  disruptionBudgetEnabled: {
    presetNames: ['POD_DISRUPTION_BUDGET_ENABLED'],
    read: flag,
    fallback: false,
    description: 'Whether each version gets a PodDisruptionBudget.',
  },
  disruptionBudgetMaxUnavailable: {
    presetNames: ['POD_DISRUPTION_BUDGET_MAX_UNAVAILABLE'],
    read: text,
    fallback: '25%',
    description: 'Instances that may be away at once: a number or a percentage.',
  },
  trafficManagerImage: {
    presetNames: ['TRAFFIC_CONTAINER_IMAGE'],
    read: text,
    fallbackWords: 'of the preset',
    description: 'Image of the sidecar in front of each port. Without it, as in the preset groundwork, there is none.',
  },
  trafficManagerPort: {
    presetNames: ['MAIN_TRAFFIC_MANAGER_PORT'],
    read: positiveWhole,
    description: 'Port of the sidecar; 80 when it is not set.',
  },
  trafficManagerConfigMap: {
    presetNames: ['TRAFFIC_MANAGER_CONFIG_MAP'],
    read: text,
    description: 'ConfigMap with nginx.conf and default.conf of the sidecar.',
  },
  trafficManagerMemoryMi: {
    presetNames: ['CONTAINER_MEMORY_IN_MEMORY'],
    read: positiveWhole,
    fallback: 64,
    description: 'Memory of the sidecar in Mi.',
  },
  trafficManagerCpuMillicores: {
    presetNames: ['CONTAINER_CPU_IN_MILLICORES'],
    read: positiveWhole,
    fallback: 93,
    description: 'CPU of the sidecar in millicores.',
  },
  deploymentPullSecrets: {
    presetNames: ['PULL_SECRETS', 'IMAGE_PULL_SECRETS'],
    read: pullSecrets,
    fallback: [] as string[],
    description:
      'Pull secrets of workloads that name none, comma separated, or as JSON: {"ENABLED": true, "SECRETS": [...]}.',
  },
  deploymentServiceAccountPrefix: {
    presetNames: ['IAM'],
    read: accountPrefix,
    description:
      'With it, workloads without an account of their own run as <prefix>-<scope id>. As JSON: {"ENABLED": true, "PREFIX": ...}.',
  },
} satisfies Record<string, Omit<Setting<unknown>, 'key'>>;

const timings = {
  callTimeout:
    'Seconds one try of a call to AWS or Kubernetes may be silent; when a worker is killed, another goes on after them.',
  pollInterval: 'Seconds between two looks at instances, rules and targets.',
  reconcileTimeout: 'Seconds the balancer may take to show new rules before the change counts as failed.',
  removalTimeout: 'Seconds the objects of an old version may take to go.',
  unhealthyTolerance: 'Seconds a version with traffic may be unhealthy before the rollout reacts.',
  healthyPercent: 'Percent of the ready instances that must be healthy targets before a version gets more traffic.',
  compensationTimeout: 'Seconds a rollback tries each of its steps.',
  readPatience: 'Seconds a read that fails is repeated before a rollout gives up.',
  restartGraceSeconds: 'Seconds an instance that is restarted may take to stop.',
  restartTimeout: 'Seconds the end of an instance that is restarted is awaited.',
  historyLimit: 'Events after which a rollout starts a new history while traffic holds, whatever the server suggests.',
} as const;

type TimingKey = keyof typeof timings;
const mostOf = (key: TimingKey): number => (key === 'healthyPercent' ? 100 : YEAR);

type TimingName<K extends TimingKey = TimingKey> = `deployment${Capitalize<K>}`;

const timingName = <K extends TimingKey>(key: K) =>
  `deployment${key[0]?.toUpperCase()}${key.slice(1)}` as TimingName<K>;

const timingSettings = Object.fromEntries(
  (Object.entries(timings) as [TimingKey, string][]).map(([key, description]) => [
    timingName(key),
    { key: timingName(key), description, fallback: defaultDeploymentTimings[key], read: upTo(mostOf(key)) },
  ]),
) as Record<TimingName, Setting<number> & { fallback: number }>;

const optional = {
  deploymentDrainSeconds: {
    read: wholeOrFraction,
    fallbackWords: "the target groups' deregistration delay; 300 with external DNS",
    description: 'Seconds a version that gets no traffic any more is kept for connections that are still open.',
  },
  deploymentTargetHealthTimeout: {
    read: upTo(YEAR),
    fallbackWords: 'twice the check period and a minute',
    description: 'Least seconds that new targets may take to become healthy.',
  },
} satisfies Record<string, Omit<Setting<unknown>, 'key'>>;

function wholeOrFraction(raw: unknown): number {
  return raw === 0 || raw === '0' ? wholeFromZero(raw) : upTo(YEAR)(raw);
}

/** The preset's way to say it: an object with `ENABLED` in JSON; undefined: another text. */
function switched(raw: unknown): Record<string, unknown> | undefined {
  if (typeof raw !== 'string' || !raw.trim().startsWith('{')) return undefined;
  try {
    return JSON.parse(raw) as Record<string, unknown>;
  } catch {
    throw new Error(`must be valid JSON, got ${JSON.stringify(raw)}`);
  }
}

function pullSecrets(raw: unknown): string[] {
  const object = switched(raw);
  if (!object) return list(raw);
  return flag(object.ENABLED ?? false) ? list(object.SECRETS ?? []) : [];
}

function accountPrefix(raw: unknown): string | undefined {
  const object = switched(raw);
  if (!object) return text(raw);
  if (!flag(object.ENABLED ?? false)) return undefined;
  if (object.PREFIX === undefined) throw new Error(`must have a PREFIX when it is enabled, got ${JSON.stringify(raw)}`);
  return text(object.PREFIX);
}

const keyed = <T extends Record<string, Omit<Setting<unknown>, 'key'>>>(settings: T) =>
  Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, { key, ...setting }])) as {
    [K in keyof T]: T[K] & { key: string };
  };

export const deploymentRoomSettings = { ...keyed(knobs), ...timingSettings, ...keyed(optional) };

type Read<S> = S extends { read(raw: unknown): infer T }
  ? S extends { fallback: unknown }
    ? T
    : T | undefined
  : never;

type Values = { [K in keyof typeof deploymentRoomSettings]: Read<(typeof deploymentRoomSettings)[K]> };

/** What the deployment room takes from the configuration. */
export function deploymentSettings(values: Values, scope: ScopeSettings, preset: string): DeploymentSettings {
  const base = Object.fromEntries(
    (Object.keys(timings) as TimingKey[]).map((key) => [key, values[timingName(key)]]),
  ) as Pick<DeploymentTimings, TimingKey>;
  const { deploymentDrainSeconds: drainSeconds, deploymentTargetHealthTimeout: targetHealthTimeout } = values;
  return {
    scope,
    knobs: {
      deploymentMaxWaitSeconds: values.deploymentMaxWaitSeconds,
      deploymentStrategy: values.deploymentStrategy,
      disruptionBudgetEnabled: values.disruptionBudgetEnabled,
      disruptionBudgetMaxUnavailable: values.disruptionBudgetMaxUnavailable,
      trafficManagerImage: values.trafficManagerImage ?? scope.brand.trafficManagerImage,
      trafficManagerPort: values.trafficManagerPort,
      trafficManagerConfigMap: values.trafficManagerConfigMap,
      trafficManagerMemoryMi: values.trafficManagerMemoryMi,
      trafficManagerCpuMillicores: values.trafficManagerCpuMillicores,
      ...(values.deploymentPullSecrets.length > 0 ? { pullSecrets: values.deploymentPullSecrets } : {}),
      serviceAccountPrefix: values.deploymentServiceAccountPrefix,
      objectModifiers: scope.knobs.objectModifiers,
    },
    timings: {
      ...base,
      ...(drainSeconds === undefined ? {} : { drainSeconds }),
      ...(targetHealthTimeout === undefined ? {} : { targetHealthTimeout }),
    },
    runAsRoot: preset === 'nullplatform',
  };
}
