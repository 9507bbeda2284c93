import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { ImportError } from './import-error.ts';
import type { LineFormat } from './formats.ts';
import type { RawLine } from './split-lines.ts';

/** The sidecar takes 10,000 events and 8 MiB in one request; half of it leaves room for one more line. */
export const BATCH_LINES_MAX = 10_000;
const BATCH_BYTES_TARGET = 4 * 1024 * 1024;
/** No entry holds a JSON line near this length: the sidecar would name the fault, so it need not be held in memory whole. */
export const NDJSON_LINE_BYTES_MAX = 1024 * 1024;

const KEY_DOMAIN = 'post-incident-proofs/import/v1';

export interface Batch {
  /** 1-based. */
  readonly number: number;
  readonly body: Buffer;
  /**
   * Idempotency-Key: a digest of everything in the file up to the end of this batch, the batch's number and the options. So
   * the same file gives the same keys wherever it lies, and two different inputs never share one.
   */
  readonly key: string;
  /** File line of each event. */
  readonly lineNumbers: readonly number[];
  /** File offset just past the batch. */
  readonly endOffset: number;
}

export interface BatchOptions {
  readonly linesMax: number;
  readonly format: LineFormat;
  /** What of the command line shapes the events or names the run; part of every key. */
  readonly identity: string;
}

/** Lines → request bodies. `toEvent` is called once per line, in order; NDJSON lines go unchanged, empty ones are left out. */
export async function* toBatches(
  lines: AsyncIterable<RawLine>,
  toEvent: (line: RawLine) => string,
  options: BatchOptions,
): AsyncGenerator<Batch> {
  const digest = createHash('sha256');
  let parts: Buffer[] = [];
  let lineNumbers: number[] = [];
  let bytes = 0;
  let endOffset = 0;
  let number = 0;
  const flush = (): Batch => {
    number++;
    const content = digest.copy().digest('hex');
    const key = createHash('sha256').update(`${KEY_DOMAIN}\n${options.identity}\n${number}\n${content}\n`).digest('hex');
    const batch = { number, body: Buffer.concat(parts), key, lineNumbers, endOffset };
    [parts, lineNumbers, bytes] = [[], [], 0];
    return batch;
  };
  for await (const line of lines) {
    digest.update(line.bytes).update(line.isLastPart ? '\n' : '\r');
    endOffset = line.endOffset;
    const event = options.format === 'ndjson' ? jsonLine(line) : Buffer.from(toEvent(line));
    if (event === undefined) continue;
    parts.push(event, NEWLINE);
    bytes += event.length + 1;
    lineNumbers.push(line.number);
    if (lineNumbers.length >= options.linesMax || bytes >= BATCH_BYTES_TARGET) yield flush();
  }
  if (lineNumbers.length > 0) yield flush();
}

const NEWLINE = Buffer.from('\n');

function jsonLine(line: RawLine): Buffer | undefined {
  if (line.part > 0)
    throw new ImportError(
      'unsupported',
      `line ${line.number} is longer than ${NDJSON_LINE_BYTES_MAX} bytes: no JSON event fits into an entry then`,
    );
  return /^\s*$/.test(line.bytes.subarray(0, 64).toString('latin1')) && line.bytes.toString('latin1').trim() === ''
    ? undefined
    : line.bytes;
}
