import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { TracedDecision } from '../../src/limiter/decision-trace.ts';
import type { LoggedDecision } from './oracle.ts';

const CHUNK_BYTES = 1 << 20;

export interface TraceTotals {
  admitted: number;
  denied: number;
  faults: number;
  replays: number;
  degraded: number;
}

/** Decisions of a trace file in their order, repetitions left out; a last line that a kill cut is left out too. Counts them into `totals`. */
function* readTrace(file: string, totals: TraceTotals): Generator<LoggedDecision> {
  let lastUs = 0;
  for (const line of readLines(file)) {
    const { at, cost, admitted, replay, degraded, claims } = JSON.parse(line) as TracedDecision;
    const isFault = at === null || degraded === 'reduced';
    if (degraded !== null) totals.degraded++;
    if (replay) {
      totals.replays++;
      continue;
    }
    if (admitted) totals.admitted++;
    else if (isFault) totals.faults++;
    else totals.denied++;
    lastUs = at ?? lastUs;
    yield {
      claims: claims.map(([key, limit, windowUs, isDryRun]) => ({ key, limit, windowUs, isDryRun })),
      cost,
      atUs: lastUs,
      isAdmitted: admitted,
      isFault,
    };
  }
}

/** Traces of nodes that share a store, in the order of its clock. */
export function mergeTraces(files: readonly string[], totals: TraceTotals): Iterable<LoggedDecision> {
  if (files.length === 1) return readTrace(files[0], totals);
  return files.flatMap((file) => [...readTrace(file, totals)]).sort((a, b) => a.atUs - b.atUs);
}

export const noTotals = (): TraceTotals => ({ admitted: 0, denied: 0, faults: 0, replays: 0, degraded: 0 });

function* readLines(file: string): Generator<string> {
  const fd = openSync(file, 'r');
  const [chunk, decoder] = [Buffer.alloc(CHUNK_BYTES), new StringDecoder('utf8')];
  let rest = '';
  try {
    for (let bytes = readSync(fd, chunk); bytes > 0; bytes = readSync(fd, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, bytes))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(fd);
  }
}
