// `npm test`: the checks, then every test, then one line with the counts. `--fast` takes the quick checks and the tests
// that need no server. Any other arguments go to vitest as they are, and then nothing else runs:
//   npm test -- test/domain/scope -t 'fullest'
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runChecks } from './checks.ts';
import { EVERY_TEST, vitest } from './vitest.ts';
import { SUMMARY_FILE, type Summary } from './vitest-summary.ts';

interface Outcome {
  passed: number;
  failed: number;
}

const fast = process.argv.includes('--fast');
const forVitest = process.argv.slice(2).filter((argument) => argument !== '--fast');
const chosen = forVitest.length > 0;

const checks = chosen ? { passed: 0, failed: 0 } : await runChecks({ fastOnly: fast });
const tests = await runVitest([...(fast ? ['--project', 'unit'] : []), ...forVitest]);
const failed = checks.failed + tests.failed;
console.log(`${checks.passed + tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function runVitest(argv: readonly string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-summary-'));
  const file = join(folder, 'summary.json');
  try {
    const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'tools/vitest-summary.ts')}`];
    const code = await vitest(['run', ...reporters, ...argv], {
      [SUMMARY_FILE]: file,
      [EVERY_TEST]: fast || chosen ? '' : 'yes',
    });
    return outcomeOf(await readSummary(file), code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function outcomeOf(summary: Summary | undefined, code: number): Outcome {
  // Nothing to read: vitest has said on the terminal why it could not even begin.
  if (summary === undefined) return { passed: 0, failed: 1 };
  const { passed, skipped } = summary;
  // A skipped test proves nothing; only who picks tests by hand may leave some out.
  const left = chosen ? [] : skipped;
  for (const name of left) console.log(`skipped, which counts as failed: ${name}`);
  const failed = summary.failed + summary.errors + left.length;
  if (passed + failed === 0) console.log('No test ran, which counts as failed.');
  return { passed, failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed };
}

async function readSummary(file: string): Promise<Summary | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Summary;
  } catch {
    return undefined;
  }
}
