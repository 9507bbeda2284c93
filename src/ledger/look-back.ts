import { FRAME_PREFIX_BYTES, LEAF_TYPES, segmentName, TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { CommittedHead } from './committer.ts';
import type { EpochFacts } from './epoch-facts.ts';
import { FileReader } from './file-reader.ts';
import { LedgerError } from './ledger-error.ts';
import { LedgerIndex, type IndexDelta } from './ledger-index.ts';
import { parsePruning, type Pruning } from './pruning.ts';
import type { ScanResult } from './scan.ts';
import type { StartWalk, WalkInputs } from './start-walk.ts';

/**
 * What a start has to know of entries below those that it walked: the roots of older heads, from the tree and one block each; where the
 * running epoch began; and what the last entry that states a pruning says. Throws LedgerError `tampered` when segments are gone that none states.
 */
export async function lookBack(walk: StartWalk, inputs: WalkInputs, scan: ScanResult, delta: IndexDelta): Promise<Pruning | undefined> {
  const { checkpoint, anchor, lock, checkpointFile } = inputs.expected;
  const walkedFrom = walk.walkedFrom.seq;
  const older = [checkpoint, anchor, lock].filter((head) => head !== undefined).filter(({ size }) => size > 0 && size <= walkedFrom);
  const last = walk.prunings.findLast(({ seq }) => seq < scan.complete.frontier.size);
  let pruning = last?.pruning;
  const { epochs } = scan.complete;
  const isEpochOlder = epochs.firstSeq < walkedFrom;
  if (isEpochOlder || older.length > 0 || (last !== undefined && pruning === undefined)) {
    const index = new LedgerIndex(nodeHashes);
    index.apply(delta);
    const reader = readerOf(inputs, scan, index);
    if (last !== undefined) pruning ??= parsePruning(await reader.verifiedLeaf(last.seq));
    if (pruning !== undefined) index.prune(pruning);
    if (isEpochOlder) await assertOpened(reader, epochs);
    for (const { size } of older) {
      const root = await rootUnlessPruned(reader, size);
      if (root !== undefined) walk.heads.root(size, root);
    }
    if (checkpoint !== undefined && checkpointFile !== undefined && checkpoint.size <= walkedFrom)
      walk.published = await headOf(reader, delta, checkpoint, checkpointFile.toString('utf8'));
  }
  const unstated = walk.removed.find((first) => pruning === undefined || first >= pruning.before);
  if (unstated !== undefined)
    throw new LedgerError('tampered', `the segment ${segmentName(unstated)} is missing, and no entry says that it was removed`);
  return pruning;
}

function readerOf({ paths, identity }: WalkInputs, { complete }: ScanResult, index: LedgerIndex): FileReader {
  const { end, lastTimeNs, frontier } = complete;
  const head = {
    size: frontier.size,
    root: new Uint8Array(0),
    checkpoint: '',
    lastTimeNs,
    segmentFirst: end.first,
    segmentBytes: end.bytes,
  };
  return new FileReader(paths.segments, identity, index, () => head);
}

/** The running epoch began in a segment that was not read: its seal will state where and when, so the index is not believed in that. */
async function assertOpened(reader: FileReader, { epoch, firstSeq, openedNs }: EpochFacts): Promise<void> {
  const opening = await reader.verifiedLeaf(Math.max(firstSeq - 1, 0));
  const isSeal = opening.type === LEAF_TYPES.epochSeal && opening.epoch === epoch - 1;
  if (opening.timeNs !== openedNs || (firstSeq === 0 ? epoch !== 0 : !isSeal))
    throw new LedgerError('io', `epoch ${epoch} does not begin with entry ${firstSeq}`);
}

/** Undefined when retention removed the very block that the size ends in: then nothing here can tell any more. */
async function rootUnlessPruned(reader: FileReader, size: number): Promise<Uint8Array | undefined> {
  try {
    return await reader.rootAt(size);
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'pruned') return undefined;
    throw error;
  }
}

/** How far the ledger went when the checkpoint was published. */
async function headOf(
  reader: FileReader,
  { starts }: IndexDelta,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  checkpoint: string,
): Promise<CommittedHead> {
  const block = Math.floor((size - 1) / TILE_WIDTH);
  const { segmentFirst, offset } = starts[block];
  let segmentBytes = offset;
  let lastTimeNs = 0n;
  for await (const leaf of reader.leaves(block * TILE_WIDTH, size)) {
    segmentBytes += FRAME_PREFIX_BYTES + leaf.bytes.length;
    lastTimeNs = leaf.timeNs;
  }
  return { size, root, checkpoint, lastTimeNs, segmentFirst, segmentBytes };
}
