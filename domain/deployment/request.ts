import { canonicalJson } from '../../contract/canonical.ts';
import type {
  AdoptFrom,
  DeploymentInput,
  DeploymentKnobs,
  DeploymentNetworking,
  DeploymentScope,
  DeploymentStrategy,
} from '../../contract/deployment/input.ts';
import type { InvalidField } from '../../contract/failures.ts';
import type { ObjectModifiers } from '../../contract/modifiers.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { sha256Hex } from '../canonical.ts';
import { modifierProblems } from '../modifiers.ts';
import { firstSet, readSeconds } from '../scope/configuration.ts';
import { nrnIds } from '../scope/names.ts';
import { resolveScopeRequest, type ScopeRequest } from '../scope/request.ts';
import { identityLabels } from './labels.ts';
import type { DeploymentSettings, DeploymentTimings } from './settings.ts';
import { portsTakenTwice, SIDECAR_DEFAULTS, type Sidecar, sidecarImage, sidecarPortProblem } from './sidecar.ts';
import { readTrafficPlan, type TrafficPlan } from './traffic-plan.ts';
import { isObjectName, readWorkload, type Workload } from './workload.ts';

/** What every run of the room knows of its scope. */
export interface DeploymentTarget {
  scopeId: string;
  /** Region, namespace, hosts, zones, thresholds and brand, decided as for the scope itself. */
  scope: ScopeRequest;
  /** The eight labels that say whose an object is; ids only if known. */
  identity: Record<string, string>;
  timings: DeploymentTimings;
}

/** A validated deployment with every knob decided: what the run works with. */
export interface DeploymentRequest extends DeploymentTarget {
  deploymentId: string;
  blue?: string;
  strategy: DeploymentStrategy;
  workload: Workload;
  sidecar?: Sidecar;
  pullSecrets: string[];
  serviceAccountName?: string;
  /** Absent: no PodDisruptionBudget. */
  disruptionBudget?: { maxUnavailable: number | string };
  modifiers: ObjectModifiers;
  runAsRoot: boolean;
  traffic: TrafficPlan;
  maxWaitSeconds: number;
  adopt?: AdoptFrom;
  dryRun: boolean;
  /** SHA-256 of the canonical form of the input. */
  digest: string;
  warnings: Warning[];
}

/** Seconds that a side without traffic is kept with external DNS, unless `drainSeconds` is set. */
const EXTERNAL_DNS_DRAIN_SECONDS = 300;

/** Of one HTTPRoute, by its definition. */
const MOST_HOSTNAMES = 16;

export type DeploymentResolution = { ok: true; request: DeploymentRequest } | { ok: false; problems: InvalidField[] };

export type TargetResolution = { ok: true; target: DeploymentTarget } | { ok: false; problems: InvalidField[] };

type Wrong = (path: string, message: string) => void;

export function deploymentDigest(input: DeploymentInput): string {
  return sha256Hex(canonicalJson(input));
}

/** Decides every knob of a structurally valid input, or names every wrong field. */
export function resolveDeployment(input: DeploymentInput, settings: DeploymentSettings): DeploymentResolution {
  const problems: InvalidField[] = [];
  const warnings: Warning[] = [];
  const wrong: Wrong = (path, message) => void problems.push({ path, message });

  const found = resolveTarget(input, settings, input.hosts);
  if (!found.ok) problems.push(...found.problems);
  const knob = knobsOf(input.networking, settings);
  const blue = firstSet(input.currentDeploymentId);
  if (blue === input.deploymentId) wrong('deploymentId', `"${blue}" is the current deployment already`);
  const workload = readWorkload(input.workload, wrong);
  const strategy = readStrategy(input, knob, blue, wrong);
  const traffic = readTrafficPlan(input.trafficPlan);
  problems.push(...traffic.problems);
  const sidecar = readSidecar(workload, knob, wrong);
  const modifiers = readModifiers(input, knob, settings.scope.brand.name, wrong);
  const budget = readBudget(input, knob, wrong);
  const maxWaitSeconds = readMaxWait(knob, wrong);
  const account = readServiceAccount(input, knob, wrong);
  const pullSecrets = readPullSecrets(input, knob, wrong);
  if (found.ok && found.target.scope.dnsType === 'external_dns') {
    if (workload.additionalPorts.length > 0)
      wrong('workload.additionalPorts', 'are not supported with dnsType "external_dns" yet');
    const { length } = found.target.scope.hosts;
    if (length > MOST_HOSTNAMES)
      wrong('hosts.custom', `an HTTPRoute takes ${MOST_HOSTNAMES} hosts, and these are ${length}`);
  }
  if (!found.ok || problems.length > 0) return { ok: false, problems };
  if (strategy === 'initial' && (traffic.plan.steps.length > 0 || traffic.plan.autoFinalize)) {
    const message = 'an initial rollout has nothing to share traffic with: the traffic plan is ignored';
    warnings.push({ code: 'TrafficPlanIgnored', message });
  }
  const plan = strategy === 'initial' ? { ...traffic.plan, steps: [], autoFinalize: false } : traffic.plan;
  return {
    ok: true,
    request: {
      ...found.target,
      deploymentId: input.deploymentId,
      ...(blue === undefined ? {} : { blue }),
      strategy,
      workload,
      ...(sidecar ? { sidecar } : {}),
      pullSecrets,
      ...(account === undefined ? {} : { serviceAccountName: account }),
      ...(budget ? { disruptionBudget: budget } : {}),
      modifiers,
      runAsRoot: settings.runAsRoot,
      traffic: plan,
      maxWaitSeconds,
      ...(input.adopt ? { adopt: input.adopt } : {}),
      dryRun: input.dryRun === true,
      digest: deploymentDigest(input),
      warnings: [...found.target.scope.warnings, ...warnings],
    },
  };
}

/** The part that all inputs of the room share; `hosts` where the input names them. */
export function resolveTarget(
  input: { scopeId: string; scope: DeploymentScope; networking?: DeploymentNetworking | null | undefined },
  settings: DeploymentSettings,
  hosts?: DeploymentInput['hosts'],
): TargetResolution {
  const { slugs, nrn, environment, visibility, region, dnsType, hostedZones, kubernetes } = input.scope;
  const asScope: ScopeCreationInput = {
    scopeId: input.scopeId,
    slugs,
    ...(nrn ? { nrn } : {}),
    ...(environment ? { environment } : {}),
    visibility,
    ...(region ? { region } : {}),
    ...(dnsType ? { dnsType } : {}),
    ...(hostedZones ? { hostedZones } : {}),
    ...(kubernetes?.namespace ? { kubernetes: { namespace: kubernetes.namespace } } : {}),
    // A deployment names its hosts; the other runs of the room do not look at them.
    domain: hosts?.domain ?? 'unnamed.invalid',
    ...(hosts?.custom ? { additionalDomains: hosts.custom } : {}),
    // Modifiers are judged by the deployment, whose workload may have its own.
    networking: {
      scope: { ...input.networking?.scope, objectModifiers: null },
      platform: { ...input.networking?.platform, objectModifiers: null },
    },
  };
  const resolved = resolveScopeRequest(asScope, settings.scope);
  if (!resolved.ok) {
    return { ok: false, problems: resolved.problems.map(({ path, message }) => ({ path: ourPath(path), message })) };
  }
  // Without target groups there is no deregistration delay to ask for.
  const drain = resolved.request.dnsType === 'external_dns' ? { drainSeconds: EXTERNAL_DNS_DRAIN_SECONDS } : {};
  const identity = identityLabels(slugs, input.scopeId, nrnIds(nrn ?? undefined));
  return {
    ok: true,
    target: { scopeId: input.scopeId, scope: resolved.request, identity, timings: { ...drain, ...settings.timings } },
  };
}

/** Where our input has what the scope's input has at `path`. */
function ourPath(path: string): string {
  if (path === 'domain') return 'hosts.domain';
  if (path.startsWith('additionalDomains')) return path.replace('additionalDomains', 'hosts.custom');
  return ['scopeId', 'networking'].includes(path.split('.')[0] ?? '') ? path : `scope.${path}`;
}

type Knob = <K extends keyof DeploymentKnobs>(
  key: K,
) => { value: NonNullable<DeploymentKnobs[K]> | undefined; path: string };

/** Precedence of scope over platform over worker, with the path of the level that a value came from. */
function knobsOf(networking: DeploymentNetworking | null | undefined, settings: DeploymentSettings): Knob {
  const levels: [string, DeploymentKnobs][] = [
    ['networking.scope', networking?.scope ?? {}],
    ['networking.platform', networking?.platform ?? {}],
    ['worker', settings.knobs],
  ];
  return (key) => {
    const level = levels.find(([, knobs]) => firstSet<unknown>(knobs[key]) !== undefined);
    return {
      value: firstSet(level?.[1][key]) as NonNullable<DeploymentKnobs[typeof key]> | undefined,
      path: `${level?.[0] ?? 'networking.scope'}.${key}`,
    };
  };
}

function readStrategy(input: DeploymentInput, knob: Knob, blue: string | undefined, wrong: Wrong): DeploymentStrategy {
  const configured = knob('deploymentStrategy');
  const given = firstSet<string>(input.strategy);
  const fallback = blue === undefined ? 'initial' : (configured.value ?? 'blue_green');
  const path = given === undefined && blue !== undefined ? configured.path : 'strategy';
  const strategy = (given ?? fallback).replace('-', '_');
  if (strategy !== 'initial' && strategy !== 'blue_green' && strategy !== 'rolling') {
    wrong(path, `"${strategy}" is not a strategy: use "initial", "blue_green" or "rolling"`);
    return 'initial';
  }
  if (strategy === 'initial' && blue !== undefined) wrong(path, `"initial" contradicts currentDeploymentId "${blue}"`);
  if (strategy !== 'initial' && blue === undefined)
    wrong('currentDeploymentId', `is required for strategy "${strategy}"`);
  return strategy;
}

function readSidecar(workload: Workload, knob: Knob, wrong: Wrong): Sidecar | undefined {
  const image = knob('trafficManagerImage').value;
  const port = knob('trafficManagerPort');
  const number = Number(port.value ?? SIDECAR_DEFAULTS.port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    wrong(port.path, `must be a port number 1-65535, got "${port.value}"`);
  } else if (image !== undefined || port.value !== undefined) {
    const problem = sidecarPortProblem(number, workload);
    if (problem) wrong(port.path, problem);
  }
  for (const { index, message } of image === undefined ? [] : portsTakenTwice(workload)) {
    wrong(`workload.additionalPorts.${index}.port`, message);
  }
  const figure = (key: 'trafficManagerMemoryMi' | 'trafficManagerCpuMillicores', fallback: number) => {
    const { value, path } = knob(key);
    const amount = Number(value ?? fallback);
    if (!Number.isInteger(amount) || amount < 1) wrong(path, `must be a positive whole number, got "${value}"`);
    return amount;
  };
  const memoryMi = figure('trafficManagerMemoryMi', SIDECAR_DEFAULTS.memoryMi);
  const cpuMillicores = figure('trafficManagerCpuMillicores', SIDECAR_DEFAULTS.cpuMillicores);
  const configMap = knob('trafficManagerConfigMap').value;
  if (image === undefined) return undefined;
  return {
    image: sidecarImage(image, workload.protocol),
    port: number,
    ...(configMap === undefined ? {} : { configMap }),
    memoryMi,
    cpuMillicores,
  };
}

function readModifiers(input: DeploymentInput, knob: Knob, brand: string, wrong: Wrong): ObjectModifiers {
  const configured = knob('objectModifiers');
  const modifiers = input.workload.modifiers ?? configured.value ?? {};
  const path = input.workload.modifiers ? 'workload.modifiers' : configured.path;
  for (const problem of modifierProblems(modifiers, brand, path)) wrong(problem.path, problem.message);
  return modifiers;
}

function readBudget(input: DeploymentInput, knob: Knob, wrong: Wrong): DeploymentRequest['disruptionBudget'] {
  const own = input.workload.disruptionBudget;
  const configured = knob('disruptionBudgetMaxUnavailable');
  const given = firstSet<number | string>(own?.maxUnavailable);
  const maxUnavailable = given ?? configured.value ?? '25%';
  const text = String(maxUnavailable);
  if (!/^\d+$|^(?:\d{1,2}|100)%$/.test(text)) {
    const path = given === undefined ? configured.path : 'workload.disruptionBudget.maxUnavailable';
    wrong(path, `must be a whole number or a percentage 0%-100%, got "${text}"`);
  }
  const enabled = firstSet<boolean>(own?.enabled) ?? knob('disruptionBudgetEnabled').value ?? false;
  return enabled ? { maxUnavailable: /^\d+$/.test(text) ? Number(text) : text } : undefined;
}

function readMaxWait(knob: Knob, wrong: Wrong): number {
  const { value, path } = knob('deploymentMaxWaitSeconds');
  const reading = readSeconds(value, 600);
  if (reading.problem) wrong(path, reading.problem);
  return reading.value ?? 0;
}

function readServiceAccount(input: DeploymentInput, knob: Knob, wrong: Wrong): string | undefined {
  const given = firstSet<string>(input.workload.serviceAccountName);
  const prefix = knob('serviceAccountPrefix');
  const name = given ?? (prefix.value === undefined ? undefined : `${prefix.value}-${input.scopeId}`);
  if (name !== undefined && !isObjectName(name)) {
    const path = given === undefined ? prefix.path : 'workload.serviceAccountName';
    wrong(path, `"${name}" is not a name of a service account`);
  }
  return name;
}

function readPullSecrets(input: DeploymentInput, knob: Knob, wrong: Wrong): string[] {
  const own = input.workload.pullSecrets;
  const configured = knob('pullSecrets');
  const names = own ?? configured.value ?? [];
  const path = own ? 'workload.pullSecrets' : configured.path;
  for (const [index, name] of names.entries()) {
    if (!isObjectName(name)) wrong(`${path}.${index}`, `"${name}" is not a name of a Secret`);
  }
  return [...new Set(names)];
}
