import type { Database, Queryable } from '../../postgres/database.ts';
import { type BalancerRow, balancerById, lockPool } from './balancer.ts';
import type { PlacementRow } from './holding.ts';
import { giveBackHosts } from './hosts.ts';
import { readIdentity } from './identity.ts';
import type { Held } from './keeping.ts';
import { releaseRow } from './reserving.ts';

/** Taking a scope off its balancer, and the balancer out of the pool when nothing keeps it (specs: scope creation, sections 9, 10). */

export interface LeaveInput {
  scopeId: string;
  run: string;
  /** `undo` touches only what this run placed or added and did not bind, and may take away a balancer that this run made; `delete` takes any scope off. */
  purpose: 'undo' | 'delete';
}

export interface Leaving {
  /** Name of the balancer that the scope was taken off by this call. */
  released?: string;
  /** Of the scope's row by now: a repeat of a call whose answer was lost tells by it that the scope has left. */
  state?: PlacementRow['state'];
  /** Hosts that were taken off a placement that stays. */
  hosts: string[];
  /** Balancers that nobody may be placed on any more and that the caller now removes. */
  remove: BalancerRow[];
}

/** Twice is harmless: the second call finds the placement released, and says so, and this run's mark on the balancer. */
export async function leaveBalancer(database: Database, input: LeaveInput): Promise<Leaving> {
  return database.transaction(async (client) => {
    const placed = await placedOn(client, input);
    if (placed) await lockPool(client, placed);
    const released = placed ? await releaseOwn(client, input, placed) : false;
    if (placed && released && placed.origin === 'autocreated') await retire(client, input, placed.id);
    if (!placed) await releaseUnplaced(client, input);
    const hosts = input.purpose === 'undo' ? await giveBackHosts(client, input.scopeId, input.run) : [];
    const { rows } = await client.query<{ id: string }>(
      `select id::text from balancer where state = 'retiring' and retiring_by = $1 order by id`,
      [input.run],
    );
    const remove: BalancerRow[] = [];
    for (const { id } of rows) remove.push(await balancerById(client, id));
    const row = await readIdentity(client, input.scopeId);
    return {
      ...(placed && released ? { released: placed.name } : {}),
      ...(row ? { state: row.state } : {}),
      hosts,
      remove,
    };
  });
}

async function placedOn(client: Queryable, { scopeId }: LeaveInput): Promise<BalancerRow | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `select balancer_id::text as id from placement where scope_id = $1 and state <> 'released' and balancer_id is not null`,
    [scopeId],
  );
  return rows[0] ? balancerById(client, rows[0].id) : undefined;
}

async function releaseOwn(
  client: Queryable,
  { scopeId, run, purpose }: LeaveInput,
  balancer: BalancerRow,
): Promise<boolean> {
  const { rows } = await client.query<Pick<Held, 'state' | 'placedBy' | 'holder'>>(
    `select state, placed_by as "placedBy", holder from placement where scope_id = $1 and balancer_id = $2 and state <> 'released' for update`,
    [scopeId, balancer.id],
  );
  const [row] = rows;
  if (!row || row.holder !== run) return false;
  if (purpose === 'undo' && (row.state !== 'reserved' || row.placedBy !== run)) return false;
  await releaseRow(client, scopeId);
  return true;
}

/** A scope without a balancer row (external-dns) only lets its hosts go. */
async function releaseUnplaced(client: Queryable, { scopeId, run, purpose }: LeaveInput): Promise<void> {
  const { rowCount } = await client.query(
    `select 1 from placement where scope_id = $1 and state <> 'released' and holder = $2 and ($3 or (state = 'reserved' and placed_by = $2)) for update`,
    [scopeId, run, purpose === 'delete'],
  );
  if (rowCount === 1) await releaseRow(client, scopeId);
}

/** Marks a balancer that nobody uses as `retiring` when it never became active or this run made it in vain. */
async function retire(client: Queryable, { run, purpose }: LeaveInput, balancerId: string): Promise<void> {
  const { rows } = await client.query<{ live: number }>(
    `select count(*)::int as live from placement where balancer_id = $1 and state <> 'released'`,
    [balancerId],
  );
  if ((rows[0]?.live ?? 0) > 0) return;
  await client.query(
    `update balancer set state = 'retiring', retiring_by = $2
      where id = $1 and origin = 'autocreated' and ((state in ('reserved', 'provisioning', 'failed') and activated_at is null)
        or ($3 and state in ('reserved', 'provisioning', 'active', 'failed') and made_by = $2))`,
    [balancerId, run, purpose === 'undo'],
  );
}
