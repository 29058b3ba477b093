import type { WatchAnswer } from '../../activities/scope/balancers.ts';
import type { BalancerRow } from '../../activities/scope/ledger/balancer.ts';
import type { Failure } from '../../contract/failures.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { withinPatience } from '../failures.ts';
import { local, mutations, reads, watches } from './activities.ts';
import { isoIn, type ScopeRun } from './run.ts';

/** Making a balancer ready. Every run placed on it drives the same steps, so nobody depends on the one that started them. */

export interface ReadyBalancer {
  arn: string;
  dnsName: string;
  canonicalHostedZoneId: string;
}

export type Readiness =
  | { kind: 'ready'; balancer: ReadyBalancer; repaired: string[] }
  | { kind: 'failed'; failure: Failure };

/** `repeat`: the scope was bound before, so a balancer that is active in the ledger is looked after, too. */
export async function makeReady(
  run: ScopeRun,
  request: ScopeRequest,
  row: BalancerRow,
  repeat: boolean,
): Promise<Readiness> {
  const repaired: string[] = [];
  const keeper = `keeper of ALB ${row.name}`;
  const of = { balancerId: row.id, createNamespace: request.createNamespace };
  const inTime = <T>(step: () => Promise<T>) =>
    withinPatience('BalancerTimeout', `the ${keeper} could not be applied in time`, step);
  if (repeat && row.origin === 'autocreated' && row.state === 'active') {
    const look = { ...of, reader: `${run.key}/repair` };
    if ((await inTime(() => reads(keeper, request.timings).repairKeeper(look))).repaired) {
      repaired.push(`balancer ${row.name} rebuilt`);
      run.enter('Provisioning');
    }
  }
  const fresh = row.origin === 'autocreated' && row.state !== 'active';
  if (fresh) {
    run.enter('Provisioning');
    const patience = request.autocreate.timeoutSeconds;
    const applied = await inTime(() => mutations(keeper, request.timings, patience).applyKeeper(of));
    if (isGone(applied)) return { kind: 'failed', failure: failureOf(applied) };
    run.made(`keeper Ingress of ${row.name}`);
  }
  const answer = await watchUntilReady(run, request, row);
  if (answer.kind === 'row-failed') return { kind: 'failed', failure: failureOf(answer.balancer) };
  if (answer.kind === 'failed') {
    const failure = { type: answer.type, message: answer.message, details: answer.details };
    if (row.origin === 'autocreated') await local.failBalancer({ balancerId: row.id, failure });
    return { kind: 'failed', failure };
  }
  if (answer.impaired)
    run.warn({
      code: 'BalancerImpaired',
      message: `balancer ${row.name} is active_impaired: it routes but cannot scale`,
    });
  const { arn, dnsName, canonicalHostedZoneId } = answer;
  if (fresh || (repeat && row.origin === 'autocreated')) {
    const { warning, added } = await mutations(`tags of ALB ${row.name}`, request.timings).ensureBalancerTags({
      balancerId: row.id,
      arn,
      reader: `${run.key}/tags`,
      anew: repeat,
    });
    if (warning) run.warn({ code: 'TagsNotWritten', message: warning });
    if (repeat && added.length > 0) repaired.push(`tags ${added.join(', ')} of ${row.name}`);
    const activated = await local.activateBalancer({ balancerId: row.id, arn, dnsName, canonicalHostedZoneId });
    if (isGone(activated)) return { kind: 'failed', failure: failureOf(activated) };
  }
  if (run.status.balancer) run.placedOn({ ...run.status.balancer, state: 'active', arn, dnsName });
  return { kind: 'ready', balancer: { arn, dnsName, canonicalHostedZoneId }, repaired };
}

type Ended = Exclude<WatchAnswer, { kind: 'changed' }>;

async function watchUntilReady(run: ScopeRun, request: ScopeRequest, row: BalancerRow): Promise<Ended> {
  const since = isoIn(Date.now(), 0);
  const { timeoutSeconds } = request.autocreate;
  const until = isoIn(Date.now(), timeoutSeconds);
  const activities = watches(`ALB ${row.name} active by ${until}`, request.timings, timeoutSeconds);
  let lastSeen: string | undefined;
  for (;;) {
    const wait = { what: `balancer ${row.name} to become active`, since, until, ...(lastSeen ? { lastSeen } : {}) };
    const answer: WatchAnswer = await run.waiting(wait, () =>
      withinPatience('BalancerTimeout', `balancer ${row.name} could not be watched until ${until}`, () =>
        activities.watchBalancer({ balancerId: row.id, reader: `${run.key}/watch`, known: lastSeen, since, until }),
      ),
    );
    if (answer.kind !== 'changed') return answer;
    lastSeen = answer.lastSeen;
    if (run.status.balancer) run.status.balancer.state = answer.lastSeen;
  }
}

/** Whether another run gave the balancer up meanwhile. */
function isGone({ state }: BalancerRow): boolean {
  return state === 'failed' || state === 'retiring' || state === 'retired';
}

function failureOf(row: BalancerRow): Failure {
  return (
    row.failure ?? {
      type: 'BalancerFailed',
      message: `balancer ${row.name} is ${row.state}: another run gave it up. Repeat the request.`,
      details: { balancer: row.name },
    }
  );
}
