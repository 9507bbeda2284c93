import { fromUtf8 } from '../../src/kernel/bytes.ts';
import type { EventBatch } from '../../src/kernel/event-batch.ts';
import { LEVELS } from '../../src/kernel/levels.ts';
import { toQuotable } from '../../src/ingest/fault-list.ts';
import { parseEvents, type ParsedEvents } from '../../src/ingest/parse-events.ts';
import { Dice } from '../support/dice.ts';
import { randomBody, type RandomBody } from '../support/random-bodies.ts';
import { referenceParse, type ReferenceEvent, type ReferenceResult } from '../support/reference-events.ts';

/**
 * How strictly the parser is held to the reference, for every input:
 * - accepted events: payload bytes, levels and tenants are equal, under onInvalid=skip; under reject the batch is the same
 *   when there is no fault and empty otherwise, and the faults are those of skip;
 * - faults: the same lines; for lines that could be read as JSON the same set of field paths (their first 64 characters, with the
 *   escapes of `toQuotable`); one fault with no field for a line that could not; the same number of lines refused; every reason
 *   says something. Words and order of reasons are free;
 * - JSON.parse: refuses nothing that is accepted, and accepts nothing that is refused for its syntax.
 */
export function findDisagreement(input: RandomBody, expected: ReferenceResult): string | undefined {
  const skipped = parseEvents(input.body, input.framing, { onInvalid: 'skip' });
  const rejected = parseEvents(input.body, input.framing, { onInvalid: 'reject' });
  return (
    compareEvents(expected.events, skipped.batch) ??
    compareFaults(expected, skipped) ??
    compareModes(skipped, rejected) ??
    compareWithJsonParse(input, skipped)
  );
}

/** Counts what the inputs were, so that a generator that only makes rubbish is noticed. */
export interface AgreementReport {
  readonly inputs: number;
  readonly acceptedInputs: number;
  readonly acceptedEvents: number;
  readonly faults: number;
}

/** Judges `inputs` inputs of a seed from the `first` on; throws at the first disagreement, with what is needed to play it again. */
export function assertAgreement(
  seed: number,
  inputs: number,
  { first = 0, onProgress }: { readonly first?: number; readonly onProgress?: (done: number) => void } = {},
): AgreementReport {
  let acceptedInputs = 0;
  let acceptedEvents = 0;
  let faults = 0;
  for (let index = first; index < first + inputs; index++) {
    const input = randomBody(new Dice(seed, index));
    const expected = withoutStacks(() => referenceParse(input.body, input.framing));
    const disagreement = withoutStacks(() => findDisagreement(input, expected));
    if (disagreement !== undefined)
      throw new Error(`seed ${seed}, input ${index} (${input.framing}): ${disagreement}\n${show(input.body)}`);
    if (expected.faults.length === 0) acceptedInputs++;
    acceptedEvents += expected.events.length;
    faults += expected.faults.length;
    onProgress?.(index - first + 1);
  }
  return { inputs, acceptedInputs, acceptedEvents, faults };
}

/** Both parsers and JSON.parse throw at bad syntax; stacks would cost a quarter of the time and nobody reads them. */
function withoutStacks<T>(run: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function show(body: Uint8Array): string {
  return JSON.stringify(Buffer.from(body).toString('latin1'));
}

function toReferenceEvents(batch: EventBatch): ReferenceEvent[] {
  return Array.from(batch.ends, (end, i) => ({
    payload: fromUtf8(batch.payloads.subarray(i === 0 ? 0 : batch.ends[i - 1], end)),
    level: LEVELS[batch.levels[i]],
    tenant: batch.tenants[i] === 0 ? undefined : batch.tenantNames[batch.tenants[i] - 1],
  }));
}

function differ(what: string, expected: unknown, actual: unknown): string | undefined {
  const texts = [expected, actual].map((value) => JSON.stringify(value) ?? 'undefined');
  return texts[0] === texts[1] ? undefined : `${what}: expected ${texts[0]}, got ${texts[1]}`;
}

function compareEvents(expected: readonly ReferenceEvent[], batch: EventBatch): string | undefined {
  const actual = toReferenceEvents(batch);
  const usedNames = new Set(actual.flatMap(({ tenant }) => tenant ?? []));
  return (
    differ('events', expected, actual) ??
    differ(
      'lengths',
      [actual.length, actual.length, batch.ends.at(-1) ?? 0],
      [batch.levels.length, batch.tenants.length, batch.payloads.length],
    ) ??
    differ(
      'buffers of their own',
      [batch.payloads.byteLength, batch.ends.byteLength],
      [batch.payloads.buffer.byteLength, batch.ends.buffer.byteLength],
    ) ??
    differ('tenant names', [...usedNames].sort(), [...batch.tenantNames].sort())
  );
}

function compareFaults(expected: ReferenceResult, actual: ParsedEvents): string | undefined {
  const unreadable = new Set(expected.faults.filter(({ isUnreadable }) => isUnreadable).map(({ line }) => line));
  const toPaths = (faults: readonly { line: number; field: string }[]): string[] =>
    [...new Set(faults.map(({ line, field }) => (unreadable.has(line) ? `${line}` : `${line}: ${toQuotable(field)}`)))].sort();
  const ofUnreadable = actual.faults.filter(({ line }) => unreadable.has(line));
  return (
    differ('faults', toPaths(expected.faults), toPaths(actual.faults)) ??
    differ(
      'fields of unreadable lines',
      [...unreadable].map(() => ''),
      ofUnreadable.map(({ field }) => field),
    ) ??
    differ('faultsTotal', actual.faults.length, actual.faultsTotal) ??
    differ('empty reasons', 0, actual.faults.filter(({ reason }) => reason === '').length) ??
    differ('rejected', expected.rejected, actual.rejected)
  );
}

function compareModes(skipped: ParsedEvents, rejected: ParsedEvents): string | undefined {
  const events = skipped.faultsTotal === 0 ? toReferenceEvents(skipped.batch) : [];
  return (
    differ('events under reject', events, toReferenceEvents(rejected.batch)) ??
    differ(
      'faults under reject',
      [skipped.faults, skipped.faultsTotal, skipped.rejected],
      [rejected.faults, rejected.faultsTotal, rejected.rejected],
    )
  );
}

function compareWithJsonParse({ body, framing }: RandomBody, skipped: ParsedEvents): string | undefined {
  const isSyntaxFault = ({ field, reason }: { field: string; reason: string }): boolean => field === '' && /column \d+/.test(reason);
  const text = Buffer.from(body).toString('utf8');
  const documents = framing === 'json' ? [text] : text.split('\n');
  if (framing === 'ndjson' && documents.length > 1 && documents.at(-1) === '') documents.pop();
  const isJson = documents.map((document) => isParsedByJson(document));
  if (skipped.faultsTotal === 0 && isJson.includes(false)) return 'JSON.parse refuses what was accepted';
  const isWrong = skipped.faults.some((fault) => isSyntaxFault(fault) && isJson[framing === 'json' ? 0 : fault.line - 1]);
  return isWrong ? `JSON.parse accepts what was refused for its syntax: ${JSON.stringify(skipped.faults)}` : undefined;
}

function isParsedByJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
