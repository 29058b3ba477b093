import type { OperationResult } from '../../contract/workshop/status.ts';
import type { Database } from '../postgres/database.ts';

/** One operation of an autoscaler, for the record. Times are ISO 8601. */
export interface OperationRecord {
  operationId: string;
  cluster: string;
  namespace: string;
  provision: string;
  uid: string;
  fromCount: number;
  targetCount: number;
  startedAt: string;
  workflowId: string;
  /** Absent while the operation is under way. */
  end?: { at: string; result: OperationResult; reason: string };
}

/**
 * Writes the row of an operation, or brings it up to date. Twice is harmless: the row says the same; an end that is known is
 * never taken back by a late "under way".
 */
export async function recordOperation(database: Database, record: OperationRecord): Promise<void> {
  const { end } = record;
  await database.query(
    `insert into workshop_operation (operation_id, cluster, namespace, provision, uid, from_count, target_count, started_at, workflow_id,
                                     ended_at, result, reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (cluster, namespace, uid, operation_id) do update set
       target_count = excluded.target_count, workflow_id = excluded.workflow_id,
       ended_at = coalesce(excluded.ended_at, workshop_operation.ended_at),
       result = coalesce(excluded.result, workshop_operation.result),
       reason = coalesce(excluded.reason, workshop_operation.reason)`,
    [
      record.operationId,
      record.cluster,
      record.namespace,
      record.provision,
      record.uid,
      record.fromCount,
      record.targetCount,
      record.startedAt,
      record.workflowId,
      end?.at ?? null,
      end?.result ?? null,
      end?.reason ?? null,
    ],
  );
}
