import { TypedSearchAttributes } from '@temporalio/common';
import { taskQueues, workflowIds, workflowTypes } from '../contract/names.ts';
import type {
  BalancerEntry,
  DriftReport,
  InventoryInput,
  InventoryPage,
  RetirementResult,
} from '../contract/scope/retirement.ts';
import { requireWorkers } from './answers.ts';
import type { RunHandle, Runs, WaitOptions } from './runs.ts';

/** How long a read may take when the caller does not say. */
const READ_MS = 30_000;

/** The balancers that the ledger knows. What is asked goes through a worker. Every method rejects with a `GroundworkError`. */
export class Balancers {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /** All balancers in the order in which they were first seen, with the load that was observed last; no call to AWS is made. */
  async list(options: WaitOptions & { withRetired?: boolean } = {}): Promise<BalancerEntry[]> {
    const found: BalancerEntry[] = [];
    for (let page: string | undefined; ; ) {
      const input: InventoryInput = { what: 'balancers', ...(page === undefined ? {} : { page }) };
      const answer: InventoryPage = await this.#read<InventoryPage>(input, options);
      found.push(...answer.balancers.filter(({ state }) => options.withRetired === true || state !== 'retired'));
      page = answer.next;
      if (page === undefined) return found;
    }
  }

  /** Deviations from the ledger that the last retirement run found. */
  drift(options: WaitOptions = {}): Promise<DriftReport> {
    return this.#read<DriftReport>({ what: 'drift' }, options);
  }

  /** Retires what is due now instead of at the Schedule's next time, and compares anew. Joins a run that was started so before. */
  startRetirement(options: WaitOptions = {}): Promise<RunHandle<RetirementResult>> {
    return this.#runs.startOrJoin<RetirementResult>(
      {
        type: workflowTypes.balancerRetirement,
        workflowId: this.#idOf(workflowIds.balancerRetirement()),
        taskQueue: this.#taskQueue,
        summary: 'Retire idle balancers, undo what ended runs left, report drift',
        searchAttributes: new TypedSearchAttributes([]),
      },
      options,
    );
  }

  async retire(options: WaitOptions = {}): Promise<RetirementResult> {
    return (await this.startRetirement(options)).result(options);
  }

  async #read<Answer>(input: InventoryInput, options: WaitOptions): Promise<Answer> {
    await requireWorkers(this.#runs, this.#taskQueue);
    const wait = { deadline: READ_MS, ...options };
    const run = await this.#runs.startOrJoin<Answer>(
      {
        type: workflowTypes.balancerInventory,
        workflowId: this.#idOf(workflowIds.balancerInventory(`${input.what}/${input.page ?? '0'}`)),
        taskQueue: this.#taskQueue,
        input,
        summary: input.what === 'drift' ? 'Read the drift report' : 'Read the balancers of the ledger',
        searchAttributes: new TypedSearchAttributes([]),
      },
      wait,
    );
    return run.result(wait);
  }

  /** Two installations in one namespace do not join each other's runs. */
  #idOf(id: string): string {
    return this.#taskQueue === taskQueues.scopes ? id : `${this.#taskQueue}/${id}`;
  }
}
