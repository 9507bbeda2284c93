import { ChainLanes } from '../kernel/chain-lanes.ts';
import { EPOCH_MAX, nextEpochKey } from '../kernel/epoch.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FLAG_REQUEST_TAG,
  FLAGS_KNOWN,
  FRAME_PREFIX_BYTES,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_TYPES,
  LEAF_VERSION,
  REQUEST_TAG_BYTES,
  segmentIsFull,
  SEGMENT_LEAVES_MAX,
  TILE_WIDTH,
} from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { Sha256Lanes } from '../kernel/sha256-lanes.ts';
import { EventScan } from './event-scan.ts';
import { FastEventScan } from './fast-event-scan.ts';
import { RunCollector } from './run-collector.ts';
import { SEGMENT_BYTES_MAX } from './segment-window.ts';
import type { SegmentSummary, SizeFact } from './segment-summary.ts';

const LEAF_BYTES_MIN = LEAF_HEADER_BYTES + LEAF_MAC_BYTES;
const BLOCK_HASH_BYTES = TILE_WIDTH * HASH_BYTES;
/** Lanes read up to a block past a message; frames are looked at a header past their end. */
const GAP_BYTES = 128;

/** Places in a leaf's header. */
const FLAGS_AT = 2;
const SEQ_AT = 4;
const EPOCH_AT = 12;
const TIME_AT = 16;

/** Places in the lanes' memory: MACs and hashes of one block, the MAC before the segment, the segment. */
const MACS_AT = Sha256Lanes.dataAt + GAP_BYTES;
const HASHES_AT = MACS_AT + BLOCK_HASH_BYTES + GAP_BYTES;
const PREVIOUS_AT = HASHES_AT + BLOCK_HASH_BYTES + GAP_BYTES;
const SEGMENT_AT = PREVIOUS_AT + LEAF_MAC_BYTES + GAP_BYTES;

/** The MAC key of an epoch; the later ones follow from it. */
export interface EpochKey {
  readonly ledgerId: Uint8Array;
  readonly epoch: number;
  readonly key: Uint8Array;
}

export interface SegmentTask {
  /** Number of the first leaf, as the file's name says. */
  readonly first: number;
  /** Only the last segment may have room left. */
  readonly isLast: boolean;
  /** Without it MACs are not checked; else of the first leaf's epoch. */
  readonly key: EpochKey | undefined;
  /** MAC of the leaf before the segment; needed with a key. */
  readonly previousMac: Uint8Array;
  /** Sizes of the ledger, of which those that end in this segment are answered. */
  readonly sizes: ReadonlySet<number>;
}

/**
 * Checks one segment by itself, as fast as this machine hashes: frames, headers, events, MACs (each by the stored one before it) and
 * the tree up to blocks. It knows only two answers: what a sound segment holds, or undefined. Undefined accuses nobody: whatever is
 * odd, new or broken is for the careful walk to name. Written anew beside it; tests hold both to the same verdicts.
 */
export class FastSegment {
  readonly #lanes = new Sha256Lanes(SEGMENT_AT + SEGMENT_BYTES_MAX + GAP_BYTES);
  readonly #bytes = this.#lanes.bytes;
  readonly #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  readonly #fastScan = new FastEventScan(this.#bytes);
  readonly #scan = new EventScan();
  readonly #runs = new RunCollector(this.#bytes);
  readonly #blockRoots = Buffer.alloc((SEGMENT_LEAVES_MAX / TILE_WIDTH) * HASH_BYTES);
  /** Of the leaves of one block: where what its MAC covers begins, how long that is, and where the MAC before it stands. */
  readonly #starts = new Uint32Array(TILE_WIDTH);
  readonly #lengths = new Uint32Array(TILE_WIDTH);
  readonly #previous = new Uint32Array(TILE_WIDTH);
  /** For the leaf hash: the byte before the leaf is borrowed for its 0x00, and the MAC is covered. */
  readonly #hashStarts = new Uint32Array(TILE_WIDTH);
  readonly #hashLengths = new Uint32Array(TILE_WIDTH);
  #task: SegmentTask = { first: 0, isLast: true, key: undefined, previousMac: new Uint8Array(LEAF_MAC_BYTES), sizes: new Set() };
  #chain: ChainLanes | undefined;
  #key: EpochKey | undefined;
  /** Of the leaf before. */
  #epoch = 0;
  #timeHigh = 0;
  #timeLow = 0;
  #isInRequest = false;
  #macAt = PREVIOUS_AT;
  #leaves = 0;
  #requestEnd = { leaves: 0, byte: 0 };
  #sizes: SizeFact[] = [];
  #restHashes: Uint8Array = new Uint8Array(0);
  /** Leaves of the running block whose MACs have been checked. */
  #checked = 0;

  /** Where the segment's bytes are to be put before `check`; they are changed by it. */
  get target(): Buffer {
    return this.#bytes.subarray(SEGMENT_AT, SEGMENT_AT + SEGMENT_BYTES_MAX);
  }

  /** Checks the first `bytes` bytes of `target`. */
  check(task: SegmentTask, bytes: number): SegmentSummary | undefined {
    if (bytes < FRAME_PREFIX_BYTES + LEAF_BYTES_MIN || bytes > SEGMENT_BYTES_MAX || task.first % TILE_WIDTH !== 0) return undefined;
    this.#begin(task);
    const end = SEGMENT_AT + bytes;
    for (let at = SEGMENT_AT; at < end;) {
      at = this.#block(at, end);
      if (at < 0) return undefined;
    }
    if (!task.isLast && !segmentIsFull(this.#leaves, bytes)) return undefined;
    return {
      first: task.first,
      leaves: this.#leaves,
      bytes,
      chained: task.key === undefined ? undefined : { epoch: task.key.epoch, key: task.key.key, previousMac: task.previousMac },
      ...this.#runs.take(),
      blockRoots: Uint8Array.from(this.#blockRoots.subarray(0, Math.floor(this.#leaves / TILE_WIDTH) * HASH_BYTES)),
      restHashes: this.#restHashes,
      sizes: this.#sizes,
      requestEnd: this.#requestEnd,
    };
  }

  #begin(task: SegmentTask): void {
    this.#task = task;
    this.#bytes.set(task.previousMac, PREVIOUS_AT);
    this.#epoch = this.#view.getUint32(SEGMENT_AT + FRAME_PREFIX_BYTES + EPOCH_AT);
    this.#setKey(task.key);
    this.#timeHigh = 0;
    this.#timeLow = 0;
    this.#isInRequest = false;
    this.#macAt = PREVIOUS_AT;
    this.#leaves = 0;
    this.#requestEnd = { leaves: 0, byte: 0 };
    this.#sizes = [];
    this.#restHashes = new Uint8Array(0);
    this.#runs.take();
  }

  #setKey(key: EpochKey | undefined): void {
    this.#key = key;
    if (key === undefined) return;
    if (this.#chain === undefined) this.#chain = new ChainLanes(this.#lanes, key.key, key.ledgerId);
    else this.#chain.setKey(key.key, key.ledgerId);
  }

  /** Up to 256 leaves from address `at` on; answers the address behind them, or −1. */
  #block(from: number, end: number): number {
    const before = this.#leaves;
    let at = from;
    let count = 0;
    this.#checked = 0;
    for (; count < TILE_WIDTH && at < end; count++) {
      if (segmentIsFull(this.#leaves, at - SEGMENT_AT)) return -1;
      at = this.#leaf(at, end, count);
      if (at < 0) return -1;
      this.#leaves++;
      if (!this.#isInRequest) this.#requestEnd = { leaves: this.#leaves, byte: at - SEGMENT_AT };
    }
    if (!this.#areMacsRight(count)) return -1;
    for (let i = 0; i < count; i++) this.#bytes[this.#hashStarts[i]] = 0x00;
    this.#lanes.digest({ count, starts: this.#hashStarts, lengths: this.#hashLengths }, HASHES_AT);
    this.#answerSizes(this.#task.first + before, count);
    if (count < TILE_WIDTH) this.#restHashes = this.#copy(HASHES_AT, HASHES_AT + count * HASH_BYTES);
    else {
      for (let pairs = TILE_WIDTH / 2; pairs >= 1; pairs /= 2) this.#lanes.nodes(HASHES_AT, pairs);
      this.#bytes.copy(this.#blockRoots, (before / TILE_WIDTH) * HASH_BYTES, HASHES_AT, HASHES_AT + HASH_BYTES);
    }
    return at;
  }

  /** Leaf `i` of the block, whose frame begins at address `at`; answers the address behind it, or −1. */
  #leaf(at: number, end: number, i: number): number {
    const view = this.#view;
    const from = at + FRAME_PREFIX_BYTES;
    const length = view.getUint16(at);
    const next = from + length;
    if (length < LEAF_BYTES_MIN || next > end || !this.#isHeaderInOrder(from)) return -1;
    const [type, flags] = [this.#bytes[from + 1], view.getUint16(from + 2)];
    const isTagged = (flags & FLAG_REQUEST_TAG) !== 0;
    const payloadAt = from + LEAF_HEADER_BYTES + (isTagged ? REQUEST_TAG_BYTES : 0);
    const macAt = next - LEAF_MAC_BYTES;
    if (payloadAt > macAt || (isTagged && this.#isInRequest)) return -1;
    this.#isInRequest = (flags & FLAG_LAST_OF_REQUEST) === 0;
    this.#starts[i] = from;
    this.#lengths[i] = length - LEAF_MAC_BYTES;
    this.#previous[i] = this.#macAt;
    this.#hashStarts[i] = from - 1;
    this.#hashLengths[i] = length + 1;
    this.#macAt = macAt;
    if (type === LEAF_TYPES.event) return this.#event(from, payloadAt, macAt) ? next : -1;
    this.#runs.record(from, next);
    if (type === LEAF_TYPES.epochSeal && !this.#endEpoch(i + 1)) return -1;
    // The next epoch's key does not follow from this one's: whoever has it has to say so.
    return type === LEAF_TYPES.keyRotate && this.#key !== undefined ? -1 : next;
  }

  #isHeaderInOrder(from: number): boolean {
    const view = this.#view;
    const head = view.getUint32(from);
    if (head >>> 24 !== LEAF_VERSION || (head & 0xffff & ~FLAGS_KNOWN) !== 0) return false;
    const seq = this.#task.first + this.#leaves;
    if (view.getUint32(from + SEQ_AT) !== Math.floor(seq / 0x1_0000_0000) || view.getUint32(from + SEQ_AT + 4) !== seq >>> 0) return false;
    if (view.getUint32(from + EPOCH_AT) !== this.#epoch) return false;
    const [high, low] = [view.getUint32(from + TIME_AT), view.getUint32(from + TIME_AT + 4)];
    if (high < this.#timeHigh || (high === this.#timeHigh && low < this.#timeLow)) return false;
    this.#timeHigh = high;
    this.#timeLow = low;
    return true;
  }

  #event(from: number, payloadAt: number, end: number): boolean {
    const scan = this.#fastScan.isSurelyEvent(payloadAt, end) ? this.#fastScan : this.#scan;
    if (scan === this.#scan && !this.#scan.isEvent(this.#bytes, payloadAt, end)) return false;
    this.#runs.event(from, end, scan.levelCode);
    if (scan.tenantEnd > 0) this.#runs.tenant(scan.tenantFrom, scan.tenantEnd);
    return true;
  }

  /** After a seal, which is leaf `count` − 1 of the block: what follows has the next epoch and its key. */
  #endEpoch(count: number): boolean {
    if (!this.#areMacsRight(count) || this.#epoch === EPOCH_MAX) return false;
    this.#epoch++;
    if (this.#key === undefined) return true;
    const key = nextEpochKey(nodeHashes, this.#key.key, this.#key.ledgerId, this.#epoch);
    this.#setKey({ ...this.#key, key, epoch: this.#epoch });
    return true;
  }

  /** The block's leaves up to `count` that have not been checked yet. Without a key, a leaf has to have a MAC at least. */
  #areMacsRight(count: number): boolean {
    const from = this.#checked;
    const leaves = { count: count - from, starts: this.#starts.subarray(from), lengths: this.#lengths.subarray(from) };
    this.#checked = count;
    if (this.#key !== undefined) {
      if (this.#key.epoch !== this.#epoch) return false;
      this.#chain?.macs(this.#previous.subarray(from), leaves, MACS_AT);
    }
    for (let i = from; i < count; i++) {
      const stored = this.#starts[i] + this.#lengths[i];
      if (this.#key === undefined ? this.#isZero(stored) : !this.#isSame(stored, MACS_AT + (i - from) * LEAF_MAC_BYTES)) return false;
    }
    return true;
  }

  #isSame(a: number, b: number): boolean {
    const view = this.#view;
    for (let i = 0; i < LEAF_MAC_BYTES; i += 4) if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
    return true;
  }

  #isZero(at: number): boolean {
    for (let i = 0; i < LEAF_MAC_BYTES; i += 4) if (this.#view.getInt32(at + i) !== 0) return false;
    return true;
  }

  /** The block of `count` leaves from leaf `first` on has its leaf hashes, and no nodes yet. */
  #answerSizes(first: number, count: number): void {
    for (const size of this.#task.sizes) {
      if (size <= first || size > first + count) continue;
      const last = size - first - 1;
      const macAt = this.#starts[last] + this.#lengths[last];
      this.#sizes.push({
        size,
        endsRequest: (this.#view.getUint16(this.#starts[last] + FLAGS_AT) & FLAG_LAST_OF_REQUEST) !== 0,
        mac: this.#copy(macAt, macAt + LEAF_MAC_BYTES),
        leafHashes: this.#copy(HASHES_AT, HASHES_AT + (last + 1) * HASH_BYTES),
      });
    }
  }

  /** Bytes of their own: what is sent to another thread takes its whole memory along. */
  #copy(from: number, end: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(from, end));
  }
}
