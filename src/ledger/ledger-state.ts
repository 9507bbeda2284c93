import { hash } from 'node:crypto';
import { toHex } from '../kernel/bytes.ts';
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { GENESIS_PREVIOUS_MAC, keyCommitment } from '../kernel/chain.ts';
import { EPOCH_POLICY_SEAL } from '../kernel/epoch.ts';
import { assertInvariant } from '../kernel/errors.ts';
import type { EventBatch } from '../kernel/event-batch.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FRAME_PREFIX_BYTES,
  LEAF_MAC_BYTES,
  LEAF_TYPES,
  PAYLOAD_BYTES_MAX,
  REQUEST_TAG_BYTES,
  segmentIsFull,
  type Leaf,
  type LeafTypeName,
} from '../kernel/leaf.ts';
import type { EpochKeys } from './epoch-keys.ts';
import { epochAfter, openEpoch, type EpochSecrets, type EpochState } from './epoch-state.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { FastChain } from './fast-chain.ts';
import { Frontier, type FrontierMark } from './frontier.ts';
import { LeafLanes } from './leaf-lanes.ts';
import { FRAME_OVERHEAD_BYTES, LeafStager } from './leaf-stager.ts';
import { DeltaBuilder, nextSegment, type SegmentEnd } from './ledger-index.ts';
import { MinuteCounter, type MinuteMark } from './minute-counter.ts';
import type { AppendRequest, LedgerIdentity } from './ports.ts';
import { splitRequestTag } from './request-log.ts';
import { sealPayload, type SealMoment } from './seal.ts';
import type { SegmentIndex } from './segment-index.ts';
import { SegmentNotes } from './segment-notes.ts';

/** A run of frames that goes into one segment file. */
export interface Piece {
  readonly segmentFirst: number;
  readonly fileOffset: number;
  /** The bytes are group[from, to). */
  readonly from: number;
  to: number;
}

export interface StateMark {
  readonly end: SegmentEnd;
  readonly lastTimeNs: bigint;
  readonly mac: Buffer;
  readonly frontier: FrontierMark;
  readonly minutes: MinuteMark;
  readonly epochs: EpochState;
}

/** Staged frames wait for this much: enough to fill the lanes, and little enough to be in the cache still. */
const HASH_AT_ONCE_BYTES = 128 * 1024;

/** A record may need this much; requests bring their own sizes. */
const RECORD_ROOM_BYTES = PAYLOAD_BYTES_MAX + FRAME_OVERHEAD_BYTES + REQUEST_TAG_BYTES;

/**
 * The end of the ledger in memory: where the next leaf goes, what it chains to, the tree's right edge, the running minute and epoch.
 * Staging moves it ahead of the disk; `mark` and `reset` take it back when a write fails. Owned by one thread.
 */
export class LedgerState {
  readonly identity: LedgerIdentity;
  readonly chain: FastChain;
  readonly minutes = new MinuteCounter();
  readonly delta = new DeltaBuilder();
  readonly notes = new SegmentNotes();
  end: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };
  lastTimeNs = 0n;
  #epochs: EpochState;
  readonly #frontier = new Frontier();
  readonly #leafLanes = new LeafLanes();
  readonly #stager: LeafStager;
  #size = 0;
  #group: Buffer = Buffer.alloc(1024 * 1024);
  #used = 0;
  /** Up to here the frames of the group are in the tree. */
  #hashed = 0;
  #pieces: Piece[] = [];

  /** An empty ledger; `reset` to a mark begins further on. */
  constructor(identity: LedgerIdentity, epochs: EpochState) {
    this.identity = identity;
    this.#epochs = epochs;
    this.chain = new FastChain(epochs.keys.macKey, identity.ledgerId, GENESIS_PREVIOUS_MAC);
    this.#stager = new LeafStager(this.chain);
    this.#stager.setEpoch(epochs.epoch);
  }

  get epochs(): EpochState {
    return this.#epochs;
  }

  /** Leaves of the running epoch so far. */
  get epochLeaves(): number {
    return this.size - this.#epochs.firstSeq;
  }

  get size(): number {
    return this.#size;
  }

  /** The tree over all leaves: those that still wait to be hashed are, first. */
  get frontier(): Frontier {
    if (this.#hashed < this.#used) this.#hashStaged();
    return this.#frontier;
  }

  mark(): StateMark {
    return {
      end: this.end,
      lastTimeNs: this.lastTimeNs,
      mac: this.chain.mac(),
      frontier: this.frontier.mark(),
      minutes: this.minutes.mark(),
      epochs: this.#epochs,
    };
  }

  reset(mark: StateMark): void {
    this.end = mark.end;
    this.lastTimeNs = mark.lastTimeNs;
    this.chain.reset(mark.mac);
    this.#frontier.reset(mark.frontier);
    this.#size = mark.frontier.size;
    this.#hashed = this.#used;
    this.minutes.reset(mark.minutes);
    this.#enter(mark.epochs);
    this.delta.take();
    this.notes.take();
  }

  /** Starts a commit group at wall time `nowNs`; the ledger's own time never goes back. */
  begin(nowNs: bigint): void {
    if (nowNs > this.lastTimeNs) this.lastTimeNs = nowNs;
    this.#stager.setTime(this.lastTimeNs);
    if (this.#hashed < this.#used) this.#hashStaged();
    this.#used = 0;
    this.#hashed = 0;
    this.#pieces = [];
  }

  /** The frames staged since `begin`. The buffer is reused by the next group, so it must be written before. */
  staged(): { group: Buffer; pieces: readonly Piece[] } {
    this.delta.roots(this.frontier.takeBlockRoots());
    return { group: this.#group.subarray(0, this.#used), pieces: this.#pieces };
  }

  /** Stages one request whole; returns the range of its own leaves (a due minute summary stands before it). */
  stageRequest(request: AppendRequest): { first: number; last: number } {
    this.closeMinute();
    const { events, record } = request;
    const first = this.size;
    const leaves = events.ends.length + (record === undefined ? 0 : 1);
    assertInvariant(leaves > 0, 'a request has at least one leaf');
    const payloads = Buffer.from(events.payloads.buffer, events.payloads.byteOffset, events.payloads.length);
    this.#makeRoom(payloads.length + events.ends.length * FRAME_OVERHEAD_BYTES + RECORD_ROOM_BYTES);
    if (first === 0) this.#epochs = { ...this.#epochs, openedNs: this.lastTimeNs, isActive: true };
    else if (!this.#epochs.isActive) this.#epochs = { ...this.#epochs, isActive: true };
    let from = 0;
    let counted = 0;
    for (let i = 0; i < events.ends.length; i++) {
      const flags = i === leaves - 1 ? FLAG_LAST_OF_REQUEST : 0;
      this.#stageLeaf(LEAF_TYPES.event, flags, i === 0 ? request.requestTag : undefined, payloads, from, events.ends[i]);
      from = events.ends[i];
      if (!segmentIsFull(this.end.leaves, this.end.bytes)) continue;
      this.#countEvents(events, counted, i + 1);
      counted = i + 1;
      this.#noteSegmentEnd();
    }
    this.#countEvents(events, counted, events.ends.length);
    if (record !== undefined) this.#stageRecordOf(request, record, leaves === 1);
    if (request.requestTag !== undefined) this.notes.request({ ...splitRequestTag(request.requestTag), first, last: first + leaves - 1 });
    return { first, last: first + leaves - 1 };
  }

  #countEvents(events: EventBatch, from: number, to: number): void {
    this.minutes.countLeaves(this.size - (to - from), to - from, this.lastTimeNs);
    this.minutes.countEvents(events, from, to);
  }

  #stageRecordOf(request: AppendRequest, { type, payload }: NonNullable<AppendRequest['record']>, isFirst: boolean): void {
    const seq = this.size;
    this.minutes.countLeaves(seq, 1, this.lastTimeNs);
    this.#stageRecord(type, payload, isFirst ? request.requestTag : undefined);
    const fields = payload as { readonly sha256?: unknown; readonly pruned?: unknown };
    if (type === 'recovery' && typeof fields.sha256 === 'string') this.notes.recovery(seq, fields.sha256);
    if (type === 'config' && fields.pruned !== undefined) this.notes.pruning(seq);
    this.#noteSegmentEnd();
  }

  /** Stages the leaf by which an older ledger begins to seal, in its epoch 0. */
  stageBeginning(): void {
    const { keys } = this.#epochs;
    const payload = { epochKey: keys.signer(this.identity).verifierKey, epochPolicy: EPOCH_POLICY_SEAL };
    this.#stageOwn('config', payload);
    this.#epochs = { ...this.#epochs, isSealing: true, isActive: true };
    this.#noteSegmentEnd();
  }

  /** Stages the leaf by which `next`, the first keys of a new lineage, take over; the seal has to follow at once. */
  stageRotation(next: EpochKeys): void {
    const rotation = keyCommitment(nodeHashes, next.macKey, this.identity.ledgerId);
    this.#stageOwn('keyRotate', { firstEpoch: this.#epochs.epoch + 1, keyCommitment: toHex(rotation) });
    this.#epochs = { ...this.#epochs, isActive: true, rotation };
    this.#noteSegmentEnd();
  }

  /**
   * Stages the seal of the running epoch, a request of its own; what follows belongs to the next epoch and is MACed with its keys. The
   * ending epoch's keys are left as they are: a failed write goes back to them.
   */
  stageSeal(next: EpochKeys, moment: SealMoment): void {
    const ending = this.#epochs;
    assertInvariant(ending.isSealing && next.epoch === ending.epoch + 1, 'a seal leads from one epoch to the next');
    this.closeMinute();
    const seq = this.size;
    this.#stageOwn('epochSeal', sealPayload(ending, seq, this.chain.mac(), next.signer(this.identity).verifierKey, moment));
    this.#enter(openEpoch(ending, next, { seq, timeNs: this.lastTimeNs, isFinal: moment.isFinal }));
    this.#noteSegmentEnd();
  }

  /** Stages the summary of the last minute if a later one has begun. */
  closeMinute(): void {
    const summary = this.minutes.due(this.lastTimeNs);
    if (summary === undefined) return;
    this.minutes.close();
    this.#makeRoom(RECORD_ROOM_BYTES);
    this.#stageRecord('minuteSummary', summary, undefined);
    this.#noteSegmentEnd();
  }

  /**
   * Takes over a leaf that stands on the disk, if it continues the ledger; otherwise leaves the state as it was and says why not. The MACs
   * of epochs whose keys are gone cannot be checked: the signed root covers those leaves. Minutes are not counted here: recovery recounts
   * the last one. `frame` is `u16 length ‖ leaf`; its prefix is overwritten.
   */
  adoptFrame(frame: Buffer, leaf: Leaf, secrets: EpochSecrets): string | undefined {
    const { epoch, keys, isSealing } = this.#epochs;
    if (leaf.epoch !== epoch) return `expected epoch ${epoch}, found ${leaf.epoch}`;
    if (leaf.type === LEAF_TYPES.epochSeal && !isSealing) return 'a seal in a ledger that does not seal';
    if (epoch < keys.epoch) this.chain.reset(leaf.mac);
    else if (!this.#continuesChain(frame)) return `the MAC ${toHex(leaf.mac).slice(0, 16)}… does not continue the chain`;
    const { timeNs } = leaf;
    // The frame is scribbled on below, and the epoch's keys come before the next leaf's MAC.
    const after = epochAfter(this.#epochs, leaf, secrets);
    const end = nextSegment(this.end);
    this.delta.leaf(this.size, end, timeNs);
    frame[1] = 0x00;
    this.frontier.add(hash('sha256', frame.subarray(1), 'latin1'));
    this.#size++;
    this.end = { first: end.first, leaves: end.leaves + 1, bytes: end.bytes + frame.length };
    this.lastTimeNs = timeNs;
    if (after !== this.#epochs) this.#enter(after);
    return undefined;
  }

  /** Takes over a whole segment by its index, unread; whoever trusts it holds the tree that comes of it against what was signed. */
  adoptSegment(index: SegmentIndex): void {
    const { first, leaves, bytes } = index;
    for (const { offset, timeNs, root } of index.blocks) {
      this.delta.start({ segmentFirst: first, offset, timeNs });
      this.frontier.addBlock(root);
    }
    this.#size += leaves;
    this.end = { first, leaves, bytes };
    this.lastTimeNs = index.lastTimeNs;
    this.chain.reset(index.lastMac);
    const { keys, mismatch } = this.#epochs;
    this.#enter({ ...index.epochs, keys, mismatch });
  }

  #continuesChain(frame: Buffer): boolean {
    const macAt = frame.length - LEAF_MAC_BYTES;
    const before = this.chain.mac();
    this.chain.buffer.set(frame.subarray(FRAME_PREFIX_BYTES, macAt), FastChain.bodyAt);
    this.chain.advance(macAt - FRAME_PREFIX_BYTES);
    if (this.chain.mac().equals(frame.subarray(macAt))) return true;
    this.chain.reset(before);
    return false;
  }

  #enter(epochs: EpochState): void {
    if (epochs.keys !== this.#epochs.keys) this.chain.rekey(epochs.keys.macKey);
    this.#stager.setEpoch(epochs.epoch);
    this.#epochs = epochs;
  }

  /** To be called after a leaf, when everything that it changes is counted in. */
  #noteSegmentEnd(): void {
    const { end, lastTimeNs } = this;
    if (!segmentIsFull(end.leaves, end.bytes)) return;
    this.notes.closing({ end, epochs: this.#epochs, lastTimeNs, lastMac: this.chain.mac(), minute: this.minutes.mark() });
  }

  /** A record that is a request of its own. */
  #stageOwn(type: LeafTypeName, payload: Json): void {
    this.closeMinute();
    this.#makeRoom(RECORD_ROOM_BYTES);
    this.minutes.countLeaves(this.size, 1, this.lastTimeNs);
    this.#stageRecord(type, payload, undefined);
  }

  #stageRecord(type: LeafTypeName, payload: Json, tag: Uint8Array | undefined): void {
    const bytes = Buffer.from(canonicalJson(payload));
    assertInvariant(bytes.length <= PAYLOAD_BYTES_MAX, `a ${type} record fits a leaf`);
    this.#stageLeaf(LEAF_TYPES[type], FLAG_LAST_OF_REQUEST, tag, bytes, 0, bytes.length);
  }

  #stageLeaf(type: number, flags: number, tag: Uint8Array | undefined, payloads: Buffer, payloadFrom: number, payloadTo: number): void {
    const end = nextSegment(this.end);
    const seq = this.#size++;
    this.delta.leaf(seq, end, this.lastTimeNs);
    const at = this.#used;
    this.#used = this.#stager.stage(this.#group, at, { type, flags, seq, tag, payloads, payloadFrom, payloadTo });
    const piece = this.#pieces.at(-1);
    if (piece?.segmentFirst === end.first) piece.to = this.#used;
    else this.#pieces.push({ segmentFirst: end.first, fileOffset: end.bytes, from: at, to: this.#used });
    this.end = { first: end.first, leaves: end.leaves + 1, bytes: end.bytes + this.#used - at };
    if (this.#used - this.#hashed >= HASH_AT_ONCE_BYTES) this.#hashStaged();
  }

  #hashStaged(): void {
    this.#leafLanes.addTo(this.#frontier, this.#group.subarray(this.#hashed, this.#used));
    this.#hashed = this.#used;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#group.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#group.length * 2, this.#used + bytes));
    larger.set(this.#group.subarray(0, this.#used));
    this.#group = larger;
  }
}
