import type { ReclaimPolicy } from './claim.ts';
import type { AllocationRules, IpPool, IpPoolSpec, IpVisibility } from './pool.ts';

/** Changes of a pool: one kind each. */

/** What of a spec may change; any other field of it is refused by name. `retentionSeconds` null: kept for ever. */
export interface PoolSettings extends Omit<IpPoolSpec, 'allocation' | 'visibility' | 'retentionSeconds'> {
  allocation?: AllocationRules | undefined;
  visibility?: IpVisibility | undefined;
  retentionSeconds?: number | null | undefined;
}

/** Fields of a pool's spec that stay as they were made. */
export const immutablePoolFields = [
  'cidr',
  'ipFamily',
  'parentPoolRef',
  'prefixLength',
  'requestedCIDR',
  'allowOverlap',
  'reservations',
] as const satisfies readonly (keyof IpPoolSpec)[];

/** A block that is held elsewhere already. A row that cannot be read ends as `Malformed` with its line; it stops no other. */
export interface IpImportRow {
  namespace: string;
  name: string;
  cidr: string;
  /** Default: the pool's owner. Others need a grant. */
  owner?: string | undefined;
  reclaimPolicy?: ReclaimPolicy | undefined;
  ttlSeconds?: number | undefined;
  /** Line of the file it came from, for the report; default: the index in `rows`, from 1. */
  line?: number | undefined;
}

export type IpPoolChange =
  | { kind: 'settings'; spec?: PoolSettings | undefined; labels?: Record<string, string> | undefined }
  | { kind: 'reserve'; ranges: string[] }
  | { kind: 'unreserve'; ranges: string[] }
  | { kind: 'grant'; grantee: string }
  | { kind: 'revoke'; grantee: string }
  /** At most 5 000 rows. `atomic`: all or nothing. */
  | { kind: 'import'; rows: IpImportRow[]; atomic?: boolean | undefined; dryRun?: boolean | undefined }
  | { kind: 'rebuild' };

export type IpPoolChangeKind = IpPoolChange['kind'];

export interface IpPoolChangeInput {
  owner: string;
  actor?: string | undefined;
  name: string;
  change: IpPoolChange;
}

export const importConflictReasons = [
  'AddressTaken',
  'AddressReserved',
  'IdentityTaken',
  'OutsidePool',
  'OutOfBounds',
  'FamilyMismatch',
  'Malformed',
  'DuplicateInFile',
  'NotPermitted',
] as const;

export interface ImportConflict {
  line: number;
  reason: (typeof importConflictReasons)[number];
  message: string;
}

export interface IpImportReport {
  imported: number;
  unchanged: number;
  conflicts: number;
  /** The first 1 000 conflicts, by line. */
  conflictList: ImportConflict[];
  atomic: boolean;
  dryRun: boolean;
}

export interface IpPoolChangeResult {
  kind: IpPoolChangeKind;
  /** The pool after the change. */
  pool: IpPool;
  /** One line for each value that differs now: `old => new`. Empty when everything was so already. */
  changed: string[];
  import?: IpImportReport;
}
