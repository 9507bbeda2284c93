import { join } from 'node:path';
import { readU16 } from '../kernel/bytes.ts';
import type { Json } from '../kernel/canonical-json.ts';
import {
  FLAG_LAST_OF_REQUEST,
  FRAME_PREFIX_BYTES,
  LEAF_BYTES_MAX,
  LEAF_TYPES,
  LeafFormatError,
  parseLeaf,
  segmentName,
  TILE_WIDTH,
  type Leaf,
} from '../kernel/leaf.ts';
import type { CommittedHead } from './committer.ts';
import { firstEpochState, type EpochSecrets } from './epoch-state.ts';
import { HeadCheck, readExpectedHeads, type ExpectedHeads, type LockedNote } from './expected-heads.ts';
import { announceFile } from './announce-file.ts';
import { readIfPresent, rewriteDurably, syncDirectory } from './files.ts';
import { assertOwnKeys, parseGenesis, type Genesis } from './genesis.ts';
import { replaceEpochKeys } from './key-files.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { IndexDelta, SegmentEnd } from './ledger-index.ts';
import { LedgerState } from './ledger-state.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { cutTail, orphanFindings, replacedFinding } from './quarantine.ts';
import { recountMinute } from './recount-minute.ts';
import { RequestLog, type RememberedRequest } from './request-log.ts';
import { finishRotation } from './rotate-files.ts';
import { scanSegments, type ScanResult } from './scan.ts';
import { NO_JOURNAL, type WriteJournal } from './write-journal.ts';

export interface Recovered {
  readonly identity: LedgerIdentity;
  readonly state: LedgerState;
  /** The whole index, for whoever reads. */
  readonly delta: IndexDelta;
  /** Highest good watermark generation; the next one is written above it. */
  readonly generation: number;
  /** The checkpoint file as it stood there: what was public last; undefined when it had to be replaced. */
  readonly published: CommittedHead | undefined;
  /** Payloads of the recovery leaves to append first: what was found and done. */
  readonly findings: readonly Json[];
  readonly requests: readonly RememberedRequest[];
}

export interface RecoverOptions {
  /** A checkpoint that the operator kept elsewhere. */
  readonly anchorNote?: string | undefined;
  /** Undefined when there is no lock, nothing in it yet, or it cannot be reached. */
  readonly locked?: LockedNote | undefined;
  readonly journal?: WriteJournal | undefined;
}

/**
 * The normal start: walks the ledger, checks it against watermark, checkpoint, keys and lock, cuts off what was never acknowledged.
 * Refuses (LedgerError) when anything acknowledged is missing or changed. May itself die anywhere: every step can be repeated.
 */
export async function recoverLedger(paths: LedgerPaths, keys: LedgerKeys, options: RecoverOptions = {}): Promise<Recovered> {
  const { journal = NO_JOURNAL } = options;
  const genesis = readGenesis(paths);
  assertOwnKeys(genesis, keys);
  const { ledgerId, origin, verifierKey } = genesis;
  const identity = { ledgerId, origin, verifierKey };
  const heads = readExpectedHeads(paths, keys, identity, options.anchorNote, options.locked);
  const secrets = { identity, loaded: keys.epoch, rotated: keys.rotated };

  const state = new LedgerState(identity, firstEpochState(keys.epoch, genesis.isSealing));
  const walk = new Walk(state, heads);
  const scan = scanSegments(paths.segments, state, secrets, heads.trustedSize, walk);
  assertKept(scan, heads, state, walk.heads);
  assertRunningEpoch(scan, secrets);

  const findings: Json[] = scan.broken === undefined ? [] : cutTail(paths, scan, scan.broken, journal);
  if (scan.complete.frontier.size > heads.trustedSize) makeKeptDurable(paths, scan, walk.trustedEnd);
  evolveKeys(paths, scan, keys, identity, journal);
  findings.push(...replacedFindings(paths, heads, scan.complete.frontier.size));
  findings.push(...orphanFindings(paths, walk.quarantined, findings, scan.complete.frontier.size));
  const delta = walk.rewind(scan);
  await recountMinute(paths.segments, state, delta);
  const { published } = walk;
  return { identity, state, delta, generation: heads.marks.newest?.generation ?? 0, published, findings, requests: walk.requests.list() };
}

/** What the first leaf says; nothing in it is believed before the walk has checked its MAC or the signed root above it. */
export function readGenesis(paths: LedgerPaths): Genesis {
  const path = join(paths.segments, segmentName(0));
  const head = readIfPresent(path, FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);
  if (head === undefined) throw new LedgerError('truncated', `${path} is missing: the ledger has lost its beginning`);
  try {
    const leafBytes = head.length < FRAME_PREFIX_BYTES ? 0 : readU16(head, 0);
    return parseGenesis(parseLeaf(head.subarray(FRAME_PREFIX_BYTES, FRAME_PREFIX_BYTES + leafBytes)));
  } catch (error) {
    if (error instanceof LeafFormatError)
      throw new LedgerError('tampered', `${segmentName(0)}, entry 0, byte 0: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What the scan has to see on its way: roots and MACs at known sizes, request tags, quarantine records. */
class Walk {
  readonly heads: HeadCheck;
  readonly requests = new RequestLog();
  readonly quarantined = new Set<string>();
  /** Where the last leaf known to have been acknowledged ends. */
  trustedEnd: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };
  published: CommittedHead | undefined;
  readonly #state: LedgerState;
  readonly #expected: ExpectedHeads;

  constructor(state: LedgerState, expected: ExpectedHeads) {
    this.#state = state;
    this.#expected = expected;
    this.heads = new HeadCheck(expected);
  }

  leaf(leaf: Leaf): void {
    const size = leaf.seq + 1;
    this.heads.at(
      size,
      () => this.#state.frontier.root(),
      () => this.#state.chain.mac(),
    );
    const { trustedSize, checkpoint, checkpointFile } = this.#expected;
    if (size === trustedSize) this.trustedEnd = this.#state.end;
    if (size === checkpoint?.size && checkpointFile !== undefined) {
      const { first, bytes } = this.#state.end;
      const note = checkpointFile.toString('utf8');
      this.published = { size, root: checkpoint.root, checkpoint: note, lastTimeNs: leaf.timeNs, segmentFirst: first, segmentBytes: bytes };
    }
    this.requests.leaf(leaf.seq, leaf.requestTag, (leaf.flags & FLAG_LAST_OF_REQUEST) !== 0);
    if (leaf.type === LEAF_TYPES.recovery) {
      const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(Buffer.from(leaf.payload).toString('utf8'));
      if (sha256 !== null) this.quarantined.add(sha256[1]);
    }
  }

  /** Takes the state back to the last complete request and builds the index up to there. */
  rewind(scan: ScanResult): IndexDelta {
    const size = scan.complete.frontier.size;
    const starts = this.#state.delta.take().starts.filter((_, block) => block * TILE_WIDTH < size);
    const roots = this.#state.frontier.takeBlockRoots().filter((_, block) => (block + 1) * TILE_WIDTH <= size);
    this.#state.reset(scan.complete);
    this.requests.cut(size);
    return { starts, roots };
  }
}

/** Everything acknowledged, signed or locked is there and is what it was. */
function assertKept(scan: ScanResult, heads: ExpectedHeads, state: LedgerState, check: HeadCheck): void {
  const { mismatch } = state.epochs;
  const { trustedSize, checkpoint, anchor, lock } = heads;
  const needed = Math.max(trustedSize, checkpoint?.size ?? 0, anchor?.size ?? 0);
  const kept = scan.complete.frontier.size;
  const at = scan.broken;
  if (kept < Math.max(needed, lock?.size ?? 0)) {
    // A wrong key fails the first MAC after the entry that announced the right one.
    if (at !== undefined && mismatch !== undefined) throw new LedgerError('key-mismatch', mismatch);
    const isCut = at === undefined || at.isEndOfFile;
    if (!isCut) throw new LedgerError('tampered', `${at.segment}, entry ${at.seq}, byte ${at.offset}: ${at.reason}`);
    const ends = `the ledger ends after ${at?.seq ?? kept} entries, but`;
    if (kept < needed)
      throw new LedgerError('truncated', `${ends} ${needed} were acknowledged (${at?.segment ?? ''}, byte ${at?.offset ?? 0})`);
    throw new LedgerError('rolled-back', `${ends} the checkpoint lock states ${lock?.size}`);
  }
  check.assertAll();
  if (mismatch !== undefined) throw new LedgerError('key-mismatch', mismatch);
}

function assertRunningEpoch(scan: ScanResult, { loaded }: EpochSecrets): void {
  const running = scan.complete.epochs.epoch;
  if (running < loaded.epoch)
    throw new LedgerError(
      'truncated',
      `the ledger ends in epoch ${running}, but epoch.key is of epoch ${loaded.epoch}: its end was cut off`,
    );
  if (running > loaded.epoch + 1)
    throw new LedgerError(
      'key-mismatch',
      `the ledger is in epoch ${running}, but epoch.key is of epoch ${loaded.epoch}: it is an old copy`,
    );
}

/**
 * What a killed process left above the watermark may be in memory only. It has to be on the disk before a watermark or a key counts on
 * it, and before the retry of a kept request is told that it landed.
 */
function makeKeptDurable(paths: LedgerPaths, scan: ScanResult, trustedEnd: SegmentEnd): void {
  const trusted = segmentName(trustedEnd.first);
  for (const name of scan.segments) {
    if (name < trusted || name > scan.complete.segment) continue;
    rewriteDurably(join(paths.segments, name), name === trusted ? trustedEnd.bytes : 0);
  }
  syncDirectory(paths.segments);
}

/**
 * Brings epoch.key to the running epoch before anything new is written. The seal that ended its epoch is durable by now: a key that is
 * ahead of the ledger would look like a ledger that was cut.
 */
function evolveKeys(paths: LedgerPaths, scan: ScanResult, keys: LedgerKeys, identity: LedgerIdentity, journal: WriteJournal): void {
  const { epochs } = scan.complete;
  if (epochs.epoch === keys.epoch.epoch + 1) {
    replaceEpochKeys(paths.epochKey, epochs.keys, (content) => announceFile(journal, 'epoch-key', content));
    keys.epoch.wipe();
  }
  finishRotation(paths, keys, epochs, identity);
}

function replacedFindings(paths: LedgerPaths, heads: ExpectedHeads, size: number): Json[] {
  const { marks, watermarkFile, checkpoint, checkpointFile } = heads;
  const findings = marks.damaged.map((slot) => replacedFinding(paths, 'watermark', watermarkFile, size, `slot ${slot} was damaged`));
  if (checkpoint === undefined) {
    const reason = checkpointFile === undefined ? 'missing' : 'not a checkpoint signed by this ledger';
    findings.push(replacedFinding(paths, 'checkpoint', checkpointFile ?? new Uint8Array(0), size, reason));
  }
  return findings;
}
