import { NEWEST_TESTED, OLDEST_SERVER, ServerTooOld } from '../migrations/migrate.ts';
import type { Trouble } from './findings.ts';

/** What kind of trouble an error of the PostgreSQL client is, in words, and what to do. */
export function databaseTrouble(error: unknown): { trouble: Trouble; message: string; remedy: string } {
  const { code = '', message } = innermost(error);
  if (code.startsWith('28') || code === '42501')
    return {
      trouble: 'forbidden',
      message,
      remedy: 'Check user and password in DATABASE_URL, and the rights of the user.',
    };
  if (code === 'ERR_INVALID_URL')
    return {
      trouble: 'usage',
      message: 'DATABASE_URL is no URL',
      remedy: 'Write special characters of a password as %23 and the like.',
    };
  if (code === '3D000')
    return { trouble: 'notFound', message, remedy: 'Create the database, or correct DATABASE_URL.' };
  if (error instanceof ServerTooOld)
    return { trouble: 'conflict', message, remedy: `Use PostgreSQL ${OLDEST_SERVER} to ${NEWEST_TESTED}.` };
  if (/^SASL/.test(message))
    return { trouble: 'forbidden', message, remedy: 'Check user and password in DATABASE_URL.' };
  if (/SSL connections/.test(message)) return { trouble: 'usage', message, remedy: 'Correct sslmode in DATABASE_URL.' };
  // SQLSTATEs, which no code of the operating system (EPIPE) looks like.
  if (/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) && !/^(08|53|57)/.test(code))
    return { trouble: 'unexpected', message: `${message} (${code})`, remedy: 'Look at the log of PostgreSQL.' };
  const words = message === '' ? code : message;
  return { trouble: 'unavailable', message: words, remedy: 'Start PostgreSQL, or correct DATABASE_URL.' };
}

/** An address with several addresses of its own fails with an AggregateError without words. */
function innermost(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  if (error instanceof Error) return error;
  return { message: String(error) };
}
