import { isCancellation, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { BalancerRef } from '../../activities/scope/ledger/retiring.ts';
import { getRetirementStatus } from '../../contract/scope/messages.ts';
import type { RetirementPhase, RetirementResult, RetirementStatus } from '../../contract/scope/retirement.ts';
import { phaseKey } from '../../contract/search-attributes.ts';
import { retirementChecklist } from '../../domain/scope/retirement.ts';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { asRunFailure, describeFailure } from '../failures.ts';
import { local, mutations, reads, undoing } from './activities.ts';
import { isoIn } from './run.ts';
import { removeBalancer } from './undo.ts';
import { runKey, Waits } from './waits.ts';

/** Balancers that are removed at the same time. */
const AT_ONCE = 10;

/**
 * Retires balancers of ours that nobody needs, undoes what ended runs left, and compares AWS, DNS and cluster with the
 * ledger. Trouble with one thing never stops the others; the next run tries it again. Nothing is compensated.
 */
export async function balancerRetirement(): Promise<RetirementResult> {
  const run = new RetirementRun();
  try {
    run.enter('Releasing');
    const { timings } = await local.acceptRetirement({});
    for (const scopeId of await reads('what ended runs left', timings).findAbandoned({}))
      await run.attempt(`scope ${scopeId}`, () => releaseAbandoned(run, scopeId, timings));

    run.enter('Retiring');
    const work = await reads('idle balancers', timings).findRetirementWork({ run: run.key });
    await run.inParts(work.stuck, (balancer) => remove(run, balancer, timings));
    await run.inParts(work.idle, (balancer) => retire(run, balancer, timings));

    run.enter('Reporting');
    const { sources } = await local.driftSources({});
    for (const source of sources)
      await run.attempt(`drift of ${source}`, () =>
        reads(`drift of ${source}`, timings).compareWithLedger({ source, reader: `${run.key}/drift` }),
      );
    run.status.drift = (await local.countDrift({})).drift;
    run.enter('Done');
    const { phase: _, waitingFor: __, ...result } = run.status;
    return result;
  } catch (error) {
    run.enter(isCancellation(error) ? 'Cancelled' : 'Failed');
    throw asRunFailure(error);
  }
}

/** State of the run as people see it. */
class RetirementRun {
  readonly key = runKey();
  readonly status: RetirementStatus = {
    phase: 'Releasing',
    retired: [],
    kept: [],
    released: [],
    drift: 0,
    troubles: [],
  };
  readonly #waits: Waits;

  constructor() {
    setHandler(getRetirementStatus, () => this.status, { description: 'What the run did and what it waits for' });
    this.#waits = new Waits(() => this.status.phase);
  }

  enter(phase: RetirementPhase): void {
    this.status.phase = phase;
    upsertSearchAttributes([{ key: phaseKey, value: phase }]);
    this.publish();
  }

  publish(): void {
    setCurrentDetails(retirementChecklist(this.status));
  }

  /** Does one thing; only a cancellation of the run leaves it. */
  async attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.status.troubles.push({ what, message: describeFailure(error).message });
    }
    this.publish();
  }

  /** Deals with balancers a few at a time; `retryNow` makes those that are waited for look again at once. */
  async inParts(balancers: readonly BalancerRef[], work: (balancer: BalancerRef) => Promise<void>): Promise<void> {
    for (let from = 0; from < balancers.length; from += AT_ONCE) {
      const left = new Set(balancers.slice(from, from + AT_ONCE));
      const what = `balancers ${[...left].map(({ name }) => name).join(', ')} to be looked at and removed`;
      this.status.waitingFor = { what, since: isoIn(Date.now(), 0) };
      this.publish();
      try {
        await this.#waits.run(what, async () => {
          const ended = await Promise.allSettled(
            [...left].map(async (balancer) => {
              await this.attempt(`balancer ${balancer.name}`, () => work(balancer));
              left.delete(balancer);
            }),
          );
          for (const one of ended) if (one.status === 'rejected') throw one.reason;
        });
      } finally {
        delete this.status.waitingFor;
      }
    }
  }
}

/** Holds the scope as its creation would, so that nobody else changes it meanwhile. */
async function releaseAbandoned(run: RetirementRun, scopeId: string, timings: ScopeTimings): Promise<void> {
  const taking = await local.takePlacement({ scopeId, run: run.key });
  if (!taking.taken) return;
  try {
    if (taking.placement.state === 'bound') {
      const { hosts } = await local.leaveBalancer({ scopeId, run: run.key, purpose: 'undo' });
      run.status.released.push(...hosts.map((host) => `host ${host} of scope ${scopeId}`));
      return;
    }
    const { records, dnsEndpoint } = await local.leftoversOf({ scopeId });
    for (const { zoneId, name, madeBy } of records) {
      const removal = await undoing(`${name} in ${zoneId}`, timings).removeDnsRecord({
        scopeId,
        zoneId,
        name,
        onlyMadeBy: madeBy,
      });
      const what = `record ${name} in zone ${zoneId}`;
      if (removal.outcome === 'removed') run.status.released.push(`${what} of scope ${scopeId}`);
      if (removal.outcome === 'foreign')
        run.status.troubles.push({ what, message: `points at ${removal.target} by now and was left` });
    }
    if (dnsEndpoint !== null) {
      await undoing(`DNSEndpoint ${dnsEndpoint}`, timings).removeDnsEndpoint({ scopeId });
      run.status.released.push(`DNSEndpoint ${dnsEndpoint} of scope ${scopeId}`);
    }
    const { released } = await local.leaveBalancer({ scopeId, run: run.key, purpose: 'delete' });
    if (released || taking.placement.state === 'reserved')
      run.status.released.push(`reservation of scope ${scopeId}${released ? ` on ${released}` : ''}`);
  } finally {
    await local.releaseHold({ scopeId, run: run.key });
  }
}

/** Two looks at the rules, before and after nobody can be placed any more: somebody else's rule keeps the balancer. */
async function retire(run: RetirementRun, balancer: BalancerRef, timings: ScopeTimings): Promise<void> {
  const { id, name } = balancer;
  const { foreign } = await reads(`rules of ALB ${name}`, timings).countForeignRules({ balancerId: id });
  if (foreign > 0) return void run.status.kept.push({ balancer: name, reason: foreignWords(foreign) });
  if (!(await local.retireIdle({ balancerId: id, run: run.key })))
    return void run.status.kept.push({ balancer: name, reason: 'a scope was placed on it meanwhile' });
  await remove(run, balancer, timings);
}

async function remove(run: RetirementRun, balancer: BalancerRef, timings: ScopeTimings): Promise<void> {
  const { id, name } = balancer;
  const { foreign } = await reads(`rules of ALB ${name}`, timings).countForeignRules({ balancerId: id });
  if (foreign > 0) {
    await mutations(`ALB ${name}`, timings).reviveBalancer({ balancerId: id });
    await undoing(`keeper of ALB ${name}`, timings).applyKeeper({ balancerId: id });
    run.status.kept.push({ balancer: name, reason: foreignWords(foreign) });
    return;
  }
  await removeBalancer(run, balancer, timings);
  run.status.retired.push(name);
}

function foreignWords(rules: number): string {
  return `${rules} ${rules === 1 ? 'rule is' : 'rules are'} not its keeper's`;
}
