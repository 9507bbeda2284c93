import { hash } from 'node:crypto';
import { join } from 'node:path';
import { FRAME_PREFIX_BYTES, LeafFormatError, parseLeaf, parseSegmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { FileReader } from './file-reader.ts';
import { listDirectory, isPresent, readIfPresent } from './files.ts';
import { Frontier } from './frontier.ts';
import { parseGenesis } from './genesis.ts';
import { LedgerError } from './ledger-error.ts';
import { DeltaBuilder, LedgerIndex, type SegmentEnd } from './ledger-index.ts';
import { ledgerPaths } from './paths.ts';
import type { LedgerIdentity, LedgerReader } from './ports.ts';
import { walkFrames } from './walk-frames.ts';

const NOTE_BYTES_MAX = 16_384;

/** A reader that says where it could read no further. */
export interface OfflineReader extends LedgerReader {
  /** Undefined when every byte on the disk was an entry in its place. */
  readonly stopped: string | undefined;
}

/**
 * Opens a ledger for reading without its keys and beside a running writer: `log cat`, `grep`, `tail`, `proof`. It checks framing and
 * counters so that it can navigate, nothing more: judging is the verifier's. The head is what stood on the disk when it was opened; its
 * `checkpoint` is the published file, which may be of a smaller size.
 */
export function openLedgerReader(dataDir: string): OfflineReader {
  const paths = ledgerPaths(dataDir);
  if (!isPresent(paths.segments)) throw new LedgerError('io', `no ledger in ${dataDir}`);
  const frontier = new Frontier();
  const delta = new DeltaBuilder();
  let end: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };
  let lastTimeNs = 0n;
  let identity: LedgerIdentity | undefined;
  let stopped: string | undefined;
  for (const name of listDirectory(paths.segments)) {
    const first = parseSegmentName(name);
    if (first !== frontier.size) {
      stopped = `${name} does not begin with entry ${frontier.size}`;
      break;
    }
    end = { first, leaves: 0, bytes: 0 };
    const broken = walkFrames(join(paths.segments, name), (frame) => {
      const leaf = parseOrExplain(frame.subarray(FRAME_PREFIX_BYTES));
      if (typeof leaf === 'string') return leaf;
      if (leaf.seq !== frontier.size) return `expected counter ${frontier.size}, found ${leaf.seq}`;
      identity ??= parseGenesis(leaf);
      delta.leaf(leaf.seq, end, leaf.timeNs);
      lastTimeNs = leaf.timeNs;
      end = { first: end.first, leaves: end.leaves + 1, bytes: end.bytes + frame.length };
      // Hashes 0x00 ‖ leaf in place: the frame's second byte is free to be the prefix.
      frame[1] = 0x00;
      frontier.add(hash('sha256', frame.subarray(1), 'latin1'));
      return undefined;
    });
    if (broken !== undefined) {
      stopped = `${name}, entry ${frontier.size}, byte ${broken.offset}: ${broken.reason}`;
      break;
    }
  }
  if (identity === undefined) throw new LedgerError('io', `the ledger in ${dataDir} has no readable beginning; run log verify`);
  const index = new LedgerIndex(nodeHashes);
  index.apply({ ...delta.take(), roots: frontier.takeBlockRoots() });
  const checkpoint = readIfPresent(paths.checkpoint, NOTE_BYTES_MAX)?.toString('utf8') ?? '';
  const head = { size: frontier.size, root: frontier.root(), checkpoint, lastTimeNs, segmentFirst: end.first, segmentBytes: end.bytes };
  return Object.assign(new FileReader(paths.segments, identity, index, () => head), { stopped });
}

function parseOrExplain(bytes: Buffer): ReturnType<typeof parseLeaf> | string {
  try {
    return parseLeaf(bytes);
  } catch (error) {
    if (error instanceof LeafFormatError) return error.message;
    throw error;
  }
}
