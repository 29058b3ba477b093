import { z } from 'zod';
import { AWS_REGION } from '../../contract/scope/input.ts';
import type { FaultPlan, FaultRule } from '../faults/plan.ts';
import { dumpState } from './dump.ts';
import type { RequestLog } from './request-log.ts';
import { applySeed } from './seed.ts';
import type { AwsState } from './state.ts';
import { THROTTLING_PRESETS, type Throttle, type Throttling, type ThrottlingPreset } from './throttle.ts';

export const CONTROL_PREFIX = '/_sandbox/';

interface Controlled {
  state: AwsState;
  faults: FaultPlan;
  log: RequestLog;
  throttle: Throttle;
}

interface Command {
  method: string;
  /** Below `/_sandbox/`. */
  path: RegExp;
  run(parts: Controlled, body: unknown, name: string, query: URLSearchParams): unknown;
}

const regionName = z.string().regex(AWS_REGION, 'must be a region such as us-east-1');
const region = regionName.default('us-east-1');
const balancerKnob = z.strictObject({
  state: z.enum(['provisioning', 'active', 'active_impaired', 'failed']),
  reason: z.string().exactOptional(),
  region: regionName.exactOptional(),
});
const certificateKnob = z.strictObject({
  region,
  domains: z.array(z.string().min(1)).min(1),
  arn: z.string().optional(),
});
const targetKnob = z.strictObject({
  region,
  /** Name or ARN. */
  targetGroup: z.string(),
  id: z.string().exactOptional(),
  port: z.int().exactOptional(),
  /** Left out: computed again. */
  state: z.enum(['initial', 'healthy', 'unhealthy', 'unused', 'draining', 'unavailable']).optional(),
  reason: z.string().exactOptional(),
  description: z.string().exactOptional(),
});
const seconds = z.number().min(0).exactOptional();
const lifecycleKnob = z.strictObject({
  provisioningSeconds: seconds,
  visibilityDelaySeconds: seconds,
  dnsSyncSeconds: seconds,
  zoneBusySeconds: seconds,
  targetHealthSeconds: seconds,
  deregistrationDelaySeconds: seconds,
});
const bucket = z.strictObject({ burst: z.number().min(1), perSecond: z.number().min(0) }).exactOptional();
const throttlingKnob = z.union([
  z.enum(Object.keys(THROTTLING_PRESETS) as [ThrottlingPreset]),
  z.strictObject({ enabled: z.boolean(), elbRead: bucket, elbWrite: bucket, elbTargets: bucket, route53: bucket }),
]);

const COMMANDS: readonly Command[] = [
  { method: 'GET', path: /^faults$/, run: ({ faults }) => ({ rules: faults.rules(), applied: faults.applied() }) },
  { method: 'POST', path: /^faults$/, run: ({ faults }, body) => ({ ids: addFaults(faults, body) }) },
  { method: 'DELETE', path: /^faults$/, run: ({ faults }) => faults.clear() },
  {
    method: 'DELETE',
    path: /^faults\/([^/]+)$/,
    run: ({ faults }, _, id) => found(faults.remove(id), `there is no fault rule ${id}`),
  },
  { method: 'GET', path: /^state$/, run: ({ state }) => dumpState(state) },
  { method: 'PUT', path: /^state$/, run: ({ state }, body) => applySeed(state, body) },
  { method: 'GET', path: /^requests$/, run: ({ log }) => ({ counts: log.counts(), requests: log.entries() }) },
  { method: 'DELETE', path: /^requests$/, run: ({ log }) => log.reset() },
  {
    method: 'POST',
    path: /^balancers\/([^/]+)\/state$/,
    run: ({ state }, body, name) => setBalancer(state, name, read(balancerKnob, body)),
  },
  { method: 'POST', path: /^targets$/, run: ({ state }, body) => setTarget(state, read(targetKnob, body)) },
  {
    method: 'GET',
    path: /^certificates$/,
    run: ({ state }, _, __, query) => [...state.region(query.get('region') ?? 'us-east-1').certificates.values()],
  },
  {
    method: 'POST',
    path: /^certificates$/,
    run: ({ state }, body) => addCertificate(state, read(certificateKnob, body)),
  },
  { method: 'DELETE', path: /^certificates$/, run: ({ state }, _, __, query) => removeCertificate(state, query) },
  { method: 'GET', path: /^lifecycle$/, run: ({ state }) => state.lifecycle },
  {
    method: 'PATCH',
    path: /^lifecycle$/,
    run: ({ state }, body) => Object.assign(state.lifecycle, read(lifecycleKnob, body)),
  },
  {
    method: 'PUT',
    path: /^throttling$/,
    run: ({ throttle }, body) => throttle.configure(read(throttlingKnob, body) as Throttling | ThrottlingPreset),
  },
];

/** Serves the knobs below `/_sandbox/`: JSON in, JSON out; a wrong input is 400 with one line per problem in `error`. */
export function control(parts: Controlled, method: string, url: URL, body: string): { status: number; body: string } {
  try {
    const path = url.pathname.slice(CONTROL_PREFIX.length);
    const command = COMMANDS.find((each) => each.method === method && each.path.test(path));
    if (!command) return json(404, { error: `there is no ${method} ${url.pathname}` });
    const name = decodeURIComponent(command.path.exec(path)?.[1] ?? '');
    return json(200, command.run(parts, body === '' ? undefined : JSON.parse(body), name, url.searchParams) ?? {});
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return json(error instanceof Absent ? 404 : 400, { error: message });
  }
}

const json = (status: number, value: unknown) => ({ status, body: `${JSON.stringify(value, null, 2)}\n` });

class Absent extends Error {}

function found(hit: boolean, problem: string): void {
  if (!hit) throw new Absent(problem);
}

function read<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('\n'));
}

/** One rule or a list of them; when one is wrong none is added. */
function addFaults(faults: FaultPlan, body: unknown): string[] {
  const ids: string[] = [];
  try {
    for (const rule of Array.isArray(body) ? body : [body]) ids.push(faults.add(rule as FaultRule));
  } catch (error) {
    for (const id of ids) faults.remove(id);
    throw error;
  }
  return ids;
}

function setBalancer(state: AwsState, name: string, { state: to, ...options }: z.infer<typeof balancerKnob>) {
  return { applied: state.setBalancerState(name, to, options) };
}

function setTarget(state: AwsState, knob: z.infer<typeof targetKnob>): void {
  const { region: at, targetGroup, id, port, state: to, ...texts } = knob;
  const target = { ...(id === undefined ? {} : { id }), ...(port === undefined ? {} : { port }) };
  const hit = state.setTargetHealth(at, targetGroup, target, to === undefined ? undefined : { state: to, ...texts });
  found(hit, `there is no such target in target group ${targetGroup} of ${at}`);
}

const addCertificate = (state: AwsState, knob: z.infer<typeof certificateKnob>) =>
  state.addCertificate(knob.region, knob.domains, knob.arn);

function removeCertificate(state: AwsState, query: URLSearchParams): void {
  const arn = query.get('arn') ?? '';
  found(state.removeCertificate(query.get('region') ?? 'us-east-1', arn), `there is no certificate ${arn}`);
}
