import type { Groundwork } from '../../starter/client.ts';
import type { AwsSeed } from '../aws/seed-schema.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Checks } from './checks.ts';
import type { Narrator } from './narrator.ts';
import type { Reality } from './reality.ts';
import type { Table } from './table.ts';

/** What every scene plays on: everything runs, and is reached as a user of Groundwork reaches it. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly groundwork: Groundwork;
  readonly reality: Reality;
  readonly narrator: Narrator;
  readonly checks: Checks;
  /** Notes when something happened for the first time. */
  milestone(what: string): void;
  /** The page of a run in the Temporal UI, of the newest one of that id without `runId`. */
  link(workflowId: string, runId?: string): string;
}

/** One act with its claims. */
export interface Scene {
  readonly title: string;
  /** What is about to happen and what to look for, as a paragraph. */
  readonly about: string;
  play(stage: Stage): Promise<void>;
}

/** The region and the settings of the worker that chapters play with. */
export interface Setting {
  readonly region: string;
  readonly seed: AwsSeed;
  /** Ids of the hosted zones in `seed`. */
  readonly zones: readonly string[];
  /** `GROUNDWORK_` settings of the worker. */
  readonly worker: Readonly<Record<string, string>>;
}

/** One for each room, in the order in which they are played. */
export const chapterNames = ['scope', 'deployment', 'ip', 'workshop'] as const;

export type ChapterName = (typeof chapterNames)[number];

/** A capability shown from its first request to a table of what came out. */
export interface Chapter {
  readonly title: string;
  readonly about: string;
  readonly scenes: readonly Scene[];
  /** What came out, read when all scenes are over. */
  table(stage: Stage): Promise<Table>;
}

/** The chapters of these names, all for none; or what is wrong. */
export function pickChapters(names: readonly string[]): { chapters: readonly ChapterName[] } | { problem: string } {
  if (names.length === 0) return { chapters: chapterNames };
  const unknown = names.find((name) => !(chapterNames as readonly string[]).includes(name));
  if (unknown !== undefined)
    return { problem: `there is no chapter ${unknown}; the chapters are ${chapterNames.join(', ')}` };
  return { chapters: chapterNames.filter((name) => names.includes(name)) };
}
