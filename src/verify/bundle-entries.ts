import { formatLeafType, PATHS } from '../bundle/format.ts';
import { equalBytes, fromUtf8 } from '../kernel/bytes.ts';
import { leafHash } from '../kernel/hashes.ts';
import { LEAF_TYPES, leafTypeName, type Leaf } from '../kernel/leaf.ts';
import { LEVELS } from '../kernel/levels.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { ReportBuilder } from './bundle-report.ts';
import { LineFormatError, parseLeafLine } from './bundle-line.ts';
import { EventScan } from './event-scan.ts';
import type { Place } from './finding.ts';
import { isDescribedRecord, recordFault } from './record-shape.ts';
import type { Json } from '../kernel/canonical-json.ts';

/** One line of edges.ndjson or events.ndjson as far as it can be read. */
export interface CheckedEntry {
  readonly leaf: Leaf | undefined;
  /** SHA-256 of the rebuilt leaf. */
  readonly hash: Uint8Array | undefined;
  readonly statedHash: Uint8Array | undefined;
}

/** Lines of a file, in order; every fault of a line by itself is reported with its place. */
export function readEntries(report: ReportBuilder, path: string, content: Uint8Array): CheckedEntry[] {
  const scan = new EventScan();
  const entries: CheckedEntry[] = [];
  let at = 0;
  while (at < content.length) {
    const newline = content.indexOf(0x0a, at);
    const end = newline < 0 ? content.length : newline;
    if (newline < 0) report.found('TAMPERED', { file: path, byteOffset: end }, 'a line end', 'the end of the file');
    entries.push(readEntry(report, scan, { file: path, byteOffset: at }, content.subarray(at, end)));
    at = end + 1;
  }
  return entries;
}

function readEntry(report: ReportBuilder, scan: EventScan, place: Place, bytes: Uint8Array): CheckedEntry {
  try {
    const { leaf, statedHash } = parseLeafLine(fromUtf8(bytes));
    const hash = leafHash(nodeHashes, leaf.bytes);
    const at = { ...place, seqFirst: leaf.seq, seqLast: leaf.seq };
    if (!equalBytes(hash, statedHash)) report.found('TAMPERED', at, 'content that gives the leaf hash of its line', 'other content');
    const fault = payloadFault(scan, leaf);
    if (fault !== undefined) report.found('TAMPERED', at, `the payload of a ${formatLeafType(leaf.type)}`, fault);
    return { leaf, hash, statedHash };
  } catch (error) {
    if (!(error instanceof LineFormatError) && !(error instanceof TypeError)) throw error;
    const reason = error instanceof LineFormatError ? error.message : 'the line is not UTF-8';
    report.found('TAMPERED', place, 'an entry line', reason);
    return { leaf: undefined, hash: undefined, statedHash: undefined };
  }
}

function payloadFault(scan: EventScan, leaf: Leaf): string | undefined {
  if (leafTypeName(leaf.type) === undefined) return undefined;
  const payload = Buffer.from(leaf.payload.buffer, leaf.payload.byteOffset, leaf.payload.byteLength);
  const isGood = leaf.type === LEAF_TYPES.event ? scan.isEvent(payload, 0, payload.length) : scan.isCanonical(payload, 0, payload.length);
  if (!isGood) return scan.fault(0);
  return isDescribedRecord(leaf.type) ? recordFault(leaf.type, JSON.parse(payload.toString()) as Json) : undefined;
}

/** Counters without a gap and times that never fall, over before-edge, window and after-edge. */
export function checkOrder(report: ReportBuilder, entries: readonly CheckedEntry[], placeOf: (index: number) => string): void {
  let previous: Leaf | undefined;
  for (const [index, { leaf }] of entries.entries()) {
    if (leaf === undefined) {
      previous = undefined;
      continue;
    }
    const place = { file: placeOf(index), seqFirst: leaf.seq, seqLast: leaf.seq };
    if (previous !== undefined && leaf.seq > previous.seq + 1) {
      const missing = { ...place, seqFirst: previous.seq + 1, seqLast: leaf.seq - 1 };
      report.found('INCOMPLETE', missing, `entry ${previous.seq + 1} after ${previous.seq}`, `entry ${leaf.seq}`);
    } else if (previous !== undefined && leaf.seq !== previous.seq + 1) {
      report.found('TAMPERED', place, `entry ${previous.seq + 1} after ${previous.seq}`, `entry ${leaf.seq}`);
    }
    if (previous !== undefined && leaf.timeNs < previous.timeNs)
      report.found('TAMPERED', place, 'a time not before the one of the entry before', 'an earlier time');
    previous = leaf;
  }
}

/** Counts of what the lines hold, in the manifest's terms. */
export function countEntries(entries: readonly CheckedEntry[]): { levels: Map<string, number>; types: Map<string, number> } {
  const scan = new EventScan();
  const [levels, types] = [new Map<string, number>(), new Map<string, number>()];
  const add = (counts: Map<string, number>, label: string): unknown => counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const { leaf } of entries) {
    if (leaf === undefined) continue;
    add(types, formatLeafType(leaf.type));
    if (leaf.type !== LEAF_TYPES.event) continue;
    const payload = Buffer.from(leaf.payload.buffer, leaf.payload.byteOffset, leaf.payload.byteLength);
    if (scan.isEvent(payload, 0, payload.length)) add(levels, LEVELS[scan.levelCode]);
  }
  return { levels, types };
}

/** Which file holds the entry of an index of the run: the edges stand around the window. */
export function placesOf(edgesBefore: number, events: number): (index: number) => string {
  return (index) => (index < edgesBefore || index >= edgesBefore + events ? PATHS.edges : PATHS.events);
}
