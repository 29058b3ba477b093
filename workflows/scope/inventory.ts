import { setCurrentDetails } from '@temporalio/workflow';
import type { DriftReport, InventoryInput, InventoryPage } from '../../contract/scope/retirement.ts';
import { asRunFailure } from '../failures.ts';
import { local } from './activities.ts';

/** Answers what the ledger holds, for callers that have no way to the database: one read, no effect. */
export async function balancerInventory(input: InventoryInput): Promise<InventoryPage | DriftReport> {
  try {
    setCurrentDetails(input?.what === 'drift' ? 'Reads the drift report' : 'Reads a page of balancers');
    return await local.readInventory({ input });
  } catch (error) {
    throw asRunFailure(error);
  }
}
