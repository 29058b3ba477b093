import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import type { Failure } from '../../../contract/failures.ts';
import { expectedRouting } from '../../../domain/deployment/expected.ts';
import { sideObjects } from '../../../domain/deployment/objects/side.ts';
import type { DeploymentRequest } from '../../../domain/deployment/request.ts';
import { decide, interrupts } from '../../../domain/deployment/rollout/decide.ts';
import { learn } from '../../../domain/deployment/rollout/learn.ts';
import { accept, requestCancel } from '../../../domain/deployment/rollout/messages.ts';
import { initialState, plannedCounts, type StartingPoint } from '../../../domain/deployment/rollout/state.ts';
import type {
  Decision,
  Outcome,
  RolloutMessage,
  RolloutPlan,
  RolloutState,
} from '../../../domain/deployment/rollout/types.ts';
import { type BackendService, portsOnlyBlue, type RouteShape, routeShape } from '../../../domain/deployment/shape.ts';
import { blueMain, request } from './build.ts';

/** A whole rollout as readable text: the planner driven by a scripted world, one line per decision. */

export interface Story {
  input?: Partial<DeploymentInput>;
  /** Services of blue that exist, and of an earlier attempt of green. */
  blue?: BackendService[];
  start?: StartingPoint;
  /** Planned instances of blue before an earlier run of this rollout; else those that `start` finds. */
  blueBefore?: number;
  orphans?: string[];
  /** What happens, in order; everything else goes well. */
  events: StoryEvent[];
}

/** `on`: a part of the decision's line, as it is told here. Each event happens once, at the first line that matches. */
export type StoryEvent = { on: string } & (
  | { outcome: Outcome }
  /** What comes while the step runs, and ends it when it must. */
  | { message: RolloutMessage }
  | { cancel: true }
);

export interface Told {
  text: string;
  state: RolloutState;
}

export function tell(story: Story): Told {
  const deployment = request(story.input);
  const shape = routeShape(deployment, story.blue ?? (deployment.blue ? [blueMain] : []));
  const plan: RolloutPlan = { ...planOf(deployment, shape, story.orphans), ...blueReplicas(story) };
  const lines: string[] = [given(deployment, plan, story.start)];
  const events = [...story.events];
  let state = initialState(plan, story.start);
  for (let steps = 0; steps < 200; steps++) {
    const next = decide(plan, state);
    state = next.state;
    const { decision } = next;
    const line = words(deployment, shape, decision);
    lines.push(line);
    if (decision.kind === 'end') return { text: `${lines.join('\n')}\n`, state };
    let outcome: Outcome = { kind: 'done' };
    for (let event = take(events, line); event; event = take(events, line)) {
      if ('outcome' in event) {
        outcome = event.outcome;
        // Nothing was applied: only the look before it was taken.
        if (outcome.kind === 'failed' && outcome.applied === false)
          lines.push(`${lines.pop()}`.split('\n', 1)[0] ?? '');
        lines.push(`         ${outcomeWords(outcome)}`);
        break;
      }
      const heard = hear(plan, state, event);
      lines.push(heard.line);
      state = heard.state;
      if (interrupts(plan, state, decision)) {
        outcome = { kind: 'interrupted', ...(decision.kind === 'hold' ? { restSeconds: 20 } : {}) };
        break;
      }
    }
    if (decision.kind === 'hold' && decision.seconds === undefined && outcome.kind === 'done') {
      throw new Error(`nobody says anything:\n${lines.join('\n')}`);
    }
    state = learn(plan, state, decision, outcome);
  }
  throw new Error(`the story does not end:\n${lines.join('\n')}`);
}

/** A story that does not say it finds blue as large as green. */
const blueReplicas = ({ start, blueBefore = start?.blueCount }: Story) =>
  blueBefore === undefined ? {} : { blueReplicas: blueBefore };

export function planOf(deployment: DeploymentRequest, shape: RouteShape, orphans: string[] = []): RolloutPlan {
  return {
    strategy: deployment.strategy,
    ...(deployment.blue === undefined ? {} : { blue: deployment.blue }),
    green: deployment.deploymentId,
    replicas: deployment.workload.replicas,
    traffic: deployment.traffic,
    portsOnlyBlue: portsOnlyBlue(shape).map(({ listener }) => listener),
    orphans,
  };
}

function take(events: StoryEvent[], line: string): StoryEvent | undefined {
  const [first] = events;
  return first && line.includes(first.on) ? events.shift() : undefined;
}

function hear(plan: RolloutPlan, state: RolloutState, event: StoryEvent): { line: string; state: RolloutState } {
  if (!('message' in event)) return { line: 'message  (the run is cancelled)', state: requestCancel(state) };
  const { name, ...rest } = event.message;
  const verdict = accept(plan, state, event.message);
  const said = `message  ${[name, ...Object.values(rest).map(String)].join(' ')}`;
  if (!verdict.accepted) return { line: `${said}: refused, ${verdict.reason}`, state };
  return { line: `${said}: ${verdict.answer}`, state: verdict.state };
}

function given({ blue }: DeploymentRequest, plan: RolloutPlan, start?: StartingPoint): string {
  const planned = plannedCounts(plan).blue;
  const old = blue === undefined ? '-' : `${blue} ${start?.blueCount ?? planned}/${planned}`;
  const found = start ? `, found ${JSON.stringify(start.routing)}` : '';
  return `given    blue ${old}   green ${plan.green}${found}`;
}

const NEEDS = {
  one: 'has a healthy target',
  'as-before': 'no worse than before',
  planned: 'healthy as planned',
} as const;

function words(deployment: DeploymentRequest, shape: RouteShape, decision: Decision): string {
  const id = (side: string) => (side === 'blue' ? deployment.blue : deployment.deploymentId) ?? '-';
  switch (decision.kind) {
    case 'apply':
      return `apply    ${sideObjects(deployment)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
        .join(', ')}`;
    case 'wait':
      return `wait     ${id(decision.side)} ${decision.count} ready`;
    case 'scale':
      return `scale    ${id(decision.side)} to ${decision.count}${decision.ready ? ', wait until ready' : ''}`;
    case 'route': {
      const needs = (list: typeof decision.before) => list.map(({ side, healthy }) => `${id(side)} ${NEEDS[healthy]}`);
      const [objects, proof, ends] = isByGateway(deployment)
        ? ['HTTPRoute', 'gateway', 'endpoints']
        : ['Ingresses', 'rules', 'targets'];
      return [
        ...(decision.before.length > 0 ? [`gate     ${ends} ${needs(decision.before).join(', ')}`] : []),
        `apply    ${objects} ${routingWords(deployment, shape, decision)}`,
        `gate     ${[proof, ...needs(decision.after)].join(', ')}`,
      ].join('\n');
    }
    case 'hold': {
      const until = decision.seconds === undefined ? 'until a message' : `${decision.seconds} s`;
      const watch = decision.watch.length > 0 ? `, watching ${decision.watch.map(id).join(' and ')}` : '';
      return `hold     ${until} (${decision.why}${decision.step > 0 ? `, step ${decision.step}` : ''})${watch}`;
    }
    case 'drain':
      return `drain    ${id(decision.side)}${isByGateway(deployment) ? ` ${deployment.timings.drainSeconds} s` : ''}`;
    case 'delete':
      return `delete   ${decision.what}${decision.what === 'blue' || decision.what === 'green' ? ` (${id(decision.what)})` : ''}`;
    case 'end': {
      const { phase, active, reason, failure } = decision.end;
      const incomplete = failure?.type === 'CompensationIncomplete';
      const why = failure ? `: ${failure.type}, ${failure.message}` : reason === undefined ? '' : `: ${reason}`;
      return `end      ${phase}, ${active ? `${id(active)} serves` : incomplete ? 'both sides are kept' : 'nothing serves'}${why}`;
    }
  }
}

const isByGateway = ({ scope }: DeploymentRequest) => scope.dnsType === 'external_dns';

function routingWords(
  deployment: DeploymentRequest,
  shape: RouteShape,
  { routing }: Extract<Decision, { kind: 'route' }>,
): string {
  if (routing.form === 'before') return isByGateway(deployment) ? 'as it was' : 'as they were';
  const prefix = `d-${deployment.scopeId}-`;
  return expectedRouting(shape, routing)
    .map(({ host, port, weights }) => {
      const shares = Object.entries(weights).map(([name, share]) => `${name.slice(prefix.length)}:${share}`);
      return `${isByGateway(deployment) ? '' : `${port} `}${host} {${shares.join(', ')}}`;
    })
    .join('; ');
}

function outcomeWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'failed':
      return `fails: ${outcome.failure.type}, ${outcome.failure.message}`;
    case 'ill':
      return `seen: ${outcome.side} is ill, ${outcome.failure.message}`;
    case 'changed':
      return `seen: ${outcome.words}`;
    case 'done':
      return `done: ${outcome.illBefore} before`;
    default:
      return outcome.kind;
  }
}

export const failure = (type: string, message = 'as it happens'): Failure => ({ type, message });
