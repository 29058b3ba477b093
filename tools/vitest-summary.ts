import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Environment variable that names the file to write. */
export const SUMMARY_FILE = 'VITEST_SUMMARY_FILE';

export interface Summary {
  passed: number;
  failed: number;
  /** Full names of tests that did not run. */
  skipped: string[];
  /** Files that could not be loaded or set up, and errors outside of any test. */
  errors: number;
}

/** Reporter of vitest that tells each failure at once, and leaves the counts for tools/test.ts. */
export default class SummaryReporter implements Reporter {
  /** vitest's own report comes after the last test, and never of a run that is ended before. */
  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'failed') return;
    for (const { message, diff } of result.errors)
      console.log(`failed just now: ${test.module.relativeModuleId} > ${test.fullName}: ${message}\n${diff ?? ''}`);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env[SUMMARY_FILE];
    if (file === undefined) return;
    const summary: Summary = { passed: 0, failed: 0, skipped: [], errors: unhandled.length };
    for (const module of modules) {
      summary.errors += module.errors().length;
      for (const suite of module.children.allSuites()) summary.errors += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed') summary[state] += 1;
        else summary.skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
      }
    }
    writeFileSync(file, JSON.stringify(summary));
  }
}
