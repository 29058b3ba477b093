import type { Queryable } from '../../postgres/database.ts';

/** DNS records that are known to be ours. A row is there before its record is. */

export interface RecordRow {
  zoneId: string;
  name: string;
  type: string;
  scopeId: string;
  target: string;
  origin: 'made' | 'adopted';
  /** The run that may undo it; null when the scope was bound since. */
  madeBy: string | null;
}

const COLUMNS = 'zone_id as "zoneId", name, type, scope_id as "scopeId", target, origin, made_by as "madeBy"';

export async function recordRow(
  database: Queryable,
  zoneId: string,
  name: string,
  type: string,
): Promise<RecordRow | undefined> {
  const { rows } = await database.query<RecordRow>(
    `select ${COLUMNS} from dns_record where zone_id = $1 and name = $2 and type = $3`,
    [zoneId, name, type],
  );
  return rows[0];
}

/**
 * Notes a record as ours. A row of the same record keeps how it came to be and who made it, unless it was another scope's, or
 * there was no record and this run is about to make it (`anew`).
 */
export async function noteRecord(database: Queryable, row: RecordRow, anew: boolean): Promise<RecordRow> {
  const { rows } = await database.query<RecordRow>(
    `insert into dns_record (zone_id, name, type, scope_id, target, origin, made_by) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (zone_id, name, type) do update set target = excluded.target, scope_id = excluded.scope_id, written_at = now(),
       origin = case when $8 or dns_record.scope_id <> excluded.scope_id then excluded.origin else dns_record.origin end,
       made_by = case when $8 or dns_record.scope_id <> excluded.scope_id then excluded.made_by else dns_record.made_by end
     returning ${COLUMNS}`,
    [row.zoneId, row.name, row.type, row.scopeId, row.target, row.origin, row.madeBy, anew],
  );
  const [written] = rows;
  if (!written) throw new Error('the ledger did not answer with the record that was noted');
  return written;
}

/** What another scope has noted by now stays. */
export async function forgetRecord(
  database: Queryable,
  scopeId: string,
  { zoneId, name, type }: Pick<RecordRow, 'zoneId' | 'name' | 'type'>,
): Promise<void> {
  await database.query('delete from dns_record where zone_id = $1 and name = $2 and type = $3 and scope_id = $4', [
    zoneId,
    name,
    type,
    scopeId,
  ]);
}

export async function recordsOfScope(database: Queryable, scopeId: string): Promise<RecordRow[]> {
  const { rows } = await database.query<RecordRow>(
    `select ${COLUMNS} from dns_record where scope_id = $1 order by zone_id, name, type`,
    [scopeId],
  );
  return rows;
}

/** Tells of records that were found whether they were made for the scope. */
export async function madeForScope(
  database: Queryable,
  scopeId: string,
): Promise<(found: Pick<RecordRow, 'zoneId' | 'name' | 'type'>) => boolean> {
  const made = (await recordsOfScope(database, scopeId)).filter(({ origin }) => origin === 'made');
  return ({ zoneId, name, type }) =>
    made.some((row) => row.zoneId === zoneId && row.name === name && row.type === type);
}
