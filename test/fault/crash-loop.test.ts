import { expect, it } from 'vitest';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runCrashLoop } from './crash-loop.ts';

const KILLS = 52;

it(
  `loses no acknowledged event, stores none twice and halves no request over ${KILLS} kills under load`,
  { timeout: 600_000 },
  async () => {
    using directory = tempDir();
    const report = await runCrashLoop({ directory: directory.path, seed: testSeed(), kills: KILLS, log: console.log });
    console.log(JSON.stringify(report));
    expect(report.wrong).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(50);
    // A loop that kills idle processes proves nothing: there were batches in flight, and some had landed unanswered.
    expect(report.killsBeforeListening).toBeGreaterThan(0);
    expect(report.killsAtEpochEnd).toBeGreaterThan(3);
    expect(report.retriedReplays + report.retriedLandings).toBeGreaterThan(10);
  },
);
