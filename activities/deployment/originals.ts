import type { FoundIngress } from '../../domain/deployment/expected.ts';
import type { KubernetesObject } from '../../domain/deployment/objects/kubernetes.ts';
import type { Queryable } from '../postgres/database.ts';
import { jsonb } from '../postgres/json.ts';
import type { Alias } from './aliases.ts';
import { type Kind, type Live, wire } from './objects.ts';

/** The scope's Ingresses, records and the old version's count as they were before a rollout changed them: kept in the ledger until it has ended. */

export type Original = KubernetesObject & FoundIngress;

/** An object without what the API server and the controllers own. */
export function original({ apiVersion, kind }: Kind, live: Live): Original {
  // Items of a list do not say what they are.
  const { metadata, spec } = wire<Live>(live);
  return {
    apiVersion,
    kind,
    metadata: {
      name: metadata?.name ?? '',
      namespace: metadata?.namespace ?? '',
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
    },
    spec: spec ?? {},
  } as Original;
}

export interface RolloutKey {
  scopeId: string;
  deploymentId: string;
}

export interface Originals {
  before: Original[];
  /** Planned instances of the old version, when there is one. */
  blueCount?: number | undefined;
  /** Where the records led that follow this rollout to its balancer. */
  aliases: Alias[];
}

/**
 * Keeps `found` as the state before this rollout; answers what is kept. An unfinished rollout of the same id keeps what it
 * recorded: a repeat must not take its half-made Ingresses and lowered counts for the originals. A higher count is nobody's but a
 * person's, who gave the old version more since. Twice: the same row.
 */
export async function keepOriginals(
  database: Queryable,
  { scopeId, deploymentId }: RolloutKey,
  run: string,
  found: Originals,
): Promise<Pick<Originals, 'blueCount'>> {
  const { rows } = await database.query<{ blue_count: number | null }>(
    `insert into rollout (scope_id, deployment_id, run, before, blue_count, aliases) values ($1, $2, $3, $4, $5, $6)
     on conflict (scope_id, deployment_id) do update
       set run = excluded.run, ended_at = null,
           before = case when rollout.ended_at is null then coalesce(rollout.before, excluded.before) else excluded.before end,
           blue_count = case when rollout.ended_at is null then greatest(rollout.blue_count, excluded.blue_count)
                             else excluded.blue_count end,
           aliases = case when rollout.ended_at is null then coalesce(rollout.aliases, excluded.aliases) else excluded.aliases end,
           began_at = case when rollout.ended_at is null then rollout.began_at else now() end
     returning blue_count`,
    [
      scopeId,
      deploymentId,
      run,
      JSON.stringify(found.before),
      found.blueCount ?? null,
      found.aliases.length === 0 ? null : JSON.stringify(found.aliases),
    ],
  );
  return { blueCount: rows[0]?.blue_count ?? undefined };
}

export async function readOriginals(database: Queryable, { scopeId, deploymentId }: RolloutKey): Promise<Original[]> {
  const { rows } = await database.query<{ before: Original[] | null }>(
    'select before from rollout where scope_id = $1 and deployment_id = $2',
    [scopeId, deploymentId],
  );
  const before = rows[0]?.before;
  if (!before) throw new Error(`the ledger does not know how the Ingresses were before rollout ${deploymentId}`);
  return before;
}

/** Where the records led that follow a rollout; none: they stay where they are. */
export async function recordedAliases(database: Queryable, { scopeId, deploymentId }: RolloutKey): Promise<Alias[]> {
  const { rows } = await database.query<{ aliases: Alias[] | null }>(
    'select aliases from rollout where scope_id = $1 and deployment_id = $2',
    [scopeId, deploymentId],
  );
  return rows[0]?.aliases ?? [];
}

/** What an unfinished rollout of the same id recorded; undefined: there is none. */
export async function recordedOriginals(
  database: Queryable,
  { scopeId, deploymentId }: RolloutKey,
): Promise<Original[] | undefined> {
  const { rows } = await database.query<{ before: Original[] | null }>(
    'select before from rollout where scope_id = $1 and deployment_id = $2 and ended_at is null',
    [scopeId, deploymentId],
  );
  return rows[0]?.before ?? undefined;
}

/** How a rollout ended. `settled`: nothing of it is left to adopt; `finalized`: nor of any other of the scope, whose versions are removed. */
export interface Ending {
  status: unknown;
  settled: boolean;
  finalized: boolean;
}

/** Keeps the last status. Twice: the same rows. */
export async function keepStatus(
  database: Queryable,
  { scopeId, deploymentId }: RolloutKey,
  run: string,
  { status, settled, finalized }: Ending,
): Promise<void> {
  await database.query(
    `update rollout
        set status = case when deployment_id = $2 then $4::jsonb else status end,
            ended_at = case when $5 or deployment_id <> $2 then coalesce(ended_at, now()) else ended_at end
      where scope_id = $1 and (deployment_id = $2 and run = $3
         or $6 and deployment_id <> $2 and ended_at is null
            and exists (select from rollout own where own.scope_id = $1 and own.deployment_id = $2 and own.run = $3))`,
    [scopeId, deploymentId, run, jsonb(status), settled, finalized],
  );
}

/** Nothing of the scope's rollouts, or of one of them, is left to adopt. Twice: the same rows. */
export async function endRollouts(database: Queryable, scopeId: string, deploymentId?: string): Promise<void> {
  await database.query(
    `update rollout set ended_at = now()
      where scope_id = $1 and ended_at is null and ($2::text is null or deployment_id = $2)`,
    [scopeId, deploymentId ?? null],
  );
}
