import { hash } from 'node:crypto';
import { readU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_MAC_BYTES, LEAF_TYPES, TILE_WIDTH } from '../kernel/leaf.ts';
import {
  findResumption,
  isCutShort,
  judgeFrame,
  jumpOver,
  lostRest,
  misframedLength,
  type DamagedPlace,
  type Jump,
} from './after-damage.ts';
import { NO_PREVIOUS_MAC } from './chain-mac.ts';
import { growTree, isKeyRight, mergeSegment } from './fast-merge.ts';
import type { Place } from './finding.ts';
import { frameLeafBytes, LOOKAHEAD_BYTES } from './frame-scan.ts';
import { LeafCheck } from './leaf-check.ts';
import { BROKEN_FRAME, LeafJudge, type Damage } from './leaf-judge.ts';
import type { SegmentSource } from './ledger-files.ts';
import { spoilMinute } from './minute-check.ts';
import { passPrunedEpochs } from './epoch-check.ts';
import { initialState, type EpochState, type SegmentState } from './segment-state.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { SEGMENT_BYTES_MAX, SegmentWindow } from './segment-window.ts';
import { TreeFrontier } from './tree-frontier.ts';
import type { WalkSegment, WalkTask } from './walk-task.ts';
import type { CommitFacts } from './watermark-slots.ts';

/** Keys are evolved over damage: no more epochs than a fortnight has, at a second or two of work. */
const EPOCHS_MISSING_MAX = 1 << 20;
/** Over removed leaves: two years of one epoch a second, some minutes of work. */
const EPOCHS_PRUNED_MAX = 1 << 26;

const TILE_LEVEL = Math.log2(TILE_WIDTH);

/** What stood at the end of a commit whose last leaf is sound. */
interface SignedCommit extends CommitFacts {
  /** Verifier key of that epoch, where heads carry its signature and nothing hides it. */
  readonly epochKey: string | undefined;
}

/**
 * Reads the leaves of all segments in order and finds every place where they are not what was written. After damage it goes on:
 * a leaf whose neighbours fit is damaged by itself; where the framing is broken the next plausible frame, or at the latest the
 * next file, is where reading resumes.
 */
export class LedgerWalk {
  readonly #task: WalkTask;
  readonly #window = new SegmentWindow();
  readonly state: SegmentState = initialState(NO_PREVIOUS_MAC);
  readonly #check = new LeafCheck(this.state);
  readonly #judge: LeafJudge;
  readonly #tree = new TreeFrontier();
  #requestEndAt = { file: 'ledger/segments', byteOffset: 0 };
  #segment: WalkSegment = { file: '', first: 0, nextFirst: undefined };
  /** Length of that file, as far as it was read. */
  #segmentBytes = 0;
  #isTreeWhole = true;
  #isEndReported = false;
  #isStopped = false;
  #isOverfull = false;
  readonly roots = new Map<number, Uint8Array>();
  /** By size. */
  readonly commits = new Map<number, SignedCommit>();
  /** Verifier keys of the epochs that were wanted. */
  readonly epochKeys = new Map<number, string>();
  /** Bytes after the acknowledged end that are no whole request. */
  tornAt: { readonly file: string; readonly byteOffset: number } | undefined;
  /** Leaves that retention removed: [from, to), stood in for by their blocks' roots. */
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  macsChecked = 0;
  /** Leaves whose predecessor is missing. */
  macsUnchained = 0;
  damagedLeaves = 0;
  isGenesisSound = false;
  isGenesisMacChecked = false;

  constructor(task: WalkTask) {
    this.#task = task;
    this.#judge = new LeafJudge(task, this.#window, this.#check, this.state);
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
      const damage = length === undefined ? BROKEN_FRAME : this.#judge.damageOf(from, from + length, at);
      if (damage === undefined && length !== undefined) {
        this.#accept(from, from + length);
        at += FRAME_PREFIX_BYTES + length;
        if (this.state.endsRequest) this.#requestEndAt = { file: segment.file, byteOffset: at };
      } else at = this.#handle(damage ?? BROKEN_FRAME, at, length);
    }
    this.#segmentBytes = this.#window.bytes;
    return !this.#isStopped;
  }

  /** False once leaves are missing: nothing can be said by itself then of what follows. */
  get canAdopt(): boolean {
    return this.#isTreeWhole && !this.#isStopped;
  }

  /**
   * Takes a file that was checked by itself (fast-segment.ts), if it surely goes on from what was read so far; false, and nothing has
   * happened, in any doubt.
   */
  adopt(segment: WalkSegment, summary: SegmentSummary): boolean {
    const { keys, commitSizes, rootSizes } = this.#task;
    const { seq, epoch } = this.state;
    const isBorderSound = this.#segment.file === '' || this.#task.isFull(seq - this.#segment.first, this.#segmentBytes);
    if (!this.canAdopt || this.#judge.isEpochInDoubt || segment.first !== seq || !isBorderSound) return false;
    const merged = mergeSegment(this.state, summary, commitSizes);
    if (merged === undefined || keys.epoch !== epoch.min || !isKeyRight(keys, summary, merged)) return false;
    this.#segment = segment;
    this.#segmentBytes = summary.bytes;
    if (summary.requestEnd.leaves > 0) this.#requestEndAt = { file: segment.file, byteOffset: summary.requestEnd.byte };
    if (seq === 0) {
      this.isGenesisSound = true;
      this.isGenesisMacChecked = summary.chained !== undefined;
    }
    if (summary.chained !== undefined) this.macsChecked += summary.leaves;
    else keys.noteUnreached();
    growTree(this.#tree, summary, rootSizes, this.roots);
    for (const step of merged.steps) {
      if (step.kind === 'commit') this.#noteCommit(step.size, step.mac, step.epoch);
      else {
        this.#keepEpochKey(step.epoch.min, step.epoch.verifierKey);
        keys.moveTo(step.epoch.min + 1, undefined, EPOCHS_MISSING_MAX);
        if (summary.chained === undefined && step.size < merged.state.seq) keys.noteUnreached();
      }
    }
    Object.assign(this.state, merged.state);
    return true;
  }

  /** After the last file: does the ledger reach as far as it said? */
  finish(): void {
    const { acknowledged } = this.#task;
    const { seq, requestEnd, epoch } = this.state;
    this.#keepEpochKey(epoch.min, epoch.verifierKey);
    if (acknowledged !== undefined && seq < acknowledged && !this.#isEndReported) this.#reportShort(this.#segmentBytes);
    const isPartial = requestEnd < seq && !this.#isStopped && (acknowledged === undefined || requestEnd >= acknowledged);
    if (isPartial) this.tornAt ??= this.#requestEndAt;
  }

  /** Number of leaves read. */
  get size(): number {
    return this.state.seq;
  }

  /** Root over all leaves read; undefined when some are missing between them. */
  root(): Uint8Array | undefined {
    return this.#isTreeWhole ? this.#tree.root() : undefined;
  }

  #enter(segment: WalkSegment, source: SegmentSource): void {
    const before = this.#segment;
    const bytesBefore = this.#segmentBytes;
    this.#segment = segment;
    this.#window.open(source);
    this.#isOverfull = false;
    const isGapAllowed = before.file !== '' && this.#isTreeWhole && this.#task.isFull(this.state.seq - before.first, bytesBefore);
    if (segment.first > this.state.seq && isGapAllowed) this.#passPruned(segment.first);
    const { seq } = this.state;
    if (segment.first > seq) {
      const place = { seqFirst: seq, seqLast: segment.first - 1, byteOffset: 0 };
      this.#report(place, `leaf ${seq} in this or an earlier file`, `a file that begins with leaf ${segment.first}`);
      this.#resumeAt(segment.first);
    } else if (segment.first < seq) {
      this.#report({ seqFirst: segment.first, byteOffset: 0 }, `a file that begins with leaf ${seq}`, `its name says ${segment.first}`);
      this.#resumeAt(segment.first);
    } else if (before.file !== '' && this.#isTreeWhole && !this.#task.isFull(seq - before.first, bytesBefore)) {
      this.#report({ seqFirst: seq, byteOffset: 0 }, `leaf ${seq} in the file before, which is not full`, 'a new file');
    }
    // A writer that died between making a file and its first write. Elsewhere an empty file shows as missing leaves.
    if (source.bytes === 0 && this.#isBeyondAcknowledged()) this.tornAt ??= { file: segment.file, byteOffset: 0 };
    if (source.bytes > SEGMENT_BYTES_MAX)
      this.#report({ byteOffset: SEGMENT_BYTES_MAX }, `at most ${SEGMENT_BYTES_MAX} bytes`, `${source.bytes} bytes`);
  }

  /** Goes on over leaves that retention removed, as far as there is something left of them. */
  #passPruned(to: number): void {
    const { state } = this;
    const { keys, pruned, rootSizes } = this.#task;
    const from = state.seq;
    while (state.seq < to) {
      const part = pruned(state.seq);
      if (part === undefined || state.seq + part.leaves > to) break;
      for (const root of part.blockRoots) {
        this.#tree.append(root, TILE_LEVEL);
        state.seq += TILE_WIDTH;
        if (rootSizes.has(state.seq)) this.roots.set(state.seq, this.#tree.root());
      }
      const rotations = part.rotations.filter(({ firstEpoch }) => firstEpoch > keys.epoch && firstEpoch <= part.epoch);
      for (const rotation of rotations) keys.moveTo(rotation.firstEpoch, rotation, EPOCHS_PRUNED_MAX);
      if (part.epoch > keys.epoch) keys.moveTo(part.epoch, undefined, EPOCHS_PRUNED_MAX);
      state.requestEnd = state.seq;
      state.endsRequest = true;
      state.previousMac = part.lastMac;
      state.previousMacExpected = undefined;
      state.timeHigh = part.lastTimeHigh;
      state.timeLow = part.lastTimeLow;
      spoilMinute(state.minute);
      passPrunedEpochs(state, part.epoch);
    }
    if (state.seq > from) this.gaps.push({ from, to: state.seq });
  }

  #refuseOverfull(at: number): void {
    if (this.#isOverfull || !this.#task.isFull(this.state.seq - this.#segment.first, at)) return;
    this.#isOverfull = true;
    this.#report({ seqFirst: this.state.seq, byteOffset: at }, 'a new file for the next leaf, as this one is full', 'more bytes');
  }

  #accept(from: number, end: number): void {
    const { state } = this;
    const { keys, findings, commitSizes } = this.#task;
    const { rotation, min, verifierKey } = state.epoch;
    const isMacChecked = state.isChained && keys.current !== undefined;
    const at = state.seq;
    const overdue = this.#check.accept(this.#window.buffer, from);
    if (overdue !== undefined)
      findings.add({
        verdict: overdue.verdict ?? 'TAMPERED',
        place: { file: this.#segment.file, seqFirst: at, seqLast: at },
        expected: overdue.expected,
        found: overdue.found,
      });
    if (at === 0) {
      this.isGenesisSound = true;
      this.isGenesisMacChecked = isMacChecked;
    }
    if (isMacChecked) this.macsChecked++;
    else if (keys.current === undefined) keys.noteUnreached();
    else this.macsUnchained++;
    if (state.epoch.min !== min) {
      this.#keepEpochKey(min, verifierKey);
      if (state.epoch.min > keys.epoch) keys.moveTo(state.epoch.min, rotation, EPOCHS_MISSING_MAX);
    }
    // A seal that fits does not say whether a rotation before it was among what is damaged.
    const type = this.#window.buffer[from + 1];
    if (type !== LEAF_TYPES.epochSeal && type !== LEAF_TYPES.minuteSummary) this.#judge.isEpochInDoubt = false;
    this.#take(from, end, undefined);
    if (state.endsRequest) state.requestEnd = state.seq;
    if (commitSizes.has(state.seq)) this.#noteCommit(state.seq, state.previousMac, state.epoch);
  }

  #keepEpochKey(epoch: number, verifierKey: string | undefined): void {
    if (verifierKey !== undefined && this.#task.wantedEpochs.has(epoch)) this.epochKeys.set(epoch, verifierKey);
  }

  #noteCommit(size: number, mac: string, epoch: EpochState): void {
    const isSigned = epoch.sealingFrom !== undefined && size > epoch.sealingFrom;
    this.commits.set(size, { mac, epoch: epoch.min, epochKey: isSigned ? epoch.verifierKey : undefined });
  }

  /** Hashes the leaf into the tree and moves on; sound or damaged, it stands at this place. */
  #take(from: number, end: number, macExpected: string | undefined): void {
    const { state } = this;
    const { buffer } = this.#window;
    state.previousMac = buffer.toString('latin1', end - LEAF_MAC_BYTES, end);
    state.previousMacExpected = macExpected;
    state.isChained = true;
    state.seq++;
    if (!this.#isTreeWhole) return;
    // The leaf's hash covers 0x00 ‖ leaf: the byte before it in the buffer lends its place, so nothing is copied.
    const borrowed = buffer[from - 1];
    buffer[from - 1] = 0x00;
    this.#tree.append(hash('sha256', buffer.subarray(from - 1, end), 'latin1'));
    buffer[from - 1] = borrowed;
    if (this.#task.rootSizes.has(state.seq)) this.roots.set(state.seq, this.#tree.root());
  }

  /** Answers where reading goes on. */
  #handle(damage: Damage, at: number, length: number | undefined): number {
    if (this.#isBeyondAcknowledged() && !damage.isMacGood) return this.#stopTorn(at);
    if (length === undefined) return this.#resync(this.#placeAt(at));
    const { kind, jump } = judgeFrame(this.#placeAt(at), length, damage.isMacGood);
    if (kind === 'keep') return this.#keep(damage, at, at + FRAME_PREFIX_BYTES + length);
    return jump === undefined ? this.#resync(this.#placeAt(at)) : this.#jump(jump);
  }

  #placeAt(at: number): DamagedPlace {
    const { acknowledged, keys } = this.#task;
    const { nextFirst } = this.#segment;
    return { window: this.#window, seq: this.state.seq, at, acknowledged, nextFirst, isKeyed: keys.current !== undefined };
  }

  /** The leaf is damaged and its neighbours fit: it keeps its place. */
  #keep(damage: Damage, at: number, end: number): number {
    const { state } = this;
    const from = this.#window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES;
    const leafEnd = from + end - at - FRAME_PREFIX_BYTES;
    this.damagedLeaves++;
    const place = { file: this.#segment.file, seqFirst: state.seq, seqLast: state.seq, byteOffset: at };
    this.#task.findings.add({ verdict: damage.verdict ?? 'TAMPERED', place, expected: damage.expected, found: damage.found });
    const macExpected = damage.isMacGood ? undefined : this.#judge.macExpected(from, leafEnd);
    this.#check.skip();
    this.#judge.isEpochInDoubt = true;
    this.#take(from, leafEnd, macExpected);
    state.requestEnd = state.seq;
    return end;
  }

  #jump(jump: Jump): number {
    this.#report(jump.place, jump.expected, jump.found);
    this.#resumeAt(jump.toSeq);
    if (jump.isMacBefore) {
      const macAt = this.#window.indexOf(jump.toByte - LEAF_MAC_BYTES, LOOKAHEAD_BYTES);
      this.state.previousMac = this.#window.buffer.toString('latin1', macAt, macAt + LEAF_MAC_BYTES);
    }
    return jump.toByte;
  }

  /** The frames are broken: finds where they go on. */
  #resync(where: DamagedPlace): number {
    const { end, nextSeq } = findResumption(where);
    const length = misframedLength(where, end, nextSeq);
    if (length !== undefined && this.#takeMisframed(where.at, length)) return end;
    if (nextSeq !== undefined) return this.#jump(jumpOver(where, end, nextSeq));
    const { nextFirst } = this.#segment;
    if (nextFirst === undefined && isCutShort(where)) this.#reportShort(where.at);
    else {
      const { place, expected, found } = lostRest(where);
      this.#report(place, expected, found);
    }
    this.#isEndReported = true;
    if (nextFirst !== undefined && nextFirst > where.seq) this.#resumeAt(nextFirst);
    return end;
  }

  /** Only the length is wrong when the bytes up to the next frame are exactly the leaf. */
  #takeMisframed(at: number, length: number): boolean {
    const from = this.#window.indexOf(at, LOOKAHEAD_BYTES) + FRAME_PREFIX_BYTES;
    if (this.#judge.damageOf(from, from + length, at) !== undefined) return false;
    const { seq } = this.state;
    const stated = readU16(this.#window.buffer, from - FRAME_PREFIX_BYTES);
    this.#report({ seqFirst: seq, seqLast: seq, byteOffset: at }, `a length of ${length}`, `${stated}`);
    this.#accept(from, from + length);
    return true;
  }

  /** Leaves are missing or out of place: what depends on the leaf before is not known. */
  #resumeAt(seq: number): void {
    const { state } = this;
    this.damagedLeaves++;
    state.isChained = false;
    this.#isTreeWhole = false;
    state.previousMacExpected = undefined;
    this.#judge.isEpochInDoubt = true;
    if (seq < state.seq) {
      this.#check.rewind();
      this.#task.keys.rewind();
    } else this.#check.skipMissing(seq - state.seq);
    state.seq = seq;
    state.requestEnd = seq;
  }

  #isBeyondAcknowledged(): boolean {
    return this.#task.acknowledged !== undefined && this.state.seq >= this.#task.acknowledged;
  }

  #stopTorn(at: number): number {
    this.tornAt = { file: this.#segment.file, byteOffset: at };
    this.#isStopped = true;
    return this.#window.bytes;
  }

  #reportShort(byteOffset: number): void {
    const { acknowledged } = this.#task;
    const { seq } = this.state;
    const place = { file: this.#segment.file || 'ledger/segments', seqFirst: seq, byteOffset };
    const end = acknowledged === undefined ? {} : { seqLast: acknowledged - 1 };
    const found = `the end after ${seq} leaves`;
    this.#task.findings.add({ verdict: 'TRUNCATED', place: { ...place, ...end }, expected: `${acknowledged ?? 'more'} leaves`, found });
    this.#isEndReported = true;
  }

  #report(place: Omit<Place, 'file'>, expected: string, found: string): void {
    this.#task.findings.add({ verdict: 'TAMPERED', place: { file: this.#segment.file, ...place }, expected, found });
  }
}
