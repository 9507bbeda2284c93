import { defineConfig } from 'vitest/config';
import { LongTestsFirst } from './tools/long-tests-first.ts';

/** Two cores is what the smallest machine we support has; more workers would only make timing tests compete. */
const WORKERS_MAX = 2;

/** Long enough for a test that starts a real sidecar on a busy machine; a slower test says so with its own timeout. */
const TEST_TIMEOUT_MS = 60_000;

export default defineConfig({
  test: {
    include: ['test/{unit,property,differential,simulation,fault,fuzz,integration,gates,golden,e2e}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: WORKERS_MAX,
    sequence: { sequencer: LongTestsFirst },
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    // A focused test would hide all the others; it is an error everywhere, not only where CI is set.
    allowOnly: false,
    passWithNoTests: false,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/bundle/timeline/generated/**'] },
  },
});
