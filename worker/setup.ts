import { Client, type ConnectionLike } from '@temporalio/client';
import { searchAttributeNames } from '../contract/names.ts';
import { migrate } from '../migrations/migrate.ts';
import { databaseTrouble } from './database-trouble.ts';
import { SetupError } from './findings.ts';
import { temporalTrouble } from './temporal-trouble.ts';

/** What an installation needs before its first run. Everything here is harmless to repeat, also at the same time. */

/** Brings the ledger's schema up to date. Throws `SetupError`. */
export async function setUpDatabase(url: string): Promise<{ applied: string[] }> {
  try {
    return await migrate(url);
  } catch (error) {
    const { trouble, message, remedy } = databaseTrouble(error);
    throw new SetupError(trouble, `PostgreSQL: ${message}. ${remedy}`, { cause: error });
  }
}

export interface SearchAttributesReport {
  added: string[];
  present: string[];
}

/** The value of `INDEXED_VALUE_TYPE_KEYWORD` in Temporal's API. */
export const KEYWORD = 2;

const CALL_MS = 15_000;

/** Registers the search attributes that are missing in the namespace. Throws `SetupError`. */
export async function setUpSearchAttributes(
  connection: ConnectionLike,
  namespace: string,
): Promise<SearchAttributesReport> {
  const client = new Client({ connection, namespace });
  try {
    return await client.withDeadline(Date.now() + CALL_MS, () => register(connection, namespace));
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const { trouble, message } = temporalTrouble(error);
    const remedy =
      trouble === 'forbidden'
        ? ` Register these Keyword attributes by hand: ${searchAttributeNames.join(', ')}.`
        : ' Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.';
    throw new SetupError(trouble, `Temporal: ${message}.${remedy}`, { cause: error });
  }
}

async function register(connection: ConnectionLike, namespace: string): Promise<SearchAttributesReport> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length > 0) {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    try {
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Somebody else may have been faster: what counts is that they are there.
      if ((await missingSearchAttributes(connection, namespace)).length > 0) throw error;
    }
  }
  return { added: missing, present: searchAttributeNames.filter((name) => !missing.includes(name)) };
}

/** Names of ours that the namespace does not have. Throws `SetupError` when one is there with another type. */
export async function missingSearchAttributes(connection: ConnectionLike, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const present = customAttributes ?? {};
  const wrong = searchAttributeNames.filter((name) => Object.hasOwn(present, name) && present[name] !== KEYWORD);
  if (wrong.length > 0) {
    throw new SetupError(
      'conflict',
      `Temporal: search attribute ${wrong.join(', ')} of namespace ${namespace} is not a Keyword. Remove it, or use another namespace.`,
    );
  }
  return searchAttributeNames.filter((name) => !Object.hasOwn(present, name));
}
