import type { DeploymentPhase, DeploymentStatus, HostRouting } from '../../contract/deployment/status.ts';
import type { Routing } from './rollout/routing.ts';
import type { Decision, RolloutPlan } from './rollout/types.ts';

/** A rollout in words: one line for a step, and the Markdown of a run's first screen. Deterministic: no time of its own. */

type Sides = Pick<RolloutPlan, 'blue' | 'green'>;

/** One step, for the summaries of activities and timers and for `waitingFor`. */
export function sayDecision(decision: Decision, { blue, green }: Sides): string {
  const id = (side: string) => (side === 'blue' ? (blue ?? 'the old version') : green);
  switch (decision.kind) {
    case 'apply':
      return `Services, Deployment and the rest of ${green}`;
    case 'wait':
      return `${decision.count} ready ${decision.count === 1 ? 'instance' : 'instances'} of ${id(decision.side)}`;
    case 'scale':
      return `${id(decision.side)} scaled to ${decision.count}${decision.ready ? ' and ready' : ''}`;
    case 'route':
      return sayRouting(decision.routing, { blue, green } as Sides);
    case 'hold':
      if (decision.why === 'plan') return `the hold of step ${decision.step} to pass`;
      return decision.why === 'paused'
        ? 'a person: the rollout is paused'
        : 'a message: switchTraffic, finalize or rollback';
    case 'drain':
      return `open connections to ${id(decision.side)} to end`;
    case 'delete':
      switch (decision.what) {
        case 'ports':
          return `the Ingresses of ports that ${green} lacks to be gone`;
        case 'orphans':
          return 'objects of earlier deployments to be gone';
        default:
          return `the objects of ${id(decision.what)} to be gone`;
      }
    case 'end':
      return `the end: ${decision.end.phase}`;
  }
}

/** A routing as an operator says it. */
export function sayRouting(routing: Routing, { blue, green }: Sides): string {
  if (routing.form === 'before') return 'the routing as it was before this rollout';
  if (routing.form === 'single') return `all traffic to ${routing.side === 'green' ? green : blue} alone`;
  return `traffic ${100 - routing.percent} % ${blue}, ${routing.percent} % ${green}`;
}

const steps: readonly [DeploymentPhase, string][] = [
  ['Creating', 'Check the request and apply the objects'],
  ['WaitingForInstances', 'Wait until the instances are ready'],
  ['Verifying', 'Route to the new version and prove it on the balancer'],
  ['Running', 'Move the traffic'],
  ['Finalizing', 'Drain and remove the old version'],
];

const endWords: Partial<Record<DeploymentPhase, string>> = {
  RollingBack: 'Rolling back',
  Cancelling: 'Cancelled: rolling back',
  RolledBack: 'Rolled back',
  Cancelled: 'Cancelled, and rolled back',
  Failed: 'Failed',
  Deleting: 'Removing the deployments of the scope',
  Deleted: 'The deployments of the scope are removed',
};

/** Renders `status`, for `setCurrentDetails`, the CLI and the demo alike. */
export function deploymentChecklist(status: DeploymentStatus): string {
  const lines = [...progress(status)];
  const add = (...more: string[]) => void lines.push('', ...more);
  if (status.paused) add(`**Paused**${status.pauseReason ? `: ${status.pauseReason}` : ''}`);
  const { confirmed, wanted } = status.percent;
  const towards = wanted === confirmed ? '' : `, going to ${wanted} %`;
  add(`\`${status.green}\` has ${confirmed} % of the traffic${towards}${planWords(status)}`);
  if (status.balancer) add(`Balancer: \`${status.balancer}\``);
  if (status.gateway) add(`Gateway: \`${status.gateway}\``);
  const table = weightsTable(status);
  if (table.length > 0) add(...table);
  if (status.waitingFor) {
    const { what, since, until, lastSeen } = status.waitingFor;
    add(
      `Waiting for ${what} since ${since}${until ? `, until ${until}` : ''}${lastSeen ? `. Last seen: ${lastSeen}` : ''}`,
    );
  }
  if (status.warnings.length > 0) add(...status.warnings.map(({ code, message }) => `- ${code}: ${message}`));
  if (status.failure) add(`${status.failure.type}: ${status.failure.message}`);
  return lines.join('\n');
}

function progress({ phase, strategy, gateway }: DeploymentStatus): string[] {
  const words = endWords[phase];
  if (words) return [`**${words}**`];
  const due = strategy === 'initial' ? steps.slice(0, 3) : steps;
  const current = phase === 'Finalized' ? due.length : due.findIndex(([step]) => step === phase);
  return due.map(([, step], index) => {
    const line = gateway === undefined ? step : step.replace('on the balancer', 'at the gateway');
    return `- [${index < current ? 'x' : ' '}] ${index === current ? `**${line}**` : line}`;
  });
}

function planWords({ plan }: DeploymentStatus): string {
  if (!plan || plan.steps === 0) return '';
  const until = plan.holdUntil ? `, held until ${plan.holdUntil}` : '';
  return ` (step ${plan.step} of ${plan.steps}${until})`;
}

function weightsTable({ expected, actual, gateway }: DeploymentStatus): string[] {
  if (expected.length === 0) return [];
  const seen = new Map(actual.map((routing) => [`${routing.port} ${routing.host}`, routing]));
  const rows = expected.map((routing) => {
    const found = seen.get(`${routing.port} ${routing.host}`);
    return `| ${gateway === undefined ? routing.port : 'of the gateway'} | ${routing.host} | ${sayWeights(routing)} | ${found ? sayWeights(found) : '-'} |`;
  });
  const where = gateway === undefined ? 'on the balancer' : 'taken up';
  return [`| listener | host | expected | ${where} |`, '|---|---|---|---|', ...rows];
}

/** `d-7-41 75 %, d-7-42 25 %`. */
export function sayWeights({ weights }: Pick<HostRouting, 'weights'>): string {
  const shares = Object.entries(weights);
  return shares.length === 0 ? 'no rule' : shares.map(([name, share]) => `${name} ${share} %`).join(', ');
}
