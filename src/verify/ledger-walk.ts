import { hash } from 'node:crypto';
import { readU16, readU32, readU64 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, LEAF_HEADER_BYTES, LEAF_MAC_BYTES, LEAF_VERSION, segmentIsFull } from '../kernel/leaf.ts';
import { NO_PREVIOUS_MAC, type ChainMac } from './chain-mac.ts';
import type { FindingList } from './finding.ts';
import { findNextFrame, frameLeafBytes, LEAF_BYTES_MIN, LOOKAHEAD_BYTES, sightFrame } from './frame-scan.ts';
import { LeafCheck, type LeafFault } from './leaf-check.ts';
import { SEGMENT_BYTES_MAX, SegmentWindow } from './segment-window.ts';
import type { SegmentSource } from './ledger-files.ts';
import { TreeFrontier } from './tree-frontier.ts';

export interface WalkSegment {
  /** Path below DATA_DIR. */
  readonly file: string;
  /** What its name states. */
  readonly first: number;
  /** What the next file's name states; undefined for the last one. */
  readonly nextFirst: number | undefined;
}

export interface WalkTask {
  /** Undefined: MACs are not checked. */
  readonly chain: ChainMac | undefined;
  /** Leaves known to have been acknowledged or signed; undefined when nothing says. */
  readonly acknowledged: number | undefined;
  /** Sizes whose root is wanted. */
  readonly rootSizes: ReadonlySet<number>;
  /** Sizes at which a request must have ended: the ends of commits. */
  readonly commitSizes: ReadonlySet<number>;
  readonly findings: FindingList;
}

/** A fault with what it means for reading on. */
interface Damage extends LeafFault {
  /** Its MAC fits: it was written like this, and nothing around it is in doubt. */
  readonly isSealed: boolean;
}

/**
 * Reads the leaves of all segments in order and finds every place where they are not what was written. After damage it goes on:
 * a leaf whose neighbours fit is damaged by itself; where the framing is broken the next plausible frame, or at the latest the
 * next file, is where reading resumes.
 */
export class LedgerWalk {
  readonly #task: WalkTask;
  readonly #window = new SegmentWindow();
  readonly #check = new LeafCheck();
  readonly #tree = new TreeFrontier();
  /** The next leaf's number. */
  #seq = 0;
  /** Just past the last leaf that ended a request. */
  #requestEnd = 0;
  #requestEndAt = { file: 'ledger/segments', byteOffset: 0 };
  #segment: WalkSegment = { file: '', first: 0, nextFirst: undefined };
  #previousMac = NO_PREVIOUS_MAC;
  /** What the last leaf's MAC should have been, when it was another: tells a damaged MAC from damaged content. */
  #previousMacExpected: string | undefined;
  /** False right after missing leaves: the next leaf chains to one that is not there. */
  #isChained = true;
  #isTreeWhole = true;
  #isEndReported = false;
  #isStopped = false;
  #isOverfull = false;
  readonly roots = new Map<number, Uint8Array>();
  /** MAC (latin1) of the last leaf of each commit size, when that leaf is sound. */
  readonly commitMacs = new Map<number, string>();
  /** Bytes after the acknowledged end that are no whole request. */
  tornAt: { readonly file: string; readonly byteOffset: number } | undefined;
  macsChecked = 0;
  macsUnchecked = 0;
  damagedLeaves = 0;
  isGenesisSound = false;

  constructor(task: WalkTask) {
    this.#task = task;
  }

  /** Reads one file; they come in ascending order. Answers false when nothing after it is to be read. */
  walk(segment: WalkSegment, source: SegmentSource): boolean {
    this.#enter(segment, source);
    let at = 0;
    while (at < this.#window.bytes && !this.#isStopped) {
      const index = this.#window.indexOf(at, LOOKAHEAD_BYTES);
      const length = frameLeafBytes(this.#window, at);
      this.#refuseOverfull(at);
      const from = index + FRAME_PREFIX_BYTES;
      const damage = length === undefined ? BROKEN_FRAME : this.#damageOf(from, from + length, at);
      if (damage === undefined && length !== undefined) {
        this.#accept(from, from + length);
        at += FRAME_PREFIX_BYTES + length;
        if (this.#check.endsRequest) this.#requestEndAt = { file: segment.file, byteOffset: at };
      } else at = this.#handle(damage ?? BROKEN_FRAME, at, length);
    }
    return !this.#isStopped;
  }

  /** After the last file: does the ledger reach as far as it said? */
  finish(): void {
    const { acknowledged } = this.#task;
    if (acknowledged !== undefined && this.#seq < acknowledged && !this.#isEndReported) this.#reportShort(this.#window.bytes);
    const isPartial = this.#requestEnd < this.#seq && !this.#isStopped && (acknowledged === undefined || this.#requestEnd >= acknowledged);
    if (isPartial) this.tornAt ??= this.#requestEndAt;
  }

  /** Number of leaves read. */
  get size(): number {
    return this.#seq;
  }

  /** Just past the last whole request. */
  get requestEnd(): number {
    return this.#requestEnd;
  }

  /** Root over all leaves read; undefined when some are missing between them. */
  root(): Uint8Array | undefined {
    return this.#isTreeWhole ? this.#tree.root() : undefined;
  }

  get leaves(): LeafCheck {
    return this.#check;
  }

  #enter(segment: WalkSegment, source: SegmentSource): void {
    const before = this.#segment;
    const bytesBefore = this.#window.bytes;
    const isFirst = before.file === '';
    this.#segment = segment;
    this.#window.open(source);
    this.#isOverfull = false;
    if (segment.first > this.#seq) {
      const place = { seqFirst: this.#seq, seqLast: segment.first - 1, byteOffset: 0 };
      this.#report(place, `leaf ${this.#seq} in this or an earlier file`, `a file that begins with leaf ${segment.first}`);
      this.#resumeAt(segment.first);
    } else if (segment.first < this.#seq) {
      this.#report(
        { seqFirst: segment.first, byteOffset: 0 },
        `a file that begins with leaf ${this.#seq}`,
        `its name says ${segment.first}`,
      );
      this.#resumeAt(segment.first);
    } else if (!isFirst && this.#isTreeWhole && !segmentIsFull(this.#seq - before.first, bytesBefore)) {
      this.#report({ seqFirst: this.#seq, byteOffset: 0 }, `leaf ${this.#seq} in the file before, which is not full`, 'a new file');
    }
    // A writer that died between making a file and its first write. Elsewhere an empty file shows as missing leaves.
    if (source.bytes === 0 && this.#isBeyondAcknowledged()) this.tornAt ??= { file: segment.file, byteOffset: 0 };
    if (source.bytes > SEGMENT_BYTES_MAX)
      this.#report({ byteOffset: SEGMENT_BYTES_MAX }, `at most ${SEGMENT_BYTES_MAX} bytes`, `${source.bytes} bytes`);
  }

  #refuseOverfull(at: number): void {
    if (this.#isOverfull || !segmentIsFull(this.#seq - this.#segment.first, at)) return;
    this.#isOverfull = true;
    this.#report({ seqFirst: this.#seq, byteOffset: at }, 'a new file for the next leaf, as this one is full', 'more bytes');
  }

  /** What is wrong with the leaf in the buffer; undefined when it is sound as far as can be said. */
  #damageOf(from: number, end: number, at: number): Damage | undefined {
    const { buffer } = this.#window;
    const { chain } = this.#task;
    const stored = buffer.toString('latin1', end - LEAF_MAC_BYTES, end);
    if (stored === NO_PREVIOUS_MAC) return { expected: 'a leaf with a MAC', found: 'zeros', verdict: 'DOWNGRADE', isSealed: false };
    const isSealed = chain !== undefined && this.#isMacRight(chain, stored, from, end);
    if (isSealed || chain === undefined || !this.#isChained) {
      const fault = this.#check.fault(buffer, from, end, this.#seq) ?? this.#commitFault(from);
      if (fault !== undefined) return { ...fault, isSealed };
      const isAhead = chain === undefined && this.#isAheadOfNext(from, at + FRAME_PREFIX_BYTES + end - from);
      return isAhead ? { expected: 'a time not after that of the next leaf', found: 'a later one', isSealed } : undefined;
    }
    const fault = this.#check.fault(buffer, from, end, this.#seq);
    if (fault?.verdict !== undefined) return { ...fault, isSealed };
    return {
      expected: 'content and place that its MAC was made for',
      found: fault === undefined ? 'other' : `other: ${fault.found}`,
      isSealed,
    };
  }

  #isMacRight(chain: ChainMac, stored: string, from: number, end: number): boolean {
    const { buffer } = this.#window;
    const macAt = end - LEAF_MAC_BYTES;
    if (chain.compute(this.#previousMac, buffer, from, macAt) === stored) return true;
    const expected = this.#previousMacExpected;
    if (expected === undefined || chain.compute(expected, buffer, from, macAt) !== stored) return false;
    // The leaf after fits what the damaged leaf's MAC should have been: so its content is right and only its MAC was changed.
    this.#task.findings.refineLast('the MAC that its content gives', 'another MAC; the content is intact');
    return true;
  }

  /** Without MACs a time set too late shows only beside the leaf after it. */
  #isAheadOfNext(from: number, nextAt: number): boolean {
    if (typeof sightFrame(this.#window, nextAt) !== 'number') return false;
    const { buffer } = this.#window;
    const next = this.#window.indexOf(nextAt, FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES) + FRAME_PREFIX_BYTES;
    const [high, nextHigh] = [readU32(buffer, from + 16), readU32(buffer, next + 16)];
    return high > nextHigh || (high === nextHigh && readU32(buffer, from + 20) > readU32(buffer, next + 20));
  }

  #commitFault(from: number): LeafFault | undefined {
    const isEnd = (readU16(this.#window.buffer, from + 2) & 1) !== 0;
    if (isEnd || !this.#task.commitSizes.has(this.#seq + 1)) return undefined;
    return { expected: 'the end of a request where a commit ended', found: 'a leaf with more of its request to come' };
  }

  #accept(from: number, end: number): void {
    const { chain } = this.#task;
    const { buffer } = this.#window;
    this.#check.accept(buffer, from, this.#seq);
    if (this.#seq === 0) this.isGenesisSound = true;
    if (chain !== undefined && this.#isChained) this.macsChecked++;
    else this.macsUnchecked++;
    this.#take(from, end, undefined);
    if (this.#check.endsRequest) this.#requestEnd = this.#seq;
    if (this.#task.commitSizes.has(this.#seq)) this.commitMacs.set(this.#seq, this.#previousMac);
  }

  /** Hashes the leaf into the tree and moves on; sound or damaged, it stands at this place. */
  #take(from: number, end: number, macExpected: string | undefined): void {
    const { buffer } = this.#window;
    this.#previousMac = buffer.toString('latin1', end - LEAF_MAC_BYTES, end);
    this.#previousMacExpected = macExpected;
    this.#isChained = true;
    this.#seq++;
    if (!this.#isTreeWhole) return;
    // The leaf's hash covers 0x00 ‖ leaf: the byte before it in the buffer lends its place, so nothing is copied.
    const borrowed = buffer[from - 1];
    buffer[from - 1] = 0x00;
    this.#tree.append(hash('sha256', buffer.subarray(from - 1, end), 'latin1'));
    buffer[from - 1] = borrowed;
    if (this.#task.rootSizes.has(this.#seq)) this.roots.set(this.#seq, this.#tree.root());
  }

  /** Answers where reading goes on. */
  #handle(damage: Damage, at: number, length: number | undefined): number {
    if (this.#isBeyondAcknowledged() && !damage.isSealed) return this.#stopTorn(at);
    if (length === undefined) return this.#resync(at);
    const end = at + FRAME_PREFIX_BYTES + length;
    const stated = readU64(this.#window.buffer, this.#window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES + 4);
    const next = sightFrame(this.#window, end);
    const isElsewhere = stated !== undefined && stated !== this.#seq && sightFrame(this.#window, at) === stated;
    const isLeafOfLaterPlace = isElsewhere && stated > this.#seq && stated < (this.#task.acknowledged ?? 0);
    if (damage.isSealed || next === this.#seq + 1 || (next === 'end' && !isLeafOfLaterPlace)) return this.#keep(damage, at, end);
    if (isElsewhere && (next === 'end' || next === stated + 1)) {
      const place = stated > this.#seq ? { seqFirst: this.#seq, seqLast: stated - 1 } : { seqFirst: stated, seqLast: stated };
      this.#report({ ...place, byteOffset: at }, `leaf ${this.#seq}`, `leaf ${stated}; its own MAC cannot be checked here`);
      this.#resumeAt(stated);
      return at;
    }
    return this.#resync(at);
  }

  /** The leaf is damaged and its neighbours fit: it keeps its place. */
  #keep(damage: Damage, at: number, end: number): number {
    const from = this.#window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES;
    const leafEnd = from + end - at - FRAME_PREFIX_BYTES;
    this.damagedLeaves++;
    const place = { file: this.#segment.file, seqFirst: this.#seq, seqLast: this.#seq, byteOffset: at };
    this.#task.findings.add({ verdict: damage.verdict ?? 'TAMPERED', place, expected: damage.expected, found: damage.found });
    const { chain } = this.#task;
    const isMacDamage = chain !== undefined && !damage.isSealed && this.#isChained;
    const macExpected = isMacDamage ? chain.compute(this.#previousMac, this.#window.buffer, from, leafEnd - LEAF_MAC_BYTES) : undefined;
    this.#check.skip();
    this.#take(from, leafEnd, macExpected);
    this.#requestEnd = this.#seq;
    return end;
  }

  /** The frames are broken at `at`: finds where they go on. */
  #resync(at: number): number {
    const next = findNextFrame(this.#window, at, this.#seq);
    const end = next?.at ?? this.#window.bytes;
    // Without a MAC the bytes up to the end of the file may as well be a leaf that was cut short.
    const isWholeLeaf = next === undefined ? this.#task.chain !== undefined : next.seq === this.#seq + 1;
    if (isWholeLeaf && this.#takeMisframed(at, end)) return end;
    if (next !== undefined) {
      const isInserted = next.seq === this.#seq;
      const place = isInserted ? { seqFirst: this.#seq } : { seqFirst: this.#seq, seqLast: next.seq - 1 };
      this.#report({ ...place, byteOffset: at }, `leaf ${this.#seq}`, `${end - at} bytes that are no leaf${isInserted ? ', then it' : ''}`);
      this.#resumeAt(next.seq);
      const macAt = this.#window.indexOf(end - LEAF_MAC_BYTES, LOOKAHEAD_BYTES);
      if (!isInserted) this.#previousMac = this.#window.buffer.toString('latin1', macAt, macAt + LEAF_MAC_BYTES);
      return end;
    }
    const { nextFirst } = this.#segment;
    if (nextFirst === undefined && this.#isCutShort(at)) this.#reportShort(at);
    else {
      const seqLast = (nextFirst ?? this.#task.acknowledged ?? this.#seq + 1) - 1;
      this.#report(
        { seqFirst: this.#seq, seqLast: Math.max(seqLast, this.#seq), byteOffset: at },
        `leaf ${this.#seq}`,
        `${end - at} bytes that are no leaf`,
      );
    }
    this.#isEndReported = true;
    if (nextFirst !== undefined && nextFirst > this.#seq) this.#resumeAt(nextFirst);
    return end;
  }

  /** Only the length is wrong when the bytes up to the next frame are exactly the leaf. */
  #takeMisframed(at: number, end: number): boolean {
    const length = end - at - FRAME_PREFIX_BYTES;
    if (length < LEAF_BYTES_MIN || length > LEAF_BYTES_MAX) return false;
    const from = this.#window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES;
    const stated = readU16(this.#window.buffer, from - FRAME_PREFIX_BYTES);
    if (stated === length || this.#damageOf(from, from + length, at) !== undefined) return false;
    this.#report({ seqFirst: this.#seq, seqLast: this.#seq, byteOffset: at }, `a length of ${length}`, `${stated}`);
    this.#accept(from, from + length);
    return true;
  }

  /** Is it the begin of the expected leaf, and the file ends too early? */
  #isCutShort(at: number): boolean {
    const remaining = this.#window.bytes - at;
    const { buffer } = this.#window;
    const index = this.#window.indexOf(at, LOOKAHEAD_BYTES);
    if (remaining < FRAME_PREFIX_BYTES) return true;
    if (readU16(buffer, index) <= remaining - FRAME_PREFIX_BYTES) return false;
    if (remaining > FRAME_PREFIX_BYTES && buffer[index + FRAME_PREFIX_BYTES] !== LEAF_VERSION) return false;
    return remaining < FRAME_PREFIX_BYTES + 12 || readU64(buffer, index + FRAME_PREFIX_BYTES + 4) === this.#seq;
  }

  /** Leaves are missing or out of place: what depends on the leaf before is not known. */
  #resumeAt(seq: number): void {
    this.damagedLeaves++;
    this.#isChained = false;
    this.#isTreeWhole = false;
    this.#previousMacExpected = undefined;
    if (seq < this.#seq) this.#check.rewind();
    else this.#check.skip();
    this.#seq = seq;
    this.#requestEnd = seq;
  }

  #isBeyondAcknowledged(): boolean {
    return this.#task.acknowledged !== undefined && this.#seq >= this.#task.acknowledged;
  }

  #stopTorn(at: number): number {
    this.tornAt = { file: this.#segment.file, byteOffset: at };
    this.#isStopped = true;
    return this.#window.bytes;
  }

  #reportShort(byteOffset: number): void {
    const { acknowledged } = this.#task;
    const place = { file: this.#segment.file || 'ledger/segments', seqFirst: this.#seq, byteOffset };
    const end = acknowledged === undefined ? {} : { seqLast: acknowledged - 1 };
    const found = `the end after ${this.#seq} leaves`;
    this.#task.findings.add({ verdict: 'TRUNCATED', place: { ...place, ...end }, expected: `${acknowledged ?? 'more'} leaves`, found });
    this.#isEndReported = true;
  }

  #report(place: { seqFirst?: number; seqLast?: number; byteOffset: number }, expected: string, found: string): void {
    this.#task.findings.add({ verdict: 'TAMPERED', place: { file: this.#segment.file, ...place }, expected, found });
  }
}

const BROKEN_FRAME: Damage = { expected: 'a frame', found: 'a length that does not fit', isSealed: false };
