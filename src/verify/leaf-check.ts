import { readU16, readU32, readU64, readU64BigInt } from '../kernel/bytes.ts';
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FLAG_REQUEST_TAG,
  FLAGS_KNOWN,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_TYPES,
  LEAF_VERSION,
  REQUEST_TAG_BYTES,
} from '../kernel/leaf.ts';
import { acceptEpoch, epochFault, loseEpoch, sealingFault, spoilEpoch } from './epoch-check.ts';
import { EventScan } from './event-scan.ts';
import { isUnkeyed } from './genesis.ts';
import { countLeaf, faultBeforeMinute, spoilMinute, summaryFault } from './minute-check.ts';
import { isDescribedRecord, isUnsealing, recordFault } from './record-shape.ts';
import { lastTimeNs, type SegmentState } from './segment-state.ts';
import type { Verdict } from './verdict.ts';

export interface LeafFault {
  readonly expected: string;
  readonly found: string;
  /** TAMPERED unless given. */
  readonly verdict?: Verdict;
}

const MINUTE_NS = 60_000_000_000n;
const NO_EVENT = -1;
const ALONE = new Set<number>([LEAF_TYPES.genesis, LEAF_TYPES.minuteSummary, LEAF_TYPES.epochSeal]);

/**
 * The rules that a leaf keeps by itself and towards the leaves before it: header, order, requests, minutes, payload. It works on
 * bytes in place, because millions pass; a BigInt is made only where a new minute begins.
 */
export class LeafCheck {
  readonly #scan = new EventScan();
  #minute = -1;
  #minuteStartHigh = 0;
  #minuteStartLow = 0;
  #minuteEndHigh = 0;
  #minuteEndLow = 0;
  /** Payload of the record that `fault` looked at last; undefined for events and opaque leaves. */
  #record: Json | undefined;
  /** What the leaves before say; moved on by `accept` and `skip`. */
  readonly #state: SegmentState;

  constructor(state: SegmentState) {
    this.#state = state;
  }

  /** The first fault of the leaf buffer[from, end) as the next one; undefined when there is none. MACs are not looked at. */
  fault(buffer: Buffer, from: number, end: number): LeafFault | undefined {
    const { seq } = this.#state;
    const type = buffer[from + 1];
    const flags = readU16(buffer, from + 2);
    const headerFault = this.#headerFault(buffer, from, flags);
    if (headerFault !== undefined) return headerFault;
    const isTagged = (flags & FLAG_REQUEST_TAG) !== 0;
    const payloadAt = from + LEAF_HEADER_BYTES + (isTagged ? REQUEST_TAG_BYTES : 0);
    if (payloadAt > end - LEAF_MAC_BYTES) return { expected: 'room for a request tag', found: `a leaf of ${end - from} bytes` };
    if (isTagged && !this.#state.endsRequest)
      return { expected: 'a request tag on the first leaf of a request only', found: 'one inside a request' };
    if ((type === LEAF_TYPES.genesis) !== (seq === 0)) {
      return { expected: 'the genesis leaf at 0 and nowhere else', found: `a leaf of type ${type} at ${seq}` };
    }
    const fault = this.#orderFault(buffer, from, type, flags) ?? this.#payloadFault(buffer, payloadAt, end - LEAF_MAC_BYTES, type);
    return fault ?? sealingFault(this.#state, type, readU32(buffer, from + 12), this.#record);
  }

  /** Takes the leaf that `fault` has just found nothing wrong with; answers what is now wrong with its epoch as a whole. */
  accept(buffer: Buffer, from: number): LeafFault | undefined {
    const state = this.#state;
    const { seq, minute } = state;
    const type = buffer[from + 1];
    state.endsRequest = (readU16(buffer, from + 2) & FLAG_LAST_OF_REQUEST) !== 0;
    state.timeHigh = readU32(buffer, from + 16);
    state.timeLow = readU32(buffer, from + 20);
    state.firstTimeNs ??= lastTimeNs(state);
    state.countsByType[type]++;
    if (type === LEAF_TYPES.minuteSummary) minute.isSummed = true;
    else if (type === LEAF_TYPES.event) countLeaf(minute, seq, this.#minute, this.#scan.levelCode, this.#scan.tenantText);
    else countLeaf(minute, seq, this.#minute, NO_EVENT, '');
    return acceptEpoch(state, type, readU32(buffer, from + 12), this.#record);
  }

  /** The leaf at this place is damaged: what depends on it is not judged. */
  skip(): void {
    this.#state.endsRequest = true;
    spoilMinute(this.#state.minute);
    spoilEpoch(this.#state, 1);
  }

  /** Leaves are missing: up to as many seals may have been among them. */
  skipMissing(leaves: number): void {
    this.skip();
    loseEpoch(this.#state, leaves);
  }

  /** The order of the leaves starts over at an earlier place. */
  rewind(): void {
    this.#state.timeHigh = 0;
    this.#state.timeLow = 0;
    this.skipMissing(0);
    this.#state.epoch.min = 0;
  }

  #headerFault(buffer: Buffer, from: number, flags: number): LeafFault | undefined {
    const { seq, timeHigh, timeLow } = this.#state;
    if (buffer[from] !== LEAF_VERSION) return { expected: `leaf version ${LEAF_VERSION}`, found: `${buffer[from]}` };
    if ((flags & ~FLAGS_KNOWN) !== 0) return { expected: 'known flags only', found: `flags 0x${flags.toString(16)}` };
    const stated = readU64(buffer, from + 4);
    if (stated !== seq) return { expected: `leaf ${seq}`, found: `a leaf that says it is ${stated ?? 'beyond 2^53'}` };
    const wrongEpoch = epochFault(this.#state.epoch, readU32(buffer, from + 12), buffer[from + 1]);
    if (wrongEpoch !== undefined) return wrongEpoch;
    const [high, low] = [readU32(buffer, from + 16), readU32(buffer, from + 20)];
    const isEarlier = high < timeHigh || (high === timeHigh && low < timeLow);
    return isEarlier ? { expected: 'a time not before that of the leaf before', found: 'an earlier one' } : undefined;
  }

  #orderFault(buffer: Buffer, from: number, type: number, flags: number): LeafFault | undefined {
    this.#setMinute(buffer, from);
    const isAlone = this.#state.endsRequest && (flags & FLAG_LAST_OF_REQUEST) !== 0;
    if (!isAlone && ALONE.has(type)) return { expected: 'a leaf that is a request of its own', found: 'one inside a request' };
    if (type === LEAF_TYPES.minuteSummary || type === LEAF_TYPES.genesis) return undefined;
    const found = faultBeforeMinute(this.#state.minute, this.#minute);
    return found === undefined ? undefined : { expected: 'each minute closed by its summary', found };
  }

  #payloadFault(buffer: Buffer, from: number, end: number, type: number): LeafFault | undefined {
    this.#record = undefined;
    if (type === LEAF_TYPES.event) {
      return this.#scan.isEvent(buffer, from, end)
        ? undefined
        : { expected: 'an event in canonical JSON', found: this.#scan.fault(from) ?? '' };
    }
    if (!isDescribedRecord(type)) return undefined;
    if (!this.#scan.isCanonical(buffer, from, end)) return { expected: 'canonical JSON', found: this.#scan.fault(from) ?? '' };
    const text = buffer.toString('utf8', from, end);
    const payload = JSON.parse(text) as Json;
    if (canonicalJson(payload) !== text) return { expected: 'numbers as RFC 8785 writes them', found: 'another spelling' };
    if (type === LEAF_TYPES.genesis && isUnkeyed(payload)) {
      return { expected: 'a genesis that commits to an HMAC key', found: 'no keyCommitment', verdict: 'DOWNGRADE' };
    }
    if (type === LEAF_TYPES.config && isUnsealing(payload)) {
      return { expected: 'a ledger that goes on sealing its epochs', found: 'another epochPolicy', verdict: 'DOWNGRADE' };
    }
    this.#record = payload;
    const isSummary = type === LEAF_TYPES.minuteSummary;
    const found = recordFault(type, payload) ?? (isSummary ? summaryFault(this.#state.minute, payload, this.#minute) : undefined);
    return found === undefined ? undefined : { expected: 'the payload that its type prescribes', found };
  }

  /** Most leaves share a minute with the one before: the division is made once per minute. */
  #setMinute(buffer: Buffer, from: number): void {
    const [high, low] = [readU32(buffer, from + 16), readU32(buffer, from + 20)];
    const isFromStart = high > this.#minuteStartHigh || (high === this.#minuteStartHigh && low >= this.#minuteStartLow);
    const isBeforeEnd = high < this.#minuteEndHigh || (high === this.#minuteEndHigh && low < this.#minuteEndLow);
    if (isFromStart && isBeforeEnd) return;
    const minute = readU64BigInt(buffer, from + 16) / MINUTE_NS;
    const [startNs, endNs] = [minute * MINUTE_NS, (minute + 1n) * MINUTE_NS];
    this.#minute = Number(minute);
    this.#minuteStartHigh = Number(startNs >> 32n);
    this.#minuteStartLow = Number(startNs & 0xffff_ffffn);
    this.#minuteEndHigh = Number(endNs >> 32n);
    this.#minuteEndLow = Number(endNs & 0xffff_ffffn);
  }
}
