import { GroundworkError, InvalidInput } from '../errors.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { colorsFor, type Io, writeJson } from './io.ts';

/** How a command ends that did not succeed: one line for each thing that is wrong, never a stack. */

/** The command was called wrongly. */
export class UsageError extends Error {}

/** What the command would start runs already, in another process. */
export class AlreadyRunning extends Error {}

/** Ctrl-C while something was watched. */
export class Interrupted extends Error {}

/** Says what is wrong and answers the exit code. With `json` the failure is the one document on stdout, too. */
export function reportFailure(io: Io, error: unknown, json: boolean): number {
  const { type, lines, code, details } = describe(error);
  const colors = colorsFor(io.stderr, io.env);
  for (const line of lines) io.stderr.write(`${colors.red('groundwork:')} ${line}\n`);
  if (json) writeJson(io, { error: { type, message: lines.join('\n'), ...(details ? { details } : {}) } });
  return code;
}

function describe(error: unknown): { type: string; lines: string[]; code: number; details?: object } {
  if (error instanceof UsageError) return { type: 'Usage', lines: [error.message], code: exitCodes.usage };
  if (error instanceof AlreadyRunning)
    return { type: 'AlreadyRunning', lines: [error.message], code: exitCodes.conflict };
  if (error instanceof Interrupted) return { type: 'Interrupted', lines: [error.message], code: exitCodes.interrupted };
  if (error instanceof InvalidInput && error.fields.length > 0) {
    const lines = error.fields.map(({ path, message }) => oneLine(`${path === '' ? 'input' : path}: ${message}`));
    return { type: error.type, lines, code: exitCodeOf(error.type), details: error.details };
  }
  if (error instanceof GroundworkError) {
    const line = oneLine(`${error.type}: ${error.message}`);
    return { type: error.type, lines: [line], code: exitCodeOf(error.type), details: error.details };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    type: 'Unexpected',
    lines: message.split('\n').filter((line) => line.trim() !== ''),
    code: exitCodes.unexpected,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
