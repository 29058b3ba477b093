/** What the kubelet says of a failing probe (specs: deployment, section 8). */

export type ProbeMode = 'not-listening' | 'status' | 'timeout' | 'failed';

export interface ProbeFailure {
  kind: 'Startup' | 'Liveness' | 'Readiness';
  /** Of its URL; may be empty. */
  path: string;
  mode: ProbeMode;
  /** Of the answer, for mode `status`. */
  status?: number;
}

/** Undefined: not the message of a failing probe. */
export function readProbe(message: string): ProbeFailure | undefined {
  const kind = /^(Startup|Liveness|Readiness) probe failed/.exec(message)?.[1] as ProbeFailure['kind'] | undefined;
  if (!kind) return undefined;
  const path = /https?:\/\/[^/\s"?]+(\/[^\s"?]*)?/.exec(message)?.[1] ?? '';
  const text = message.toLowerCase();
  const status = /statuscode:\s*(\d+)/.exec(text)?.[1];
  if (text.includes('connection refused')) return { kind, path, mode: 'not-listening' };
  if (status !== undefined) return { kind, path, mode: 'status', status: Number(status) };
  const slow = ['context deadline exceeded', 'client.timeout', 'i/o timeout'].some((words) => text.includes(words));
  return { kind, path, mode: slow ? 'timeout' : 'failed' };
}

export function sayMode({ mode, status }: Pick<ProbeFailure, 'mode' | 'status'>): string {
  switch (mode) {
    case 'not-listening':
      return 'not yet listening';
    case 'status':
      return `responded HTTP ${status} (expected 2xx)`;
    case 'timeout':
      return 'request timed out';
    case 'failed':
      return 'failed';
  }
}

/** The distinct modes in the order in which they were seen. */
export function sayModes(failures: readonly ProbeFailure[]): string {
  return [...new Set(failures.map(sayMode))].join(', ');
}

/** What to do about a failing probe. `port` and `path` are the workload's own. */
export function probeAdvice(
  { mode, status }: Pick<ProbeFailure, 'mode' | 'status'>,
  port: number,
  path: string,
): string {
  switch (mode) {
    case 'not-listening':
      return `check the start command and that the application binds 0.0.0.0:${port}`;
    case 'status':
      return `read the application's logs: ${path} answers HTTP ${status} and must answer 2xx`;
    case 'timeout':
      return `make ${path} lighter, or allow more delay (initialDelaySeconds, timeoutSeconds)`;
    case 'failed':
      return `listen on port ${port} and answer ${path} with 2xx`;
  }
}
