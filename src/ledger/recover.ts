import { closeSync, constants, fdatasyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { readU16 } from '../kernel/bytes.ts';
import type { Json } from '../kernel/canonical-json.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, LeafFormatError, parseLeaf, segmentName } from '../kernel/leaf.ts';
import { checkpointNote } from './checkpoint.ts';
import type { CommittedHead } from './committer.ts';
import { freshWatermark } from './create-ledger.ts';
import { firstEpochState, type EpochSecrets } from './epoch-state.ts';
import { HeadCheck, readExpectedHeads, type ExpectedHeads, type LockedNote } from './expected-heads.ts';
import { announceFile } from './announce-file.ts';
import { readIfPresent, rewriteDurably, syncDirectory, writeAll } from './files.ts';
import { assertOwnKeys, parseGenesis, type Genesis } from './genesis.ts';
import { replaceEpochKeys } from './key-files.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { IndexDelta, SegmentEnd } from './ledger-index.ts';
import { LedgerState } from './ledger-state.ts';
import { lookBack } from './look-back.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';
import { finishPruning } from './prune-files.ts';
import type { Pruning } from './pruning.ts';
import { cutTail, orphanFindings, replacedFinding } from './quarantine.ts';
import { recountMinute } from './recount-minute.ts';
import type { RememberedRequest } from './request-log.ts';
import { finishRotation } from './rotate-files.ts';
import { scanSegments, type ScanResult } from './scan.ts';
import type { SegmentSeed } from './segment-recorder.ts';
import { StartWalk, type WalkInputs } from './start-walk.ts';
import { SLOT_BYTES, slotOffset, WATERMARK_FILE_BYTES } from './watermark.ts';
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
  /** The beginning of the index of the segment that takes leaves. */
  readonly active: SegmentSeed;
  /** The last pruning that an entry states. */
  readonly pruning: Pruning | undefined;
  /** Entries below this were taken over from segment indexes. */
  readonly walkedFrom: number;
  /** Why the segment indexes could not be believed and everything was read; undefined when they could. */
  readonly indexFault: string | undefined;
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
  const expected = readExpectedHeads(paths, keys, identity, options.anchorNote, options.locked);
  const inputs = { paths, keys, identity, isSealing: genesis.isSealing, expected };
  const { state, walk, scan, delta, pruning, indexFault } = await walkLedger(inputs);

  const findings: Json[] = scan.broken === undefined ? [] : cutTail(paths, scan, scan.broken, journal);
  const size = scan.complete.frontier.size;
  if (size > expected.trustedSize) makeKeptDurable(paths, scan, walk.trustedEnd);
  // Before the watermark is written to: what was found in it has its copy then.
  findings.push(...replacedFindings(paths, expected, size));
  state.reset(scan.complete);
  const generation = evolveKeys(inputs, state, journal);
  if (pruning !== undefined) finishPruning(paths, pruning, journal);
  findings.push(...orphanFindings(paths, walk.quarantined, findings, size));
  walk.requests.cut(size);
  const active = walk.activeSegment(scan, delta);
  await recountMinute(paths.segments, state, delta, walk.walkedFrom);
  const requests = walk.requests.list();
  return {
    identity,
    state,
    delta,
    generation,
    published: walk.published,
    findings,
    requests,
    active,
    pruning,
    walkedFrom: walk.walkedFrom.seq,
    indexFault,
  };
}

interface Walked {
  readonly state: LedgerState;
  readonly walk: StartWalk;
  readonly scan: ScanResult;
  readonly delta: IndexDelta;
  readonly pruning: Pruning | undefined;
}

/**
 * Reads the end of the ledger and takes the rest from the segment indexes, if what comes of it is the acknowledged tree. If it is not, or
 * anything else is wrong, an index may be at fault: then everything is read, and what is wrong with the ledger itself is found in it.
 */
async function walkLedger(inputs: WalkInputs): Promise<Walked & { readonly indexFault: string | undefined }> {
  const state = startState(inputs);
  const walk = new StartWalk(state, inputs, true);
  let indexFault = 'the tree that they lead to is not the one that was acknowledged';
  try {
    const walked = await finishWalk(inputs, state, walk);
    if (!walk.hasUnread || walk.isMarkRight) {
      assertAcknowledged(walk, inputs.expected);
      return { ...walked, indexFault: undefined };
    }
  } catch (error) {
    if (!(error instanceof LedgerError) || !walk.hasUnread) throw error;
    indexFault = error.message;
  }
  const again = startState(inputs);
  const whole = new StartWalk(again, inputs, false);
  const walked = await finishWalk(inputs, again, whole);
  assertAcknowledged(whole, inputs.expected);
  return { ...walked, indexFault };
}

function startState({ identity, keys, isSealing }: WalkInputs): LedgerState {
  return new LedgerState(identity, firstEpochState(keys.epoch, isSealing));
}

async function finishWalk(inputs: WalkInputs, state: LedgerState, walk: StartWalk): Promise<Walked> {
  const { paths, keys, identity, expected } = inputs;
  const secrets = { identity, loaded: keys.epoch, rotated: keys.rotated };
  const scan = scanSegments(paths, state, secrets, expected.trustedSize, walk);
  const delta = walk.takeIndex(scan);
  const isLongEnough = scan.complete.frontier.size >= expected.trustedSize;
  const pruning = isLongEnough ? await lookBack(walk, inputs, scan, delta) : undefined;
  assertKept(scan, expected, state, walk.heads);
  assertRunningEpoch(scan, secrets);
  return { state, walk, scan, delta, pruning };
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

/**
 * Entries of epochs whose keys are gone have no MAC that could be checked: the tree up to the watermark is the one whose checkpoint was
 * acknowledged, whatever stands in `checkpoint` now. Without a watermark a checkpoint that our key signed has to cover them.
 */
function assertAcknowledged(walk: StartWalk, { marks }: ExpectedHeads): void {
  if (marks.newest !== undefined && !walk.isMarkRight)
    throw new LedgerError(
      'tampered',
      `the first ${marks.newest.size} entries do not have the root that was acknowledged for them; pproofs log verify with the verification key names the place`,
    );
  const covered = walk.heads.coveredSize();
  if (marks.newest === undefined && walk.uncheckedEnd > covered)
    throw new LedgerError(
      'state-lost',
      `no readable watermark, and nothing here can check the entries ${covered} to ${walk.uncheckedEnd - 1}: the keys of their epochs are gone and no checkpoint covers them; give with --anchor FILE a newer checkpoint, of ${walk.uncheckedEnd} entries or more`,
    );
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
 * Brings epoch.key to the running epoch before anything new is written; answers the highest watermark generation. The seal that ended its
 * epoch is durable by now: a key that is ahead of the ledger would look like a ledger that was cut. So is a slot of the running epoch: dying
 * right after this, with slots of the epoch before alone, would look the same.
 */
function evolveKeys(inputs: WalkInputs, state: LedgerState, journal: WriteJournal): number {
  const { paths, keys, identity, expected } = inputs;
  const { epochs } = state;
  let generation = expected.marks.newest?.generation ?? 0;
  if (epochs.epoch === keys.epoch.epoch + 1) {
    generation++;
    writeRunningSlot(inputs, state, generation, journal);
    replaceEpochKeys(paths.epochKey, epochs.keys, (content) => announceFile(journal, 'epoch-key', content));
    keys.epoch.wipe();
  }
  finishRotation(paths, keys, epochs, identity);
  return generation;
}

/** In the place of the older slot, or of a damaged one; the newest good one stays. */
function writeRunningSlot(
  { paths, keys, identity, expected }: WalkInputs,
  state: LedgerState,
  generation: number,
  journal: WriteJournal,
): void {
  const { size, epochs } = state;
  const note = checkpointNote(identity, keys.signingKey, epochs.keys.signer(identity), size, state.frontier.root());
  const at = slotOffset(generation);
  const slot = freshWatermark(generation - (generation % 2), state, note).subarray(at, at + SLOT_BYTES);
  const content = Buffer.alloc(WATERMARK_FILE_BYTES);
  content.set(expected.watermarkFile);
  content.set(slot, at);
  announceFile(journal, 'watermark', content);
  const fd = openSync(paths.watermark, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (expected.watermarkFile.length < WATERMARK_FILE_BYTES) writeAll(fd, content, 0);
    else writeAll(fd, slot, at);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncDirectory(paths.ledger);
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
