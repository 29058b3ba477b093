import { type Command, InvalidArgumentError } from 'commander';
import type { Groundwork } from '../client.ts';
import { type Colors, colorsFor, type Io, writeJson, writeLines } from './io.ts';
import { sandboxNameProblem } from './sandbox-name.ts';

/** What every command shares. */

export interface Context {
  readonly io: Io;
  /** Sets the exit code of a command that ended without an exception. */
  exit(code: number): void;
}

export interface JsonOption {
  json?: boolean;
}

/** Adds `--json`, which every command has. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON document on stdout, and nothing else there');
}

/** Adds `--json` and `--name`, which every command about a sandbox has. */
export function withSandbox(command: Command): Command {
  return withJson(command).option('--name <name>', 'which sandbox', sandboxName, 'default');
}

function sandboxName(text: string): string {
  const problem = sandboxNameProblem(text);
  if (problem) throw new InvalidArgumentError(`It ${problem}.`);
  return text;
}

/** Writes a command's answer: for machines with `--json`, for people without. */
export function answer(io: Io, options: JsonOption, value: unknown, lines: (colors: Colors) => string[]): void {
  if (options.json) writeJson(io, value);
  else writeLines(io.stdout, lines(colorsFor(io.stdout, io.env)));
}

/** Connects, works, closes. The client is loaded here, so that commands without it start at once. */
export async function withGroundwork<T>(work: (groundwork: Groundwork) => Promise<T>): Promise<T> {
  const { connectGroundwork } = await import('../client.ts');
  const groundwork = await connectGroundwork();
  try {
    return await work(groundwork);
  } finally {
    await groundwork.close();
  }
}

/** Reads a positive number, for commander. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

const YEAR_SECONDS = 31_536_000;

/** Reads for how long to wait, in seconds, for commander: so long that the end of it is a time. */
export function waitingSeconds(text: string): number {
  const value = positiveNumber(text);
  if (value > YEAR_SECONDS) throw new InvalidArgumentError(`It must be at most ${YEAR_SECONDS}, a year.`);
  return value;
}

export function positiveWhole(text: string): number {
  const value = positiveNumber(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a positive whole number.');
  return value;
}

/** Reads zero or a positive whole number. */
export function nonNegativeWhole(text: string): number {
  return text.trim() === '0' ? 0 : positiveWhole(text);
}

/** Collects an option that may be repeated. */
export function repeated(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
