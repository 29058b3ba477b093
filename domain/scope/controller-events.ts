import type { ScopeFailureType } from '../../contract/failures.ts';

/** What the load balancer controller's Warning events on a keeper mean (specs: scope creation, section 7). */

export interface ControllerEvent {
  uid: string;
  type: string;
  reason: string;
  message: string;
  /** ISO time of the last occurrence. */
  lastSeen: string;
}

export interface ControllerVerdict {
  type: Extract<ScopeFailureType, 'CertificateMissing' | 'BalancerQuotaExceeded' | 'BalancerNameConflict'>;
  message: string;
  /** The host without a certificate, when the controller named it. */
  host?: string;
}

const CLOCK_ALLOWANCE_MS = 5_000;
const FATAL_REASONS: ReadonlySet<string> = new Set(['FailedBuildModel', 'FailedDeployModel']);

/** Events of this keeper since the balancer became `provisioning`, newest first. */
export function relevantEvents(events: readonly ControllerEvent[], uid: string, since: string): ControllerEvent[] {
  const from = Date.parse(since) - CLOCK_ALLOWANCE_MS;
  return events
    .filter((event) => event.uid === uid && event.type === 'Warning' && Date.parse(event.lastSeen) >= from)
    .sort((a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen));
}

/** The first event that ends the wait, or undefined: any other message only means that the controller is not done. */
export function controllerVerdict(events: readonly ControllerEvent[]): ControllerVerdict | undefined {
  for (const event of events) {
    if (!FATAL_REASONS.has(event.reason)) continue;
    const verdict = verdictOf(event.message);
    if (verdict) return verdict;
  }
  return undefined;
}

function verdictOf(message: string): ControllerVerdict | undefined {
  const text = message.toLowerCase();
  if (text.includes('no certificate found for host') || text.includes('certificatenotfound')) {
    const host = /no certificate found for host:?\s*([^\s,]+)/i.exec(message)?.[1];
    return { type: 'CertificateMissing', message, ...(host ? { host } : {}) };
  }
  if (
    text.includes('toomanyloadbalancers') ||
    /load ?balancers?[^.]*(quota|limit)|(quota|limit)[^.]*load ?balancers?/.test(text)
  ) {
    return { type: 'BalancerQuotaExceeded', message };
  }
  if (
    text.includes('duplicateloadbalancername') ||
    /conflicting (load balancer name|name|scheme|ssl-?redirect|tag)/.test(text)
  ) {
    return { type: 'BalancerNameConflict', message };
  }
  return undefined;
}
