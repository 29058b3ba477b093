/** A database call that failed for a passing reason: the connection, a lock, a deadline, a restart. */
export class DatabaseCallError extends Error {
  override readonly name = 'DatabaseCallError';
  /** SQLSTATE, or the system's error code. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const PASSING: Record<string, string> = {
  '40001': 'the transaction met a concurrent one',
  '40P01': 'the transaction met a deadlock',
  '55P03': 'a lock was not free in time',
  '57014': 'the statement took too long',
  '57P01': 'the server is shutting down',
  '57P02': 'the server crashed and restarts',
  '57P03': 'the server is starting',
  '53300': 'the server has no free connection',
};

/** SQLSTATE class 22: a value that PostgreSQL does not take, today or tomorrow. Undefined: another error. */
export function refusedValue(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code) ? code : undefined;
}

/** The passing failure behind an error of `pg`, or undefined when it is none. Driver text stays out of the message. */
export function databaseError(error: unknown): DatabaseCallError | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as { code?: string }).code ?? '';
  if (PASSING[code]) return new DatabaseCallError(code, `PostgreSQL: ${PASSING[code]} (${code})`);
  if (code.startsWith('08') || /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOST)/.test(code)) {
    return new DatabaseCallError(code, `PostgreSQL cannot be reached (${code})`);
  }
  if (
    /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
      error.message,
    )
  ) {
    return new DatabaseCallError('connection', 'PostgreSQL: the connection was lost');
  }
  return undefined;
}
