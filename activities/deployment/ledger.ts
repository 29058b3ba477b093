import type { DnsType } from '../../contract/scope/input.ts';
import type { DeploymentTarget } from '../../domain/deployment/request.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { invalidInput, notYet, permanent } from '../failures.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { bindPlacement, takePlacement } from '../scope/ledger/holding.ts';
import { place } from '../scope/ledger/placing.ts';
import { observePool } from '../scope/observation.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';

/** The scope's placement as a rollout needs it: read, and brought into the ledger where it does not know it. */

export interface Placement {
  state: 'reserved' | 'bound';
  holder: string | null;
  hosts: string[];
  domain: string;
  /** Null, here and below: not known, as of a scope that an older version placed. */
  dnsType: DnsType | null;
  visibility: 'public' | 'private' | null;
  region: string | null;
  namespace: string | null;
  /** Empty: none yet, or none at all with external DNS. */
  balancer: string;
}

/** The live placement of a scope; undefined: the ledger does not know it. */
export async function readLivePlacement(
  deps: DeploymentDependencies,
  scopeId: string,
): Promise<Placement | { holder: string } | undefined> {
  const { rows } = await deps.database.query<Partial<Placement> & { state: string; holder: string | null }>(
    `select p.state, p.holder, p.hosts, p.domain, p.dns_type as "dnsType", p.visibility, p.region, p.namespace,
            b.name as balancer
       from placement p left join balancer b on b.id = p.balancer_id where p.scope_id = $1`,
    [scopeId],
  );
  const [row] = rows;
  if (row?.state === 'reserved' || row?.state === 'bound') {
    if (row.balancer) return row as Placement;
    return { ...(row as Placement), balancer: '' };
  }
  return row?.holder ? { holder: row.holder } : undefined;
}

/** How the scope's hosts are led to it: the ledger knows better than an input that does not say. */
export async function dnsTypeOf(deps: DeploymentDependencies, { scopeId, scope }: DeploymentTarget): Promise<DnsType> {
  const placement = await readLivePlacement(deps, scopeId);
  return (placement && 'dnsType' in placement ? placement.dnsType : null) ?? scope.dnsType;
}

export interface PlaceScopeInput {
  scope: ScopeRequest;
  pool: PoolKey;
  run: string;
  /** The balancer that the scope is on already, and how that is known; absent: the pool's least loaded. `moves`: the ledger follows. */
  known?: { balancer: string; reason: string; moves: boolean };
  maxAgeSeconds: number;
}

const TRIES = 3;

/**
 * Gives the scope its place in the ledger, or adds hosts to the one it has, by the rules of scope creation and never making
 * a balancer. The row is held meanwhile. Twice is harmless: a scope that is placed keeps its place.
 */
export async function placeInLedger(deps: DeploymentDependencies, input: PlaceScopeInput): Promise<string> {
  const { run } = input;
  const { scopeId } = input.scope;
  const taking = await takePlacement(deps.database, deps.temporal, scopeId, run);
  if (!taking.taken)
    throw permanent('ScopeBusy', `scope ${scopeId} is held by ${taking.holder}: wait until that run has ended`, {
      holder: taking.holder,
    });
  try {
    return await placeHeld(deps, input);
  } finally {
    await deps.database.query(
      'update placement set holder = null, version = version + 1, updated_at = now() where scope_id = $1 and holder = $2',
      [scopeId, run],
    );
  }
}

/** Where `placeInLedger` would place a scope that nothing knows. Reads only. */
export function plannedBalancer(deps: DeploymentDependencies, scope: ScopeRequest, pool: PoolKey): Promise<string> {
  const maxAgeSeconds = deps.settings.scope.timings.observationMaxAge;
  return placeHeld(deps, { scope, pool, run: `${scope.scopeId}/plan`, maxAgeSeconds }, true);
}

async function placeHeld(
  deps: DeploymentDependencies,
  { scope, pool, run, known, maxAgeSeconds }: PlaceScopeInput,
  dryRun = false,
): Promise<string> {
  const names = known ? [known.balancer] : scope.declared;
  for (let tried = 0; ; tried++) {
    const observation = {
      pool,
      names,
      withCertificates: true,
      reader: `${run}/place`,
      maxAgeSeconds: tried === 0 ? maxAgeSeconds : 0,
    };
    const { unreadable } =
      scope.dnsType === 'external_dns' ? { unreadable: {} } : await observePool(asScope(deps), observation);
    const answer = await place(deps.database, {
      request: scope,
      pool,
      run,
      ...(known ? { alias: known } : {}),
      unreadable,
      owners: {},
      maxAgeSeconds: Math.max(1, maxAgeSeconds),
      mayCreate: false,
      dryRun,
    });
    if (answer.kind === 'planned') return answer.balancer.name;
    if (answer.kind === 'placed' || answer.kind === 'external') {
      await bindPlacement(deps.database, scope.scopeId, run);
      return answer.kind === 'placed' ? answer.balancer.name : answer.name;
    }
    if (answer.kind === 'refused') {
      if (answer.type === 'ScopeMismatch') throw invalidInput([{ path: 'hosts.domain', message: answer.message }]);
      const type = answer.type === 'HostConflict' ? 'InvalidInput' : answer.type;
      throw permanent(type, answer.message, answer.details);
    }
    if (tried >= TRIES) throw notYet(`scope ${scope.scopeId} cannot be placed yet: ${answer.kind}`, 1);
  }
}
