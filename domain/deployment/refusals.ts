/** What the load balancer controller says about our Ingresses (specs: deployment, section 10). Its successes prove nothing. */

export interface IngressEvent {
  /** Name of the event itself; what repeats is told under the same. */
  id: string;
  count: number;
  /** uid of the Ingress it is about. */
  uid: string;
  type: string;
  reason: string;
  message: string;
  /** ISO times of the first and the last occurrence; event times have whole seconds. */
  firstSeen: string;
  lastSeen: string;
}

/** Names by which a message may mean one Ingress of the balancer's group. */
export interface GroupMember {
  /** `<namespace>/<name>`. */
  ingress: string;
  services: readonly string[];
  hosts: readonly string[];
}

export type ControllerOpinion =
  | { kind: 'refused'; type: 'CertificateMissing' | 'ControllerRefused'; message: string; host?: string }
  /** Another member breaks the group: waited for until the deadline. */
  | { kind: 'broken'; by: string; message: string };

export interface Opinions {
  events: readonly IngressEvent[];
  /** uids of our Ingresses. */
  uids: readonly string[];
  ours: readonly GroupMember[];
  others: readonly GroupMember[];
  /** ISO time of our last apply. */
  appliedAt: string;
  /** Marks of the events that stood there before it: times have whole seconds, which does not tell them apart. */
  heard: readonly string[];
  /** Services of the scope that what we applied names no more: who misses one speaks of what was there before. */
  former: readonly string[];
}

const REFUSALS: ReadonlySet<string> = new Set(['FailedBuildModel', 'FailedDeployModel']);

/** Changes whenever the event occurs again. */
export const markOf = ({ id, count, lastSeen }: IngressEvent): string => `${id} ${count} ${lastSeen}`;

/** The last refusal since our apply and whose it is; undefined: nothing speaks against us. */
export function controllerOpinion(opinions: Opinions): ControllerOpinion | undefined {
  const { events, uids, ours, others, appliedAt, heard, former } = opinions;
  const since = Math.floor(Date.parse(appliedAt) / 1000) * 1000;
  const refusals = events
    .filter(({ uid, reason, lastSeen }) => uids.includes(uid) && REFUSALS.has(reason) && Date.parse(lastSeen) >= since)
    .filter((event) => !heard.includes(markOf(event)) && !namesAny(event.message, former))
    .sort((a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen));
  for (const event of refusals) {
    const opinion = opinionOf(event, ours, others, since);
    if (opinion) return opinion;
  }
  return undefined;
}

function opinionOf(
  { message, firstSeen }: IngressEvent,
  ours: readonly GroupMember[],
  others: readonly GroupMember[],
  since: number,
): ControllerOpinion {
  const host = /no certificate found for host:?\s*([^\s,]+)/i.exec(message)?.[1];
  if (host !== undefined && ours.some(({ hosts }) => hosts.includes(host.toLowerCase()))) {
    return { kind: 'refused', type: 'CertificateMissing', message, host };
  }
  if (ours.some((member) => names(message, member))) return { kind: 'refused', type: 'ControllerRefused', message };
  const other = others.find((member) => names(message, member));
  if (other) return { kind: 'broken', by: other.ingress, message };
  const named = /ingress:?\s+"?([a-z0-9-]+\/[a-z0-9.-]+)/i.exec(message)?.[1];
  if (named !== undefined || host !== undefined) return { kind: 'broken', by: named ?? `host ${host}`, message };
  if (Date.parse(firstSeen) >= since) return { kind: 'refused', type: 'ControllerRefused', message };
  return { kind: 'broken', by: 'a member that the controller does not name', message };
}

/** Whole names only: `d-7-4` is not meant by `d-7-42`. */
function names(message: string, { ingress, services, hosts }: GroupMember): boolean {
  return namesAny(message, [ingress.slice(ingress.indexOf('/') + 1), ...services, ...hosts]);
}

function namesAny(message: string, words: readonly string[]): boolean {
  return words.some((word) => {
    const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return new RegExp(`(?<![a-z0-9.-])${escaped}(?![a-z0-9-]|\\.[a-z0-9])`, 'i').test(message);
  });
}

/** What the controller warns of since our apply, newest first, each once however often it is repeated. */
export function saidSince({ events, uids, appliedAt, heard }: Omit<Opinions, 'ours' | 'others' | 'former'>): string[] {
  const since = Math.floor(Date.parse(appliedAt) / 1000) * 1000;
  const fresh = events
    .filter((event) => Date.parse(event.lastSeen) >= since && !heard.includes(markOf(event)))
    .filter(({ uid, type }) => uids.includes(uid) && type === 'Warning')
    .sort((a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen));
  return [...new Set(fresh.map(({ reason, message }) => `${reason}: ${message}`))];
}

/** Warnings of the controller that are shown and do not end a wait, newest first. */
export function shownEvents(events: readonly IngressEvent[], uids: readonly string[], limit = 10): string[] {
  return events
    .filter(({ uid, type }) => uids.includes(uid) && type === 'Warning')
    .sort((a, b) => Date.parse(b.lastSeen) - Date.parse(a.lastSeen))
    .slice(0, limit)
    .map(({ lastSeen, reason, message }) => `${lastSeen} ${reason}: ${message}`);
}
