import type { InvalidField } from '../../contract/failures.ts';
import type { DnsType } from '../../contract/scope/input.ts';
import type { ScopeRequest } from '../scope/request.ts';

/** Whether a deployment means the scope as it was created (specs: deployment, section 6). */

/** What the ledger knows of a scope; null: not known. */
export interface KnownScope {
  dnsType: DnsType | null;
  visibility: 'public' | 'private' | null;
  region: string | null;
  namespace: string | null;
}

/**
 * Every field by which the request means another scope than the one that the ledger knows. `isRouted`: something leads traffic
 * to the scope in the request's namespace. That counts more than what the ledger says, which a repeated creation may change.
 */
export function differencesOf(
  scope: Pick<ScopeRequest, keyof KnownScope>,
  known: KnownScope,
  isRouted: boolean,
): InvalidField[] {
  const differs = (key: keyof KnownScope) => known[key] !== null && known[key] !== scope[key];
  const problems: InvalidField[] = [];
  const wrong = (path: string, message: string) => problems.push({ path, message });
  if (differs('dnsType')) wrong('scope.dnsType', `the scope was created with ${known.dnsType}, not ${scope.dnsType}`);
  if (differs('visibility'))
    wrong('scope.visibility', `the scope was created ${known.visibility}, not ${scope.visibility}`);
  // With external DNS nothing of the scope is in a region.
  if (scope.dnsType === 'route53' && differs('region'))
    wrong('scope.region', `the scope was created in ${known.region}, not in ${scope.region}`);
  if (!isRouted && differs('namespace'))
    wrong('scope.kubernetes.namespace', `the scope was created in ${known.namespace}, not in ${scope.namespace}`);
  return problems;
}
