import type { CandidateLoad, Warning } from '../../../contract/scope/status.ts';
import type { ScopeRequest } from '../../../domain/scope/request.ts';
import type { PoolKey } from '../dependencies.ts';
import type { BalancerRow } from './balancer.ts';

/** What is asked of a placement, and what becomes of it. */

export interface PlaceInput {
  request: ScopeRequest;
  pool: PoolKey;
  run: string;
  /** The balancer that the domain's record already leads to. With `moves` a scope that is bound elsewhere follows it there. */
  alias?: { balancer: string; reason: string; moves?: boolean };
  unreadable: Record<string, string>;
  /** Balancers in AWS that bear a name we would give: ours by their tags, somebody else's, or only listed still. */
  owners: Record<string, 'ours' | 'foreign' | 'gone'>;
  /** Seconds an observation may be old; at least what this run itself needed to observe. */
  maxAgeSeconds: number;
  /** False when a new balancer would fail for the same cause as the last. */
  mayCreate: boolean;
  dryRun: boolean;
}

export interface Decided {
  candidates: CandidateLoad[];
  reason: string;
  warnings: Warning[];
}

export type PlaceAnswer =
  | (Decided & { kind: 'placed'; balancer: BalancerRow; createdBalancer: boolean; repaired: string[] })
  | (Decided & {
      kind: 'planned';
      balancer: { name: string; origin: 'declared' | 'autocreated'; dnsName?: string };
      wouldCreate: boolean;
    })
  | (Decided & { kind: 'external'; name: string; repaired: string[] })
  | { kind: 'stale'; names: string[] }
  | (Decided & { kind: 'unreadable'; error: string })
  | { kind: 'check-owner'; name: string; arn: string }
  | { kind: 'name-busy'; balancer: BalancerRow }
  | { kind: 'lost-hold' }
  | (Partial<Decided> & {
      kind: 'refused';
      type: 'NoCapacity' | 'BalancerMissing' | 'HostConflict' | 'ScopeMismatch';
      message: string;
      details: Record<string, unknown>;
    });
