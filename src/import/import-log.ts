import { Buffer } from 'node:buffer';
import { toBatches, NDJSON_LINE_BYTES_MAX, type Batch } from './batches.ts';
import { detectFormat, LINE_PARSERS, SAMPLE_LINES_MAX, type LineFormat } from './formats.ts';
import { ImportError } from './import-error.ts';
import type { LogSource } from './log-source.ts';
import { createTimeResolver, createYearCounter, firstYear, type YearSpan } from './resolve-time.ts';
import { LINE_PART_BYTES_MAX, splitLines } from './split-lines.ts';
import type { TimeZone } from './time-zone.ts';
import { createEventWriter } from './to-event.ts';

export interface ImportOptions {
  readonly format: LineFormat | 'auto';
  /** Year of the first line that names none; inferred when undefined. */
  readonly year: number | undefined;
  readonly zone: TimeZone;
  readonly tenant: string | undefined;
  readonly source: string | undefined;
  readonly batchLines: number;
  /** Names a run of its own, so that a file can be imported once more. */
  readonly run: string | undefined;
}

export interface PreparedLog {
  readonly format: LineFormat;
  /** The year inferred for the first line; undefined when none was. */
  readonly inferredYear: number | undefined;
  readonly batches: AsyncGenerator<Batch>;
}

/** A source and what to make of it → batches, ready to be sent. Reads a rewindable source twice when a year must be inferred. */
export async function prepareImport(source: LogSource, options: ImportOptions, nowMs: number): Promise<PreparedLog> {
  const format = options.format === 'auto' ? detectFormat(sampleLines(source.head)) : options.format;
  if (format === 'ndjson') assertNoEventOptions(options);
  const span = format === 'ndjson' || options.year !== undefined ? undefined : await findYearSpan(source, format);
  const inferredYear = span === undefined ? undefined : firstYear(span, nowMs);
  const year = options.year ?? inferredYear ?? new Date(nowMs).getUTCFullYear();
  const lines = splitLines(source.chunks(), format === 'ndjson' ? NDJSON_LINE_BYTES_MAX : LINE_PART_BYTES_MAX);
  const toEvent =
    format === 'ndjson'
      ? () => ''
      : createEventWriter({
          format,
          fileName: source.fileName,
          tenant: options.tenant,
          source: options.source,
          resolveTime: createTimeResolver(year, options.zone),
        });
  const identity = JSON.stringify([
    format,
    options.year ?? null,
    options.zone.name,
    options.tenant ?? null,
    options.source ?? null,
    options.batchLines,
    options.run ?? null,
  ]);
  return { format, inferredYear, batches: toBatches(lines, toEvent, { linesMax: options.batchLines, format, identity }) };
}

function assertNoEventOptions(options: ImportOptions): void {
  const given = [
    options.tenant === undefined ? [] : ['--tenant'],
    options.source === undefined ? [] : ['--source'],
    options.year === undefined ? [] : ['--year'],
  ].flat();
  if (given.length > 0)
    throw new ImportError('unsupported', `${given.join(' and ')} cannot be used with ndjson: JSON events are sent unchanged`);
}

/** Whole lines at the start of the input; the last one counts only when the input ends there. */
function sampleLines(head: Buffer): string[] {
  const lines = head.toString('utf8').split(/\r?\n/, SAMPLE_LINES_MAX + 1);
  return lines.length > 1 ? lines.slice(0, -1) : lines;
}

/** First pass, for lines without a year: how many New Years the file spans. A stream shows only its head. */
async function findYearSpan(source: LogSource, format: Exclude<LineFormat, 'ndjson'>): Promise<YearSpan | undefined> {
  if (format !== 'syslog') return undefined;
  const counter = createYearCounter();
  const leapYears = new Set<number>();
  let span: YearSpan | undefined;
  let lastYears = Number.NEGATIVE_INFINITY;
  for await (const line of splitLines(source.isRewindable ? source.chunks() : once(source.head))) {
    const time = line.part > 1 ? undefined : LINE_PARSERS[format](line.bytes.toString('utf8'))?.time;
    if (time === undefined || time.year !== undefined) continue;
    const years = counter.next(time);
    if (time.month === 2 && time.day === 29) leapYears.add(years);
    if (years < lastYears) continue;
    lastYears = years;
    span = { last: time, lastYears, leapYears: [] };
  }
  return span === undefined ? undefined : { ...span, leapYears: [...leapYears] };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
