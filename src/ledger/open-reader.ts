import { hash } from 'node:crypto';
import { join } from 'node:path';
import { equalBytes, readU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, LeafFormatError, parseLeaf, segmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { ownCheckpoint } from './checkpoint.ts';
import { FileReader } from './file-reader.ts';
import { isPresent, readIfPresent } from './files.ts';
import { Frontier } from './frontier.ts';
import { parseGenesis } from './genesis.ts';
import { listSegments, readIndex, type SegmentOnDisk } from './index-files.ts';
import { LedgerError } from './ledger-error.ts';
import { DeltaBuilder, LedgerIndex, type SegmentEnd } from './ledger-index.ts';
import { ledgerPaths, type LedgerPaths } from './paths.ts';
import type { LedgerIdentity, LedgerReader } from './ports.ts';
import type { SegmentIndex } from './segment-index.ts';
import { walkFrames } from './walk-frames.ts';

const NOTE_BYTES_MAX = 16_384;

/** A reader that says where it could read no further. */
export interface OfflineReader extends LedgerReader {
  /** Undefined when every byte that was looked at was an entry in its place. */
  readonly stopped: string | undefined;
  /** End of the sealed segment that holds the leaf; undefined while that segment takes leaves. */
  sealedEnd(seq: number): number | undefined;
}

/**
 * Opens a ledger for reading without its keys and beside a running writer: `log cat`, `grep`, `tail`, `proof`. It checks framing and
 * counters so that it can navigate, nothing more: judging is the verifier's. Full segments are taken from their index when that leads to
 * the root of the published checkpoint, and read otherwise. The head is what stood on the disk when it was opened; its `checkpoint` is the
 * published file, which may be of a smaller size.
 */
export function openLedgerReader(dataDir: string): OfflineReader {
  const paths = ledgerPaths(dataDir);
  if (!isPresent(paths.segments)) throw new LedgerError('io', `no ledger in ${dataDir}`);
  const identity = readIdentity(paths);
  if (identity === undefined) throw new LedgerError('io', `the ledger in ${dataDir} has no readable beginning; run log verify`);
  const note = readIfPresent(paths.checkpoint, NOTE_BYTES_MAX)?.toString('utf8') ?? '';
  const signed = ownCheckpoint(note, identity);
  const quick = signed === undefined ? undefined : new ReadingPass(paths, signed.size);
  const isRight = signed !== undefined && equalBytes(quick?.signedRoot ?? new Uint8Array(0), signed.root);
  const pass = quick !== undefined && isRight ? quick : new ReadingPass(paths, undefined);
  const { size, end, lastTimeNs, stopped } = pass;
  const head = { size, root: pass.root(), checkpoint: note, lastTimeNs, segmentFirst: end.first, segmentBytes: end.bytes };
  return Object.assign(new FileReader(paths.segments, identity, pass.index(), () => head), { stopped });
}

function readIdentity(paths: LedgerPaths): LedgerIdentity | undefined {
  const head = readIfPresent(join(paths.segments, segmentName(0)), FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);
  if (head === undefined || head.length < FRAME_PREFIX_BYTES) return undefined;
  const leaf = parseOrExplain(head.subarray(FRAME_PREFIX_BYTES, FRAME_PREFIX_BYTES + readU16(head, 0)));
  return typeof leaf === 'string' ? undefined : parseGenesis(leaf);
}

/** One way through the segments from the first entry to the last; without a signed size every one that is there is read. */
class ReadingPass {
  end: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };
  lastTimeNs = 0n;
  stopped: string | undefined;
  /** Of the size that the checkpoint states; undefined unless that was walked. */
  signedRoot: Uint8Array | undefined;
  readonly #paths: LedgerPaths;
  readonly #signedSize: number | undefined;
  readonly #frontier = new Frontier();
  readonly #delta = new DeltaBuilder();
  /** Leaves that retention removed. */
  #removed: { readonly from: number; before: number } | undefined;

  constructor(paths: LedgerPaths, signedSize: number | undefined) {
    this.#paths = paths;
    this.#signedSize = signedSize;
    for (const segment of listSegments(paths)) {
      this.stopped = this.#pass(segment);
      if (this.stopped !== undefined) break;
    }
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  index(): LedgerIndex {
    const index = new LedgerIndex(nodeHashes);
    index.apply({ ...this.#delta.take(), roots: this.#frontier.takeBlockRoots() });
    if (this.#removed !== undefined) index.prune({ ...this.#removed, archive: undefined });
    return index;
  }

  /** Why the ledger goes no further than here, or undefined. */
  #pass({ name, first, bytes }: SegmentOnDisk): string | undefined {
    if (first !== this.size) return `${name} does not begin with entry ${this.size}`;
    const isRemoved = bytes === undefined;
    const index = readIndex(isRemoved ? this.#paths.pruned : this.#paths.index, first);
    // The end of the signed part has to be walked: its root is what shows the indexes to be right.
    if (index !== undefined && (isRemoved || (index.bytes === bytes && first + index.leaves < (this.#signedSize ?? 0)))) {
      this.#adopt(index, isRemoved);
      return undefined;
    }
    if (isRemoved) return `${name} was removed by retention, and its index cannot be read`;
    this.end = { first, leaves: 0, bytes: 0 };
    const broken = walkFrames(join(this.#paths.segments, name), (frame) => this.#take(frame));
    return broken === undefined ? undefined : `${name}, entry ${this.size}, byte ${broken.offset}: ${broken.reason}`;
  }

  #adopt(index: SegmentIndex, isRemoved: boolean): void {
    const { first, leaves, bytes } = index;
    for (const { offset, timeNs, root } of index.blocks) {
      this.#delta.start({ segmentFirst: first, offset, timeNs });
      this.#frontier.addBlock(root);
    }
    this.end = { first, leaves, bytes };
    this.lastTimeNs = index.lastTimeNs;
    if (!isRemoved) return;
    if (this.#removed === undefined) this.#removed = { from: first, before: first + leaves };
    else this.#removed.before = first + leaves;
  }

  #take(frame: Buffer): string | undefined {
    const leaf = parseOrExplain(frame.subarray(FRAME_PREFIX_BYTES));
    if (typeof leaf === 'string') return leaf;
    if (leaf.seq !== this.size) return `expected counter ${this.size}, found ${leaf.seq}`;
    const { first, leaves, bytes } = this.end;
    this.#delta.leaf(leaf.seq, this.end, leaf.timeNs);
    this.lastTimeNs = leaf.timeNs;
    this.end = { first, leaves: leaves + 1, bytes: bytes + frame.length };
    // Hashes 0x00 ‖ leaf in place: the frame's second byte is free to be the prefix.
    frame[1] = 0x00;
    this.#frontier.add(hash('sha256', frame.subarray(1), 'latin1'));
    if (this.size === this.#signedSize) this.signedRoot = this.#frontier.root();
    return undefined;
  }
}

function parseOrExplain(bytes: Buffer): ReturnType<typeof parseLeaf> | string {
  try {
    return parseLeaf(bytes);
  } catch (error) {
    if (error instanceof LeafFormatError) return error.message;
    throw error;
  }
}
