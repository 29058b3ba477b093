import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { elapsed, type Report } from './progress.ts';

const REPORT_EVERY_MS = 15_000;

export interface GoBuild {
  /** For the progress lines: "Temporal CLI 1.8.2". */
  readonly label: string;
  /** How many packages a build from nothing compiles, for the progress lines. */
  readonly packages: number;
  /** Holds go.mod and go.sum; nothing is written there. */
  readonly module: string;
  /** The package to build: `.` or an import path that the module requires. */
  readonly package: string;
  readonly output: string;
  readonly ldflags: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Builds a program with the `go` on PATH. Every module is verified against go.sum, and a go.mod that would have to change
 * fails the build. Throws with the last lines of the compiler when it fails, and says so when there is no Go.
 */
export async function buildWithGo(build: GoBuild, report: Report): Promise<void> {
  const started = Date.now();
  const env = { ...(build.env ?? process.env), GOWORK: 'off', GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' };
  const args = ['build', '-v', '-trimpath', '-ldflags', build.ldflags, '-o', build.output, build.package];
  const go = spawn('go', args, { cwd: build.module, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const tail: string[] = [];
  let packages = 0;
  let modules = 0;
  createInterface({ input: go.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading')) modules += 1;
    else if (/^[\w.~/-]+$/.test(line)) packages += 1;
    else tail.push(line);
    if (tail.length > 20) tail.shift();
  });
  const progress = () =>
    report(
      `${build.label}: building, ${elapsed(Date.now() - started)}: ${modules} modules, ${packages} of ${build.packages} packages`,
    );
  const timer = setInterval(progress, REPORT_EVERY_MS);
  const stopWithUs = () => go.kill();
  process.once('exit', stopWithUs);
  try {
    await once(go, 'spawn');
    report(`${build.label}: building with Go, once; this takes minutes`);
    const [code, signal] = (await once(go, 'close')) as [number | null, NodeJS.Signals | null];
    if (code !== 0) throw new Error(`go build ended with ${signal ?? `exit code ${code}`}:\n${tail.join('\n')}`);
    progress();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('there is no `go` on PATH');
    throw error;
  } finally {
    clearInterval(timer);
    process.off('exit', stopWithUs);
  }
}
