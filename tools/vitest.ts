import { spawn } from 'node:child_process';
import { command, ROOT } from './checks.ts';

/** Environment variable that, when not empty, makes one project of all tests; see vitest.config.ts. */
export const EVERY_TEST = 'VITEST_EVERY_TEST';

/** Runs vitest and answers its exit code. Ctrl-C reaches it directly; we wait until it has stopped what it started. */
export function vitest(argv: readonly string[], added: Readonly<Record<string, string>>): Promise<number> {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command('vitest', 'vitest'), ...argv], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...added },
    });
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
}
