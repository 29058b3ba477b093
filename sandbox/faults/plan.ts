import { mulberry32 } from './random.ts';
import { validateFaultRule } from './validate.ts';

/** What a rule does to the requests it hits. */
export type FaultEffect =
  /** The request, or with `when: 'after'` its answer, is held back for `ms` real milliseconds. */
  | { kind: 'latency'; ms: number }
  /** The service's own throttling answer: 400 `Throttling` for AWS, 429 with `Retry-After` for Kubernetes. */
  | { kind: 'throttle' }
  /** An error answer in the service's own format. */
  | { kind: 'error'; code: string; status: number; message?: string }
  /** The TCP connection is reset. */
  | { kind: 'reset' }
  /** No answer, ever: the connection stays open until the client or the server closes. */
  | { kind: 'hang' }
  /** Half of the body, then the end. */
  | { kind: 'truncate' }
  /** Status 503 with an HTML page, as a proxy in between would send. */
  | { kind: 'garbage' }
  /** A read is answered from the state before the latest mutation; mutations are not touched. */
  | { kind: 'stale-read' };

/** Which requests a rule is about; every field given must agree. */
export interface FaultMatch {
  /** `elbv2`, `route53`, `sts` or `kubernetes`. */
  service: string;
  /** An API action such as `CreateRule`. */
  action?: string;
  /** An HTTP method, upper case. */
  method?: string;
  /** A regular expression on the path. */
  path?: string;
  /** A regular expression on path, query and body text together. */
  resource?: string;
  /** The access key id that signed an AWS request: `sandbox` is the worker, `controllers` are the simulated controllers. */
  caller?: string;
}

export interface FaultRule {
  /** Names the rule in the log and for removal; assigned by `add` when absent. */
  id?: string;
  match: FaultMatch;
  /** Whether the fault strikes before the request takes effect (default) or after, when only the answer is lost or changed. */
  when?: 'before' | 'after';
  /** Lets the first n matching requests pass. */
  skip?: number;
  /** Strikes at most this often; unlimited when absent. */
  times?: number;
  /** Chance from 0 to 1 that a matching request is hit; drawn from a generator seeded with `seed` (default 1). */
  probability?: number;
  seed?: number;
  effect: FaultEffect;
}

/** One fault that struck. */
export interface AppliedFault {
  ruleId: string;
  service: string;
  action?: string;
  method: string;
  path: string;
  when: 'before' | 'after';
  effect: FaultEffect['kind'];
  time: Date;
}

/** What a server knows of a request when it asks the plan. */
export interface FaultRequest {
  service: string;
  action?: string;
  method: string;
  path: string;
  /** Path, query and body as one text, for `resource`. */
  text?: string;
  /** Access key id of the signature. */
  caller?: string;
}

interface Entry {
  readonly rule: FaultRule & { id: string };
  readonly path: RegExp | undefined;
  readonly resource: RegExp | undefined;
  readonly random: () => number;
  seen: number;
  struck: number;
}

/** The faults that the servers of a sandbox inject, and the log of those that struck. */
export class FaultPlan {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => Date;
  #applied: AppliedFault[] = [];
  #nextId = 1;

  constructor(options: { now?: () => Date; rules?: readonly FaultRule[] } = {}) {
    this.#now = options.now ?? (() => new Date());
    for (const rule of options.rules ?? []) this.add(rule);
  }

  /** Adds a rule and returns its id. Throws an `Error` with one line per wrong field; a rule with a known id replaces it. */
  add(rule: FaultRule): string {
    const valid = validateFaultRule(rule);
    const id = valid.id ?? this.#freeId();
    this.#entries.delete(id);
    this.#entries.set(id, {
      rule: { ...valid, id },
      path: valid.match.path === undefined ? undefined : new RegExp(valid.match.path),
      resource: valid.match.resource === undefined ? undefined : new RegExp(valid.match.resource),
      random: mulberry32(valid.seed ?? 1),
      seen: 0,
      struck: 0,
    });
    return id;
  }

  /** Takes a rule out; false when there is none of that id. */
  remove(id: string): boolean {
    return this.#entries.delete(id);
  }

  /** Takes all rules out and empties the log. */
  clear(): void {
    this.#entries.clear();
    this.#applied = [];
  }

  /** The rules in the order in which they are asked, each with its id. */
  rules(): readonly (FaultRule & { id: string })[] {
    return [...this.#entries.values()].map((entry) => entry.rule);
  }

  /** The faults that struck since the start or the latest `clear`, oldest first. */
  applied(): readonly AppliedFault[] {
    return [...this.#applied];
  }

  /**
   * The faults that strike this request: those of `before`, then those of `after`, in the order of their rules, up to the first
   * that ends it. Counts are consumed and the log is written here, so ask once per request.
   */
  match(request: FaultRequest): FaultRule[] {
    const hits: FaultRule[] = [];
    for (const when of ['before', 'after'] as const)
      for (const entry of this.#entries.values()) {
        const { rule } = entry;
        if ((rule.when ?? 'before') !== when || !concerns(entry, request) || !strikes(entry)) continue;
        hits.push(rule);
        this.#applied.push({
          ruleId: rule.id,
          service: request.service,
          ...(request.action === undefined ? {} : { action: request.action }),
          method: request.method,
          path: request.path,
          when,
          effect: rule.effect.kind,
          time: this.#now(),
        });
        if (!LETS_GO_ON.includes(rule.effect.kind)) return hits;
      }
    return hits;
  }

  #freeId(): string {
    let id: string;
    do id = `fault-${this.#nextId++}`;
    while (this.#entries.has(id));
    return id;
  }
}

/** After any other the request has ended. */
const LETS_GO_ON: readonly FaultEffect['kind'][] = ['latency', 'stale-read'];

function concerns({ rule: { match }, path, resource }: Entry, request: FaultRequest): boolean {
  return (
    match.service === request.service &&
    (match.action === undefined || match.action === request.action) &&
    (match.method === undefined || match.method === request.method) &&
    (match.caller === undefined || match.caller === request.caller) &&
    (path === undefined || path.test(request.path)) &&
    (resource === undefined || resource.test(request.text ?? request.path))
  );
}

/** Consumes one matching request: first the skipped ones pass, then chance decides, then the count. */
function strikes(entry: Entry): boolean {
  const { skip = 0, times = Number.POSITIVE_INFINITY, probability = 1 } = entry.rule;
  if (entry.struck >= times) return false;
  entry.seen += 1;
  if (entry.seen <= skip) return false;
  if (entry.random() >= probability) return false;
  entry.struck += 1;
  return true;
}
