import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson } from '../../contract/canonical.ts';
import type {
  IpImportReport,
  IpImportRow,
  IpPoolChange,
  IpPoolChangeInput,
  IpPoolChangeResult,
} from '../../contract/ip/change.ts';
import type {
  IpPoolCreationInput,
  IpPoolCreationResult,
  IpPoolDeletionInput,
  IpPoolDeletionResult,
} from '../../contract/ip/pool.ts';
import { workflowIds, workflowTypes } from '../../contract/names.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import {
  IMPORT_ROWS,
  ipPoolChangeInputSchema,
  ipPoolCreationInputSchema,
  ipPoolDeletionInputSchema,
} from '../../contract/schemas/ip.ts';
import { PoolConflict } from '../errors.ts';
import type { RunRequest, Runs, WaitOptions } from '../runs.ts';
import { differences } from '../same-input.ts';
import { checkedIp } from './check.ts';
import { type IpCallOptions, priorityOf, working } from './claims.ts';

/** Whose pool a change is of, and who asks. */
export type PoolOf = Pick<IpPoolChangeInput, 'owner' | 'name' | 'actor'>;

/** Making, changing and removing pools. Every method rejects with a `GroundworkError`. */
export class IpPools {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /** Makes a root or a child pool. Repeating it is harmless; with another spec it is a `PoolConflict`. */
  async create(request: IpPoolCreationInput, options: WaitOptions = {}): Promise<IpPoolCreationResult> {
    const input = checkedIp(ipPoolCreationInputSchema, request);
    const { owner, name } = input;
    const run = await this.#runs.startOrJoin<IpPoolCreationResult>(
      this.#run('ipPoolCreation', workflowIds.ipPoolCreation(owner, name), input, `Create pool ${owner}/${name}`),
      options,
    );
    if (run.joined) await this.#requireSame(run, ipPoolCreationInputSchema, input);
    return run.result(options);
  }

  /** Removes a pool that holds nothing. One that is not there is an answer: `deleted` is false. */
  async delete(request: IpPoolDeletionInput, options: WaitOptions = {}): Promise<IpPoolDeletionResult> {
    const input = checkedIp(ipPoolDeletionInputSchema, request);
    const { owner, name } = input;
    const run = await this.#runs.startOrJoin<IpPoolDeletionResult>(
      this.#run('ipPoolDeletion', workflowIds.ipPoolDeletion(owner, name), input, `Delete pool ${owner}/${name}`),
      options,
    );
    return run.result(options);
  }

  /** One change: settings and labels, reservations, grants, an import, or the free list made anew. */
  async change(pool: PoolOf, change: IpPoolChange, options: IpCallOptions = {}): Promise<IpPoolChangeResult> {
    const input = checkedIp(ipPoolChangeInputSchema, { ...pool, change }, IMPORT_ROWS);
    const { owner, name } = input;
    const id = workflowIds.ipPoolChange(owner, name, options.requestId ?? randomUUID());
    const run = await this.#runs.startOrJoin<IpPoolChangeResult>(
      this.#run('ipPoolChange', id, input, `Change pool ${owner}/${name}: ${change.kind}`),
      options,
    );
    return run.result(options);
  }

  /** Takes over blocks that are held elsewhere. A thousand conflicts are listed at most, each with its line. */
  async import(
    pool: PoolOf,
    rows: readonly IpImportRow[],
    options: IpCallOptions & { atomic?: boolean; dryRun?: boolean } = {},
  ): Promise<IpImportReport> {
    const { atomic, dryRun, ...call } = options;
    const result = await this.change(pool, { kind: 'import', rows: [...rows], atomic, dryRun }, call);
    return result.import as IpImportReport;
  }

  #run(
    type: 'ipPoolCreation' | 'ipPoolDeletion' | 'ipPoolChange',
    workflowId: string,
    input: { owner: string; name: string },
    summary: string,
  ): RunRequest {
    return {
      type: workflowTypes[type],
      workflowId,
      taskQueue: this.#taskQueue,
      input,
      summary: summary.slice(0, 200),
      searchAttributes: working(input.name),
      priority: priorityOf(input.owner),
    };
  }

  /** A creation that was joined must be of the same pool; who asked for it may differ. */
  async #requireSame<T extends { actor?: unknown; owner: string; name: string }>(
    run: { workflowId: string; runId: string },
    schema: z.ZodType<T>,
    yours: T,
  ): Promise<void> {
    const reading = readWith(schema, await this.#runs.inputOf(run.workflowId, run.runId));
    const pool = (input: T | undefined) => (input ? { ...input, actor: undefined } : undefined);
    const theirs = reading.ok ? reading.value : undefined;
    if (canonicalJson(pool(yours)) === canonicalJson(pool(theirs))) return;
    const found = differences(pool(yours), pool(theirs)).map(({ path }) => path);
    throw new PoolConflict(
      `pool ${yours.name} is being created with another spec (${found.join(', ')} differ). Use the same spec, or another name.`,
      { reason: 'SpecDiffers', paths: found },
    );
  }
}
