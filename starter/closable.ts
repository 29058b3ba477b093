import { type ConnectionOptions, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Parameters<Interceptor>[1]>;

/** The next attempt of a call whose connection is closed: it goes nowhere, and nobody waits for it. */
const NOWHERE: Call = {
  start: () => {},
  startRead: () => {},
  sendMessage: () => {},
  sendMessageWithContext: () => {},
  halfClose: () => {},
  cancelWithStatus: () => {},
  getPeer: () => '',
  getAuthContext: () => null,
};

/**
 * A connection that can be closed while the SDK repeats calls, as it does while no server answers: by itself it makes the next
 * attempt on the closed channel, which throws where nobody can catch it. Say `closing` before `close`.
 */
export function closable(options: ConnectionOptions): { options: ConnectionOptions; closing: () => void } {
  let closed = false;
  const begun = new WeakSet<object>();
  const retries = defaultGrpcRetryOptions();
  const repeat = makeGrpcRetryInterceptor({
    ...retries,
    retryableDecider: (attempt, status) => !closed && retries.retryableDecider(attempt, status),
  });
  const attempt = (call: Parameters<Interceptor>[0], next: Parameters<Interceptor>[1]): Call => {
    if (closed && begun.has(call)) return NOWHERE;
    begun.add(call);
    return next(call);
  };
  return {
    options: { ...options, interceptors: [repeat, attempt as Interceptor] }, // what it answers is all that `repeat` asks for
    closing: () => {
      closed = true;
    },
  };
}
