import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Take longest, so they begin first. */
const LONGEST = ['test/end-to-end/demo.test.ts', 'test/end-to-end/readme.test.ts'];

/** Keep the processors busy for minutes. */
const BUSY = ['test/workflows/', 'test/faults/', 'test/sandbox/processes/'];

/** Wait for balancers, for servers that come back and for programs that they start: among the busy ones no processor is idle. */
const WAITING = ['test/workflows/scope/', 'test/faults/scope/', 'test/end-to-end/'];

/**
 * Order of the test files of a run, the same on every machine: by the lists above, then by name. The short ones come
 * last, or one worker waits for another at the end.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    let left = files;
    const take = (paths: readonly string[]) => {
      const taken = paths.flatMap((path) => left.filter(isIn(path)).toSorted(byName));
      left = left.filter((file) => !taken.includes(file));
      return taken;
    };
    const longest = take(LONGEST);
    const waiting = take(WAITING);
    return [...dealtOut(waiting, [...longest, ...take(BUSY)]), ...left.toSorted(byName)];
  }
}

const isIn =
  (path: string) =>
  ({ moduleId }: TestSpecification) =>
    moduleId.includes(`/${path}`);

const byName = (a: TestSpecification, b: TestSpecification) => a.moduleId.localeCompare(b.moduleId);

/** `some` in equal distances among `others`; both keep their order. */
function dealtOut<T>(some: readonly T[], others: readonly T[]): T[] {
  const placed = (list: readonly T[]) => list.map((one, at) => ({ one, place: (at + 0.5) / list.length }));
  return [...placed(some), ...placed(others)].sort((a, b) => a.place - b.place).map(({ one }) => one);
}
