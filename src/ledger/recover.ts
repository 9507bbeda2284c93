import { closeSync, ftruncateSync, fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, readU16, toHex } from '../kernel/bytes.ts';
import { GENESIS_PREVIOUS_MAC } from '../kernel/chain.ts';
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
} from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Checkpoint } from '../kernel/note.ts';
import { ownCheckpoint } from './checkpoint.ts';
import { FastChain } from './fast-chain.ts';
import {
  isDiskFull,
  isPresent,
  listDirectory,
  makeDirectory,
  readIfPresent,
  removeFile,
  rewriteDurably,
  syncDirectory,
  writeNewFile,
} from './files.ts';
import { assertOwnKeys, parseGenesis } from './genesis.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { IndexDelta, SegmentEnd } from './ledger-index.ts';
import { LedgerState } from './ledger-state.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { recountMinute } from './recount-minute.ts';
import { RequestLog, type RememberedRequest } from './request-log.ts';
import { scanSegments, type Break, type ScanResult } from './scan.ts';
import { parseWatermark, watermarkKey, WATERMARK_FILE_BYTES, type WatermarkState } from './watermark.ts';

/** Notes are a few hundred bytes. */
const NOTE_BYTES_MAX = 16_384;
/** Cut tails are copied whole; a group in flight is far smaller, anything larger than this is not a torn write of ours. */
const QUARANTINE_BYTES_MAX = 1024 * 1024 * 1024;

export interface Recovered {
  readonly identity: LedgerIdentity;
  readonly state: LedgerState;
  /** The whole index, for whoever reads. */
  readonly delta: IndexDelta;
  /** Highest good watermark generation; the next one is written above it. */
  readonly generation: number;
  /** Payloads of the recovery leaves to append first: what was found and done. */
  readonly findings: readonly Json[];
  readonly requests: readonly RememberedRequest[];
}

/**
 * The normal start: walks the ledger, checks it against watermark and checkpoint, cuts off what was never acknowledged. Refuses
 * (LedgerError) when anything acknowledged is missing or changed. May itself die anywhere: every step can be repeated.
 */
export async function recoverLedger(paths: LedgerPaths, keys: LedgerKeys, anchorNote: string | undefined): Promise<Recovered> {
  const identity = readIdentity(paths, keys);
  const watermarkFile = readIfPresent(paths.watermark, WATERMARK_FILE_BYTES) ?? new Uint8Array(0);
  const marks = parseWatermark(nodeHashes, watermarkKey(nodeHashes, keys.hmacKey), watermarkFile);
  const anchor = anchorNote === undefined ? undefined : parseAnchor(anchorNote, identity);
  const trustedSize = marks.newest?.size ?? anchor?.size;
  if (trustedSize === undefined) {
    throw new LedgerError(
      'state-lost',
      `no readable watermark in ${paths.watermark}: how much was acknowledged is unknown; start once with --anchor FILE, a checkpoint of this ledger that you kept elsewhere`,
    );
  }
  const checkpointFile = readIfPresent(paths.checkpoint, NOTE_BYTES_MAX);
  const checkpoint = checkpointFile === undefined ? undefined : ownCheckpoint(checkpointFile.toString('utf8'), identity);

  const state = new LedgerState(new FastChain(keys.hmacKey, identity.ledgerId, GENESIS_PREVIOUS_MAC));
  const walk = new Walk(state, marks, trustedSize, [checkpoint, anchor]);
  const scan = scanSegments(paths.segments, state, trustedSize, walk);
  assertNothingLost(scan, trustedSize, [checkpoint, anchor]);
  walk.assertHeads(marks);

  const findings: Json[] = [];
  if (scan.broken !== undefined) cutTail(paths, scan, scan.broken, findings);
  if (scan.complete.frontier.size > trustedSize) makeKeptDurable(paths, scan, walk.trustedEnd);
  const size = scan.complete.frontier.size;
  for (const slot of marks.damaged) findings.push(replaced(paths, 'watermark', watermarkFile, size, `slot ${slot} was damaged`));
  if (checkpoint === undefined) {
    const reason = checkpointFile === undefined ? 'missing' : 'not a checkpoint signed by this ledger';
    findings.push(replaced(paths, 'checkpoint', checkpointFile ?? new Uint8Array(0), size, reason));
  }
  noteOrphans(paths, walk.quarantined, findings, size);
  const delta = walk.rewind(scan);
  await recountMinute(paths.segments, state, delta);
  return { identity, state, delta, generation: marks.newest?.generation ?? 0, findings, requests: walk.requests.list() };
}

function readIdentity(paths: LedgerPaths, keys: LedgerKeys): LedgerIdentity {
  const path = join(paths.segments, segmentName(0));
  const head = readIfPresent(path, FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);
  if (head === undefined) throw new LedgerError('truncated', `${path} is missing: the ledger has lost its beginning`);
  try {
    const leafBytes = head.length < FRAME_PREFIX_BYTES ? 0 : readU16(head, 0);
    const genesis = parseGenesis(parseLeaf(head.subarray(FRAME_PREFIX_BYTES, FRAME_PREFIX_BYTES + leafBytes)));
    assertOwnKeys(genesis, keys);
    return genesis;
  } catch (error) {
    if (error instanceof LeafFormatError)
      throw new LedgerError('tampered', `${segmentName(0)}, entry 0, byte 0: ${error.message}`, { cause: error });
    throw error;
  }
}

function parseAnchor(note: string, identity: LedgerIdentity): Checkpoint {
  const anchor = ownCheckpoint(note, identity);
  if (anchor === undefined) throw new LedgerError('bad-anchor', 'the anchor is not a checkpoint signed by this ledger');
  return anchor;
}

/** What the scan has to see on its way: roots and MACs at known sizes, request tags, quarantine records. */
class Walk {
  readonly requests = new RequestLog();
  readonly quarantined = new Set<string>();
  readonly #state: LedgerState;
  readonly #expected: readonly (Checkpoint | undefined)[];
  readonly #markSize: number | undefined;
  readonly #trustedSize: number;
  readonly #roots = new Map<number, Uint8Array>();
  #markMac: Uint8Array | undefined;

  /** Where the last leaf known to have been acknowledged ends. */
  trustedEnd: SegmentEnd = { first: 0, leaves: 0, bytes: 0 };

  constructor(state: LedgerState, marks: WatermarkState, trustedSize: number, expected: readonly (Checkpoint | undefined)[]) {
    this.#state = state;
    this.#expected = expected;
    this.#markSize = marks.newest?.size;
    this.#trustedSize = trustedSize;
  }

  leaf(leaf: ReturnType<typeof parseLeaf>): void {
    const size = leaf.seq + 1;
    if (this.#expected.some((checkpoint) => checkpoint?.size === size)) this.#roots.set(size, this.#state.frontier.root());
    if (size === this.#trustedSize) this.trustedEnd = this.#state.end;
    if (size === this.#markSize) this.#markMac = this.#state.chain.mac();
    this.requests.leaf(leaf.seq, leaf.requestTag, (leaf.flags & FLAG_LAST_OF_REQUEST) !== 0);
    if (leaf.type === LEAF_TYPES.recovery) {
      const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(Buffer.from(leaf.payload).toString('utf8'));
      if (sha256 !== null) this.quarantined.add(sha256[1]);
    }
  }

  assertHeads(marks: WatermarkState): void {
    if (marks.newest !== undefined && this.#markMac !== undefined && !equalBytes(this.#markMac, marks.newest.mac)) {
      throw new LedgerError('tampered', `entry ${marks.newest.size - 1}: its MAC is not the acknowledged one`);
    }
    for (const checkpoint of this.#expected) {
      const root = checkpoint === undefined ? undefined : this.#roots.get(checkpoint.size);
      if (checkpoint !== undefined && root !== undefined && !equalBytes(root, checkpoint.root)) {
        throw new LedgerError('tampered', `the first ${checkpoint.size} entries do not have the root that was signed for them`);
      }
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

function assertNothingLost(scan: ScanResult, trustedSize: number, expected: readonly (Checkpoint | undefined)[]): void {
  const needed = Math.max(trustedSize, ...expected.map((checkpoint) => checkpoint?.size ?? 0));
  const kept = scan.complete.frontier.size;
  if (kept >= needed) return;
  const at = scan.broken;
  if (at === undefined || at.isEndOfFile) {
    throw new LedgerError(
      'truncated',
      `the ledger ends after ${at?.seq ?? kept} entries, but ${needed} were acknowledged (${at?.segment ?? ''}, byte ${at?.offset ?? 0})`,
    );
  }
  throw new LedgerError('tampered', `${at.segment}, entry ${at.seq}, byte ${at.offset}: ${at.reason}`);
}

/** Copies everything behind the last complete request to quarantine, then cuts it off. */
function cutTail(paths: LedgerPaths, scan: ScanResult, broken: Break, findings: Json[]): void {
  const { end, segment, frontier } = scan.complete;
  for (const name of scan.segments.slice(scan.segments.indexOf(segment))) {
    const path = join(paths.segments, name);
    const keepBytes = name === segment ? end.bytes : 0;
    const fileBytes = statSync(path).size;
    if (fileBytes > keepBytes) {
      const tail = readTail(path, keepBytes, fileBytes);
      const sha256 = quarantine(paths, tail);
      findings.push({
        action: 'cut',
        file: name,
        bytes: tail.length,
        firstSeq: frontier.size,
        reason: name === broken.segment ? broken.reason : 'follows a cut',
        sha256,
      });
    }
    if (name === segment) truncateFile(path, keepBytes);
    else removeFile(path);
  }
  syncDirectory(paths.segments);
}

/**
 * What a killed process left above the watermark may be in memory only. It has to be on the disk before a watermark counts it, and
 * before the retry of a kept request is told that it landed.
 */
function makeKeptDurable(paths: LedgerPaths, scan: ScanResult, trustedEnd: SegmentEnd): void {
  const trusted = segmentName(trustedEnd.first);
  for (const name of scan.segments) {
    if (name < trusted || name > scan.complete.segment) continue;
    rewriteDurably(join(paths.segments, name), name === trusted ? trustedEnd.bytes : 0);
  }
  syncDirectory(paths.segments);
}

function readTail(path: string, from: number, to: number): Buffer {
  if (to - from > QUARANTINE_BYTES_MAX)
    throw new LedgerError('tampered', `${path} goes on for ${to - from} bytes that were never acknowledged: more than a crash can leave`);
  return (readIfPresent(path, to) ?? Buffer.alloc(0)).subarray(from);
}

/** Content-addressed, so that a repeated recovery stores the same bytes once. */
function quarantine(paths: LedgerPaths, bytes: Uint8Array): string {
  const sha256 = toHex(nodeHashes.sha256(bytes));
  makeDirectory(paths.quarantine);
  const path = join(paths.quarantine, `${sha256}.bin`);
  if (isPresent(path)) removeFile(path);
  writeNewFile(path, bytes);
  return sha256;
}

function truncateFile(path: string, bytes: number): void {
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A recovery that died after cutting left its copy but no record: record it now. */
function noteOrphans(paths: LedgerPaths, recorded: ReadonlySet<string>, findings: Json[], firstSeq: number): void {
  makeDirectory(paths.quarantine);
  const fresh = new Set(findings.map((finding) => (finding as { sha256: string }).sha256));
  for (const name of listDirectory(paths.quarantine)) {
    const sha256 = /^([0-9a-f]{64})\.bin$/.exec(name)?.[1];
    if (sha256 === undefined || recorded.has(sha256) || fresh.has(sha256)) continue;
    const bytes = statSync(join(paths.quarantine, name)).size;
    findings.push({ action: 'cut', file: `quarantine/${name}`, bytes, firstSeq, reason: 'left by an interrupted recovery', sha256 });
  }
}

/**
 * The damaged file is copied first: it is overwritten before the recovery leaf is on the disk, and a kill in between must not take
 * the evidence away (noteOrphans records the copy at the next start). A full disk keeps no copy; the leaf waits in the writer then.
 */
function replaced(paths: LedgerPaths, file: string, content: Uint8Array, firstSeq: number, reason: string): Json {
  try {
    quarantine(paths, content);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  return { action: 'replaced', file, bytes: content.length, firstSeq, reason, sha256: toHex(nodeHashes.sha256(content)) };
}
