import type {
  ImportConflict,
  IpImportReport,
  IpPoolChangeInput,
  IpPoolChangeResult,
} from '../../contract/ip/change.ts';
import { IMPORT_ROWS, ipPoolChangeInputSchema } from '../../contract/schemas/ip.ts';
import { checkImport, type ImportRow } from '../../domain/ip/import.ts';
import { beat, beating, heartbeatDetails } from '../signal.ts';
import { call } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { type Detail, refusal } from './refusals.ts';
import { failed, parsed, type WithWaiters } from './release.ts';
import { ownPoolView } from './views.ts';

/** Taking over blocks that are held elsewhere. */

/** Rows of one transaction. */
const CHUNK = 200;

/** Conflicts that a report lists. */
const MOST_LISTED = 1000;

/** The one reason that is no conflict but a bug: nobody holds the block, and it is not free. */
const DRIFT: string = 'Drift';

interface ImportAnswer {
  status: 'imported' | 'unchanged' | 'conflict' | 'skipped' | 'not_found';
  line: number | null;
  reason: ImportConflict['reason'] | null;
  detail: Detail | null;
}

/** Where an attempt stands: rows done, and what came of them. */
interface Progress {
  done: number;
  report: IpImportReport;
}

/**
 * Imports rows, a few hundred in a transaction. Running it twice is harmless: rows that are there already are `unchanged`, and so
 * are those that the same `run` imported or found there and that have been released since. A new attempt goes on after the last chunk that was
 * reported.
 */
export async function importClaims(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<WithWaiters<IpPoolChangeResult>> {
  const { owner, actor, name, change } = parsed(deps, ipPoolChangeInputSchema, input, IMPORT_ROWS);
  const { rows, atomic = false, dryRun = false } = change as Extract<IpPoolChangeInput['change'], { kind: 'import' }>;
  deps.metrics?.attempt('import', undefined);
  const checked = checkImport(rows, { owner, name });
  let { done, report } = heartbeatDetails<Progress>() ?? { done: 0, report: begun(checked.conflicts, atomic, dryRun) };
  const chunk = atomic ? Math.max(1, checked.rows.length) : CHUNK;
  // An import that is all or nothing and has a wrong row already imports nothing.
  const goes = !(atomic && checked.conflicts.length > 0);
  while (goes && done < checked.rows.length) {
    const some = checked.rows.slice(done, done + chunk);
    const importing = () => importChunk(deps, { owner, name, rows: some, atomic, dryRun, actor, run });
    const before: Progress = { done, report };
    report = added(report, await beating(importing, () => before));
    done += some.length;
    beat({ done, report } satisfies Progress);
  }
  const changed = report.imported > 0 && !dryRun ? [`${report.imported} blocks: free => claimed`] : [];
  const result = { kind: 'import' as const, pool: await ownPoolView(deps, owner, name), changed };
  return { result: { ...result, import: report }, waiters: [] };
}

interface Chunk {
  owner: string;
  name: string;
  rows: readonly ImportRow[];
  atomic: boolean;
  dryRun: boolean;
  actor: string | undefined;
  run: string;
}

async function importChunk(deps: IpDependencies, chunk: Chunk): Promise<ImportAnswer[]> {
  const { owner, name, rows, atomic, dryRun, actor, run } = chunk;
  const args = [owner, name, JSON.stringify(rows), atomic, dryRun, actor ?? null, run];
  const answers = await call<ImportAnswer>(deps, 'ipam_import', args, deps.patientDatabase);
  const [first] = answers;
  const asked = { subject: `pool ${name}`, owner };
  if (first && first.line === null) throw failed(deps, refusal(first.status, first.detail ?? {}, asked));
  const drifted = answers.find(({ reason }) => reason === DRIFT);
  if (drifted) throw failed(deps, refusal('drift', { line: drifted.line }, asked));
  return answers;
}

function begun(conflicts: readonly ImportConflict[], atomic: boolean, dryRun: boolean): IpImportReport {
  return { imported: 0, unchanged: 0, conflicts: conflicts.length, conflictList: listed(conflicts), atomic, dryRun };
}

function added(report: IpImportReport, answers: readonly ImportAnswer[]): IpImportReport {
  const count = (status: string) => answers.filter((answer) => answer.status === status).length;
  const conflicts = answers.flatMap((answer) => (answer.status === 'conflict' ? [conflictOf(answer)] : []));
  return {
    ...report,
    imported: report.imported + count('imported'),
    unchanged: report.unchanged + count('unchanged'),
    conflicts: report.conflicts + conflicts.length,
    conflictList: listed([...report.conflictList, ...conflicts]),
  };
}

/** The first of them by line, whatever found them: those of the file itself are known before any of the pool. */
function listed(conflicts: readonly ImportConflict[]): ImportConflict[] {
  return [...conflicts].sort((a, b) => a.line - b.line).slice(0, MOST_LISTED);
}

function conflictOf({ line, reason, detail }: ImportAnswer): ImportConflict {
  const given = reason ?? 'Malformed';
  const holder = (detail?.holder ?? {}) as Record<string, string | undefined>;
  const by = holder.cidr
    ? ` by ${[holder.owner, holder.namespace, holder.name].filter(Boolean).join('/')} (${holder.cidr})`
    : '';
  return { line: line ?? 0, reason: given, message: `${words[given]}${by}` };
}

const words: Readonly<Record<ImportConflict['reason'], string>> = {
  AddressTaken: 'the block is held',
  AddressReserved: 'the block is reserved',
  IdentityTaken: 'the claim of that name holds another block',
  OutsidePool: 'the block is outside of the pool',
  OutOfBounds: 'the pool does not give blocks of that length',
  FamilyMismatch: 'the block is of another family than the pool',
  Malformed: 'the row cannot be read',
  DuplicateInFile: 'an earlier row has the same name or an overlapping block',
  NotPermitted: 'the owner has no grant for the pool',
};
