import { relative, resolve } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const ROOT = resolve(import.meta.dirname, '..');

/** The files that take longest, longest first (`test-results/vitest.json` has the times): last, each would leave one core idle. */
const LONGEST = [
  'test/fault/disk-faults.test.ts',
  'test/fault/attack-offline.test.ts',
  'test/fault/crash-loop.test.ts',
  'test/integration/watch-sidecar.test.ts',
  'test/fault/attack-live.test.ts',
  'test/integration/watch-changes.test.ts',
  'test/e2e/chaos-smoke.test.ts',
];

/** vitest's order, which is by size where it knows no times, but the longest files begin. */
export class LongTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.indexOf(relative(ROOT, moduleId));
      return found < 0 ? LONGEST.length : found;
    };
    return others.toSorted((a, b) => place(a) - place(b));
  }
}
