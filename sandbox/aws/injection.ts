import { setTimeout as delay } from 'node:timers/promises';
import type { FaultRule } from '../faults/plan.ts';
import { type Answer, emptySuccess, errorAnswer, type Service } from './answers.ts';

/** How a request ends: with an answer, with a reset of its connection, or never. */
export type Outcome = Answer | 'reset' | 'hang';

const PROXY_PAGE =
  '<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body><h1>503 Service Temporarily Unavailable</h1></body>\n</html>\n';

export interface Exchange {
  service: Service;
  action: string;
  requestId: string;
}

/**
 * Runs a request under the faults that hit it. Those of `before` strike while nothing has happened, and the first that
 * ends the request keeps it from taking effect; those of `after` strike when it has, and change or lose the answer.
 */
export async function withFaults(
  exchange: Exchange,
  rules: readonly FaultRule[],
  signal: AbortSignal,
  run: (options: { stale: boolean }) => Answer,
): Promise<Outcome> {
  const before = rules.filter((rule) => rule.when !== 'after');
  for (const rule of before) {
    const outcome = await strike(rule, exchange, signal, undefined);
    if (outcome !== undefined) return outcome;
  }
  const answer = run({ stale: before.some((rule) => rule.effect.kind === 'stale-read') });
  for (const rule of rules.filter((each) => each.when === 'after')) {
    const outcome = await strike(rule, exchange, signal, answer);
    if (outcome !== undefined) return outcome;
  }
  return answer;
}

/** What a fault makes of the request, undefined when the request goes on. */
async function strike(
  { effect }: FaultRule,
  exchange: Exchange,
  signal: AbortSignal,
  answer: Answer | undefined,
): Promise<Outcome | undefined> {
  const { service, action, requestId } = exchange;
  switch (effect.kind) {
    case 'latency':
      await delay(effect.ms, undefined, { signal });
      return undefined;
    case 'throttle':
      return errorAnswer(service, requestId, { code: 'Throttling', status: 400, message: 'Rate exceeded' });
    case 'error':
      return errorAnswer(service, requestId, { ...effect, message: effect.message ?? `Injected ${effect.code}` });
    case 'reset':
    case 'hang':
      return effect.kind;
    case 'truncate':
      return half(answer ?? emptySuccess(service, action, requestId));
    case 'garbage':
      return { status: 503, headers: { 'content-type': 'text/html' }, body: PROXY_PAGE, errorCode: 'garbage' };
    case 'stale-read':
      return undefined;
  }
}

const half = (answer: Answer): Answer => ({
  ...answer,
  body: answer.body.slice(0, Math.floor(answer.body.length / 2)),
});
