import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failing.ts';

/** `groundwork demo`: the same as `npm run demo`. Answers the exit code. */
export async function demo(names: readonly string[], options: { json?: boolean; keep?: boolean }): Promise<number> {
  const [{ pickChapters }, { runDemo }] = await Promise.all([
    import('../../../sandbox/demo/chapter.ts'),
    import('../../../sandbox/demo/run.ts'),
  ]);
  const picked = pickChapters(names);
  if ('problem' in picked) throw new UsageError(picked.problem);
  const { ok } = await runDemo({ ...options, ...picked });
  return ok ? exitCodes.done : exitCodes.unexpected;
}
