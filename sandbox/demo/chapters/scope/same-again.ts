import type { ScopeCreationResult } from '../../../../starter/client.ts';
import type { Scene } from '../../chapter.ts';
import { unlessEqual } from '../../checks.ts';
import { follow } from '../../follow.ts';
import { claimUnchanged, type Outcome } from './outcome.ts';
import { five } from './requests.ts';

export const sameAgain = (outcome: Outcome): Scene => ({
  title: 'The same request again',
  about:
    'A caller that lost the answer simply asks again. The run verifies balancer, tags and records, and answers as before.',
  play: async (stage) => {
    const { groundwork, checks, sandbox, reality } = stage;
    const first = outcome.ended.find((run) => 'result' in run && run.result.balancer.origin === 'autocreated');
    const request = five.find(({ scopeId }) => scopeId === first?.scopeId);
    if (!first || !('result' in first) || !request) throw new Error('there is no scope on a new balancer to repeat');
    const before = await reality.snapshot();
    const written = writes(sandbox.aws.requestCounts());
    const handle = await groundwork.scopes.start(request);
    const [again] = await follow(stage, [{ scopeId: request.scopeId, handle }]);

    await checks.claim(`The second answer for ${request.scopeId} is the first one: host, balancer, records`, () =>
      again && 'result' in again ? unlessEqual(answer(first.result), answer(again.result)) : again?.error.message,
    );
    await checks.claim('Nothing had to be repaired', () =>
      unlessEqual([], again && 'result' in again ? again.result.repaired : undefined),
    );
    await checks.claim('AWS received no call that writes', () =>
      unlessEqual(written, writes(sandbox.aws.requestCounts())),
    );
    await claimUnchanged(stage, 'AWS, DNS, cluster and ledger are as before', before);
  },
});

/** What a caller asked for. Who created the balancer, made a record or was warned belongs to one run. */
function answer({ scopeId, domain, hosts, balancer, dns }: ScopeCreationResult): object {
  const { created: _created, ...rest } = balancer;
  return { scopeId, domain, hosts, balancer: rest, dns: dns.map(({ origin: _origin, ...record }) => record) };
}

function writes(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([call]) => !/:(Describe|List|Get)/.test(call)));
}
