import type { Output } from '../../starter/cli/io.ts';
import { type Chapter, type ChapterName, chapterNames, type Stage } from './chapter.ts';
import { Checks } from './checks.ts';
import { Narrator } from './narrator.ts';
import { forgetOwnServers, TIME_SCALE } from './settings.ts';
import type { BareStage, Closing } from './stage.ts';
import { type Table, tableLines, tableObjects } from './table.ts';
import { keepUntilSignal, tellEnd, tellStart } from './telling.ts';

export interface DemoOptions {
  /** One JSON document on stdout in the end; the account goes to stderr. */
  readonly json?: boolean;
  /** Where the account goes. Default stdout, with `json` stderr. */
  readonly out?: Output;
  /** Leave everything running at the end until Ctrl-C. */
  readonly keep?: boolean;
  /** Default all. */
  readonly chapters?: readonly ChapterName[];
}

interface Played {
  /** Whether every scene came to its end. */
  readonly complete: boolean;
  readonly chapter: string;
  readonly table: Table;
}

/**
 * Boots the sandbox and a worker, plays the chapters and takes everything down. `ok` means that all started and every claim
 * held. Failures are told, not thrown; a signal takes everything down and ends the process.
 */
export async function runDemo(options: DemoOptions = {}): Promise<{ ok: boolean }> {
  const narrator = new Narrator(options.out ?? (options.json ? process.stderr : process.stdout));
  const checks = new Checks(narrator);
  narrator.title('Groundwork demo');
  for (const name of forgetOwnServers(process.env)) narrator.note(`${name} is set; the demo uses a server of its own.`);
  // A second of imports, while the first lines are read.
  const [{ setUpStage, takeDown }, { setting }, { chapters }, { stopOnSignals }] = await Promise.all([
    import('./stage.ts'),
    import('./chapters/setting.ts'),
    import('./chapters/index.ts'),
    import('../processes/signals.ts'),
  ]);
  const closing: Closing = [];
  let interrupted = false;
  const unregister = stopOnSignals(async () => {
    interrupted = true;
    narrator.board([]);
    narrator.note('Stopping everything ...');
    narrator.mute();
    await takeDown(closing);
  });
  const milestones = new Map<string, number>();
  const milestone = (what: string) => {
    if (!milestones.has(what)) milestones.set(what, performance.now() / 1000);
  };
  const played: Played[] = [];
  let begun: BareStage | undefined;
  let calm = false; // no scene was left with calls under way
  try {
    begun = await tellStart(narrator, (report) => setUpStage(setting, report, closing));
    const stage: Stage = { ...begun, narrator, checks, milestone };
    for (const name of options.chapters ?? chapterNames)
      played.push(await play(chapters[name](), stage, begun.worker.ended));
    calm = played.every(({ complete }) => complete);
    tellEnd(narrator, checks, begun, milestones.get('first scope created'));
    if (options.keep && !interrupted) {
      unregister();
      await keepUntilSignal(narrator, begun);
    }
  } catch (error) {
    narrator.lines(['', `${narrator.colors.red('The demo cannot be played:')} ${wordsOf(error)}`]);
    checks.claims.push({ text: 'the demo can be played', ok: false, found: wordsOf(error) });
  }
  if (interrupted) return new Promise(() => {}); // the signal's handler ends the process
  narrator.note('Stopping everything ...');
  if (calm) await begun?.disconnect();
  else narrator.mute();
  for (const error of await takeDown(closing)) {
    narrator.lines([`${narrator.colors.red('Not stopped cleanly:')} ${error.message}`]);
    checks.claims.push({ text: 'everything stops', ok: false, found: error.message });
  }
  unregister();
  if (options.json) {
    const document = {
      ok: checks.ok,
      timeScale: TIME_SCALE,
      secondsTo: Object.fromEntries(milestones),
      ...(begun ? { sources: begun.sandbox.sources, addresses: begun.sandbox.addresses } : {}),
      chapters: played.map(({ chapter, table }) => ({ chapter, table: tableObjects(table) })),
      claims: checks.claims,
    };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  if (!calm) endSoon();
  return { ok: checks.ok };
}

/** A scene that breaks off is a claim that does not hold; the next one is played all the same. Throws when the worker is gone. */
async function play(chapter: Chapter, stage: Stage, workerEnded: Promise<string>): Promise<Played> {
  const { narrator, checks } = stage;
  narrator.heading(chapter.title);
  narrator.say(chapter.about);
  let complete = true;
  for (const scene of chapter.scenes) {
    narrator.heading(scene.title);
    narrator.say(scene.about);
    narrator.lines(['']);
    const gone = workerEnded.then((words) => Promise.reject(new Error(words)));
    const failure = await Promise.race([scene.play(stage).then(() => undefined, wordsOf), gone]);
    narrator.board([]);
    if (failure === undefined) continue;
    complete = false;
    await checks.claim(`"${scene.title}" can be played to its end`, () => failure);
  }
  const table = await chapter.table(stage);
  narrator.heading('What came out');
  narrator.lines(tableLines(table, narrator.tableWidth, narrator.colors));
  return { chapter: chapter.title, table, complete };
}

/** Calls to Temporal that a broken scene left would keep the process for minutes. */
function endSoon(): void {
  setTimeout(() => process.exit(1), 2_000).unref();
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
