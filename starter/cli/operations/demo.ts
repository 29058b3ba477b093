import { exitCodes } from '../exit-codes.ts';

/** `groundwork demo`: the same as `npm run demo`. Answers the exit code. */
export async function demo(options: { json?: boolean; keep?: boolean }): Promise<number> {
  const { runDemo } = await import('../../../sandbox/demo/run.ts');
  const { ok } = await runDemo(options);
  return ok ? exitCodes.done : exitCodes.unexpected;
}
