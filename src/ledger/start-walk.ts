import { equalBytes } from '../kernel/bytes.ts';
import { FLAG_LAST_OF_REQUEST, FRAME_PREFIX_BYTES, LEAF_TYPES, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { checkpointNote } from './checkpoint.ts';
import type { CommittedHead } from './committer.ts';
import { HeadCheck, type ExpectedHeads } from './expected-heads.ts';
import { readIndex, writeIndex, type SegmentOnDisk } from './index-files.ts';
import type { LedgerKeys } from './keys.ts';
import { nextSegment, type IndexDelta, type SegmentEnd } from './ledger-index.ts';
import type { LedgerState } from './ledger-state.ts';
import type { MinuteMark } from './minute-counter.ts';
import { findOpenRequest } from './open-request.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { parsePruning, type Pruning } from './pruning.ts';
import { RequestLog } from './request-log.ts';
import type { ScanHooks, ScanResult } from './scan.ts';
import type { SegmentIndex } from './segment-index.ts';
import { ledgerStart, recordedDigest, SegmentIndexBuilder } from './segment-index-builder.ts';
import type { SegmentSeed } from './segment-recorder.ts';

/** What a start walks, and what it holds it against. */
export interface WalkInputs {
  readonly paths: LedgerPaths;
  readonly keys: LedgerKeys;
  readonly identity: LedgerIdentity;
  /** As the genesis says. */
  readonly isSealing: boolean;
  readonly expected: ExpectedHeads;
}

/**
 * What a start sees on its way: roots and MACs at known sizes, request tags, quarantine records, prunings. Full segments below the one that
 * holds the last acknowledged entry are taken over by their index, unread, if `useIndexes`; whether they were right shows at the end.
 */
export class StartWalk implements ScanHooks {
  readonly heads: HeadCheck;
  readonly requests = new RequestLog();
  /** Where the last leaf known to have been acknowledged ends. */
  trustedEnd: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };
  /** The checkpoint file as a head; undefined when its size was not walked. */
  published: CommittedHead | undefined;
  /** Behind the last leaf whose MAC was not checked: its epoch's key is gone, or it was taken over unread. */
  uncheckedEnd = 0;
  /** First leaves of segments that are gone. */
  readonly removed: number[] = [];
  /** Leaves that state a pruning; those in segments taken over are yet to be read. */
  readonly prunings: { readonly seq: number; readonly pruning: Pruning | undefined }[] = [];
  readonly #state: LedgerState;
  readonly #inputs: WalkInputs;
  readonly #useIndexes: boolean;
  readonly #recoveries: { seq: number; sha256: string }[] = [];
  /** Pieces that recovery leaves speak of in segments taken over. */
  readonly #recoveriesBefore: string[] = [];
  readonly #roots: Uint8Array[] = [];
  /** The last segment taken over. */
  #adopted: SegmentIndex | undefined;
  #hasUnread = false;
  #builder: SegmentIndexBuilder | undefined;
  #isMarkRight = false;

  constructor(state: LedgerState, inputs: WalkInputs, useIndexes: boolean) {
    this.#state = state;
    this.#inputs = inputs;
    this.#useIndexes = useIndexes;
    this.heads = new HeadCheck(inputs.expected);
  }

  /** A segment was not read although it is there: what its index says wrongly can be found out by reading it. */
  get hasUnread(): boolean {
    return this.#hasUnread;
  }

  /** The tree that came of indexes and leaves is the one whose checkpoint was acknowledged, by the MAC of the watermark. */
  get isMarkRight(): boolean {
    return this.#isMarkRight;
  }

  /** First leaf behind the last segment that was taken over, and the counts of the minute that ran there. */
  get walkedFrom(): { readonly seq: number; readonly minute: MinuteMark } {
    const adopted = this.#adopted;
    return adopted === undefined ? { seq: 0, minute: undefined } : { seq: adopted.first + adopted.leaves, minute: adopted.facts.minute };
  }

  get quarantined(): ReadonlySet<string> {
    return new Set([...this.#recoveriesBefore, ...this.#recoveries.map(({ sha256 }) => sha256)]);
  }

  indexOf({ first, bytes }: SegmentOnDisk): SegmentIndex | undefined {
    if (first === undefined) return undefined;
    const { paths, keys, expected } = this.#inputs;
    const index = (this.#useIndexes && bytes !== undefined ? readIndex(paths.index, first) : undefined) ?? readIndex(paths.pruned, first);
    // The walk must not begin behind the epoch whose secrets we hold: it follows their evolution.
    if (index === undefined || index.epochs.epoch > keys.epoch.epoch) return undefined;
    if (bytes === undefined) return index;
    return this.#useIndexes && index.bytes === bytes && index.first + index.leaves < expected.trustedSize ? index : undefined;
  }

  adopted(index: SegmentIndex, { bytes }: SegmentOnDisk): void {
    this.#adopted = index;
    this.#builder = undefined;
    this.uncheckedEnd = index.first + index.leaves;
    if (bytes === undefined) this.removed.push(index.first);
    else this.#hasUnread = true;
    this.#roots.push(...this.#state.frontier.takeBlockRoots());
    this.requests.adopt(index.requests);
    this.#recoveriesBefore.push(...index.facts.recoveries);
    const { prunedSeq } = index.facts;
    if (prunedSeq !== undefined) this.prunings.push({ seq: prunedSeq, pruning: undefined });
  }

  begin(first: number): void {
    const adopted = this.#builder === undefined ? this.#adopted : undefined;
    if (adopted === undefined) {
      this.#builder = new SegmentIndexBuilder(this.#builder?.next() ?? ledgerStart(this.#inputs.isSealing));
      return;
    }
    const isRemoved = this.removed.at(-1) === adopted.first;
    const openRequest = isRemoved ? undefined : findOpenRequest(this.#inputs.paths.segments, adopted);
    this.requests.resume(openRequest);
    const { epochs, facts } = adopted;
    this.#builder = new SegmentIndexBuilder({ first, epochs, minute: facts.minute, prunedSeq: facts.prunedSeq, openRequest });
  }

  leaf(leaf: Leaf): void {
    const state = this.#state;
    const size = leaf.seq + 1;
    this.heads.at(
      size,
      () => state.frontier.root(),
      () => state.chain.mac(),
    );
    const { trustedSize, checkpoint, checkpointFile, marks } = this.#inputs.expected;
    if (leaf.epoch < this.#inputs.keys.epoch.epoch) this.uncheckedEnd = size;
    if (size === trustedSize) this.trustedEnd = state.end;
    if (size === marks.newest?.size) this.#isMarkRight = this.#isAcknowledged(marks.newest.checkpointHash);
    if (size === checkpoint?.size && checkpointFile !== undefined) {
      const { first, bytes } = state.end;
      const note = checkpointFile.toString('utf8');
      this.published = { size, root: checkpoint.root, checkpoint: note, lastTimeNs: leaf.timeNs, segmentFirst: first, segmentBytes: bytes };
    }
    this.requests.leaf(leaf.seq, leaf.requestTag, (leaf.flags & FLAG_LAST_OF_REQUEST) !== 0);
    if (leaf.type === LEAF_TYPES.recovery) this.#recoveries.push(...recordedDigest(leaf).map((sha256) => ({ seq: leaf.seq, sha256 })));
    const pruning = parsePruning(leaf);
    if (pruning !== undefined) this.prunings.push({ seq: leaf.seq, pruning });
    this.#builder?.leaf(leaf, state.end.bytes - leaf.bytes.length - FRAME_PREFIX_BYTES);
  }

  filled(): void {
    const roots = this.#state.frontier.takeBlockRoots();
    this.#roots.push(...roots);
    this.#builder?.roots(roots);
    // Also when it was read because its index was missing or wrong: the next start need not.
    if (this.#builder !== undefined) writeIndex(this.#inputs.paths, this.#builder.finish());
  }

  /** The index of the whole ledger up to the last complete request. */
  takeIndex(scan: ScanResult): IndexDelta {
    const size = scan.complete.frontier.size;
    const starts = this.#state.delta.take().starts.filter((_, block) => block * TILE_WIDTH < size);
    const roots = [...this.#roots, ...this.#state.frontier.takeBlockRoots()].filter((_, block) => (block + 1) * TILE_WIDTH <= size);
    return { starts, roots };
  }

  /** What the segment that takes leaves holds up to there. */
  activeSegment({ complete }: ScanResult, { starts, roots }: IndexDelta): SegmentSeed {
    const { first } = nextSegment(complete.end);
    const pruned = this.prunings.findLast(({ seq }) => seq < complete.frontier.size);
    return {
      starts: starts.filter(({ segmentFirst }) => segmentFirst === first),
      roots: roots.slice(first / TILE_WIDTH),
      requests: this.requests.list().filter(({ last }) => last >= first),
      recoveries: this.#recoveries.filter(({ seq }) => seq >= first && seq < complete.frontier.size),
      prunings: pruned === undefined ? [] : [pruned.seq],
    };
  }

  #isAcknowledged(checkpointHash: Uint8Array): boolean {
    const { epochs, size, frontier } = this.#state;
    const { identity, keys } = this.#inputs;
    const signer = epochs.isSealing ? epochs.keys.signer(identity) : undefined;
    const note = checkpointNote(identity, keys.signingKey, signer, size, frontier.root());
    return equalBytes(nodeHashes.sha256(Buffer.from(note)), checkpointHash);
  }
}
