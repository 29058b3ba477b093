import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Io } from '../io.ts';
import { shellWord } from '../shell-word.ts';

/**
 * `groundwork` as a plain command of the terminals that took a sandbox's environment: `npx` would cost each call a second.
 * The file is in the run folder of the sandbox and goes with it.
 */

/** Where it is, of the sandbox `name`. */
export async function commandFolder(name: string): Promise<string> {
  const { runFolder } = await import('../../../sandbox/record.ts');
  return join(runFolder(name), 'bin');
}

/** What starts this program: of a checkout or package its bin.js, else the compiled program itself. */
const PROGRAMS = ['../bin.js', '../../../../starter/cli/bin.js', '../main.js'];

/** Writes it, for the program and the Node that run now. */
export async function offerCommand(folder: string): Promise<void> {
  const program = PROGRAMS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find(existsSync);
  if (program === undefined) return;
  await mkdir(folder, { recursive: true });
  const lines = ['#!/bin/sh', `exec ${shellWord(process.execPath)} ${shellWord(program)} "$@"`, ''];
  await writeFile(join(folder, 'groundwork'), lines.join('\n'), { mode: 0o755 });
}

/** The line that lets a shell find the command; none when there is no command or the shell finds it already. */
export function pathLines(folder: string, env: Io['env']): string[] {
  if (!existsSync(join(folder, 'groundwork')) || env.PATH?.split(delimiter).includes(folder)) return [];
  return [`export PATH=${shellWord(folder)}:"$PATH"`];
}
