import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders and files whose tests take longest, longest first: what begins last must be short, or one worker waits for the other. */
const LONG = [
  'test/end-to-end/demo.test.ts',
  'test/end-to-end/readme.test.ts',
  'test/faults/',
  'test/sandbox/processes/',
  'test/workflows/',
  'test/end-to-end/',
  'test/sandbox/controllers/',
  'test/',
];

/** Order of the test files of a run, the same on every machine: by the list above, then by name. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => LONG.findIndex((part) => moduleId.includes(`/${part}`));
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId));
  }
}
