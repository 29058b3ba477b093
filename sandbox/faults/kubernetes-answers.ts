import type { OutgoingHttpHeaders } from 'node:http';
import type { FaultEffect } from './plan.ts';

/** A whole HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** What priority and fairness answers when its queues are full. */
export function throttleAnswer(): Answer {
  const message = 'Too many requests, please try again later.';
  const answer = statusAnswer(429, 'TooManyRequests', message, { retryAfterSeconds: 1 });
  return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } };
}

export function errorAnswer(effect: FaultEffect & { kind: 'error' }): Answer {
  return statusAnswer(effect.status, effect.code, effect.message ?? `${effect.code} (injected fault)`);
}

/** The page of a proxy in between that lost its backend. */
export function garbageAnswer(): Answer {
  const page = '<html><head><title>503</title></head><body><h1>Service Temporarily Unavailable</h1></body></html>';
  return { status: 503, headers: { 'content-type': 'text/html' }, body: Buffer.from(page) };
}

/** The error format of the Kubernetes API: an object of kind Status. */
function statusAnswer(status: number, reason: string, message: string, details?: object): Answer {
  const object = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details,
    code: status,
  };
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(object)) };
}
