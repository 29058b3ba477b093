import { ApiException } from '@kubernetes/client-node';
import { CancelledFailure } from '@temporalio/common';

/** What went wrong with a call to the Kubernetes API. `unknown` is its own kind and never read as absent. */
export type KubernetesErrorKind = 'retry' | 'absent' | 'denied' | 'conflict' | 'invalid' | 'unknown';

export class KubernetesCallError extends Error {
  override readonly name = 'KubernetesCallError';
  readonly kind: KubernetesErrorKind;
  readonly status: number | undefined;
  readonly verb: string;
  /** For example `ingresses.networking.k8s.io groundwork/keeper`. */
  readonly resource: string;
  /** Whether the answer names what is wrong with which field: a refused object does, a failed test of a JSON Patch does not. */
  hasCauses = false;

  constructor(kind: KubernetesErrorKind, status: number | undefined, message: string, verb: string, resource: string) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.verb = verb;
    this.resource = resource;
  }
}

/**
 * Translates what the client threw. The body of an answer is a string and its message a dump: only the Status text is kept.
 * The activity's own cancellation passes unchanged: the client throws the reason of the abort.
 */
export function kubernetesError(error: unknown, verb: string, resource: string): Error {
  if (error instanceof ApiException) {
    const status = readStatus(error.body);
    const message = status?.message ?? `HTTP ${error.code}`;
    // Server-side apply of a new object needs another verb than that of the call: the answer tells which is missing.
    const missing = /\bcannot (\w+) resource/.exec(message)?.[1] ?? verb;
    const call = new KubernetesCallError(kindOf(error.code, message), error.code, message, missing, resource);
    call.hasCauses = (status?.details?.causes?.length ?? 0) > 0;
    return call;
  }
  if (!(error instanceof Error)) return new KubernetesCallError('unknown', undefined, String(error), verb, resource);
  if (error.name === 'AbortError' || error instanceof CancelledFailure) return error;
  const cause = error.cause as { code?: string } | undefined;
  const message = cause?.code ? `${error.message} (${cause.code})` : error.message;
  return new KubernetesCallError('retry', undefined, message, verb, resource);
}

function kindOf(code: number, message: string): KubernetesErrorKind {
  if (code === 404) return 'absent';
  if (code === 401 || (code === 403 && !message.includes('because it is being terminated'))) return 'denied';
  if (code === 409) return 'conflict';
  if (code === 400 || code === 422 || /failed to create typed patch object/.test(message)) return 'invalid';
  return code === 403 || code === 429 || code >= 500 ? 'retry' : 'unknown';
}

interface Status {
  message?: string;
  details?: { causes?: unknown[] };
}

function readStatus(body: unknown): Status | undefined {
  if (typeof body !== 'string') return body as Status | undefined;
  try {
    return JSON.parse(body) as Status;
  } catch {
    return undefined;
  }
}
