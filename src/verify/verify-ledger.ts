import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '../kernel/bytes.ts';
import { segmentIsFull, segmentName, TILE_WIDTH } from '../kernel/leaf.ts';
import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';
import { ChainKeys, type EpochKeyCandidate, type HmacKeyCandidate } from './chain-keys.ts';
import { FindingList, type Finding } from './finding.ts';
import { checkAnchor, checkCheckpoint, checkPinnedKey, checkVerifierKeyFile, checkWatermark, type HeadContext } from './head-check.ts';
import { checkOwnEpochKey, checkRootKeys, EPOCH_KEY_FILE, isDisprovedByWatermark } from './key-check.ts';
import { toFacts, toNotChecked, type Outcome } from './ledger-facts.ts';
import type { LedgerFiles, SegmentSource } from './ledger-files.ts';
import { readInputs, segmentFileName, type LedgerInputs } from './ledger-inputs.ts';
import type { LedgerReport } from './ledger-report.ts';
import { LedgerWalk } from './ledger-walk.ts';
import { checkReceipts, toReceiptLedger, type HeldReceipt } from './receipt-check.ts';
import type { SegmentChecker } from './segment-job.ts';
import { SegmentsAhead } from './segments-ahead.ts';
import type { PrunedSegment } from './pruned-index.ts';
import { checkPruned, readPruned, warnOfForeignNames } from './retention-check.ts';
import { checkEpochSignature, countWitnesses } from './signature-check.ts';
import { toExitCode } from './verdict.ts';
import { VerifyError } from './verify-error.ts';
import type { WalkSegment } from './walk-task.ts';
import { judgeWatermark, WATERMARK_BYTES, type Watermark } from './watermark-slots.ts';

export interface VerifyLedgerInput {
  readonly files: LedgerFiles;
  /** Root keys, of one or several lineages. None, and no epoch keys: MACs are not checked. */
  readonly hmacKeys: readonly HmacKeyCandidate[];
  /** Contents of epoch.key files: MACs from their epochs on. */
  readonly epochKeys?: readonly EpochKeyCandidate[];
  /** The epoch.key that lies beside the ledger: has to fit its end. Read before the ledger is. */
  readonly ownEpochKey?: EpochKeyCandidate | undefined;
  /** Why there is no root key, in words for the report. */
  readonly keyAbsence?: string;
  readonly pinnedKey?: VerifierKey | undefined;
  /** Checkpoints of this ledger that were kept somewhere else. */
  readonly anchors?: readonly SignedCheckpoint[];
  /** What producers were given for their entries. */
  readonly receipts?: readonly HeldReceipt[];
  /** Cosigners that the caller trusts. */
  readonly witnesses?: readonly VerifierKey[];
  /** Findings of the caller that belong into the report. */
  readonly warnings?: readonly Finding[];
  readonly allow: { readonly unanchored: boolean; readonly unsealed: boolean };
  /** Checks segments by themselves, so that the walk need not; without one it reads every leaf. The report is the same. */
  readonly checker?: SegmentChecker | undefined;
  readonly onProgress?: (done: { segments: number; segmentsTotal: number; leaves: number }) => void;
  readonly signal?: AbortSignal;
  /** Gives a writer at work the time for a commit, before an unfinished tail is blamed on a crash. */
  readonly settle?: () => Promise<void>;
}

const GENESIS = { file: 'ledger/segments/00000000000000000000.seg', seqFirst: 0, seqLast: 0 };

/**
 * Checks a ledger on disk without any running sidecar, from docs/formats/ledger.md alone. Reads each segment once (twice when the
 * watermark was damaged); memory does not grow with the ledger. Throws VerifyError only when the check could not be carried out.
 */
export async function verifyLedger(input: VerifyLedgerInput): Promise<LedgerReport> {
  const before = new FindingList();
  for (const warning of input.warnings ?? []) before.add(warning);
  warnOfForeignNames(input.files, (finding) => before.add(finding));
  const inputs = readInputs(input.files, input.hmacKeys, input.pinnedKey, before);
  let context = await walkAll(input, inputs, inputs.watermark, before);
  const { keys, walk: firstWalk } = context;
  const judged = judgeWatermark(
    inputs.watermark,
    (epoch) => keys.keyOf(epoch),
    (size) => firstWalk.commits.get(size),
  );
  // What a disproved slot claimed had a say in where the ledger must not end: once more without it.
  if (judged.slots.length < inputs.watermark.slots.length) context = await walkAll(input, inputs, judged, before);
  context = { ...context, watermark: judged };
  const { walk, findings } = context;
  checkCheckpoint(context);
  if (input.files.isArchive !== true) checkWatermark(context);
  checkVerifierKeyFile(context);
  checkPruned(context);
  if (input.pinnedKey !== undefined) checkPinnedKey(context, input.pinnedKey);
  const outcome = await checkSurroundings(input, context);
  if (!input.allow.unsealed && walk.state.epoch.isSealing !== true) {
    findings.add({ verdict: 'UNSEALED', place: GENESIS, expected: 'keys that are sealed as time goes on', found: 'epochPolicy "none"' });
  }
  const isAnchored = outcome.anchoredTo !== undefined && outcome.anchoredTo === walk.size;
  const verdict = findings.worst ?? (isAnchored ? 'OK_ANCHORED' : 'OK_UNANCHORED');
  return {
    verdict,
    exitCode: toExitCode(verdict, { unanchored: input.allow.unanchored }),
    findings: input.files.isArchive === true ? findings.listed.map((finding) => inArchive(finding, input.files)) : findings.listed,
    findingsTotal: findings.total,
    facts: toFacts(input, context, outcome),
    notChecked: toNotChecked(input, context, outcome),
  };
}

/** The same files have other places in an archive. */
function inArchive(finding: Finding, files: LedgerFiles): Finding {
  const { file } = finding.place;
  const own = file === GENESIS.file ? files.pathOf?.(segmentName(0)) : file.replace(/^ledger\//, '');
  return { ...finding, place: { ...finding.place, file: own ?? file } };
}

/** Signatures, anchors, keys and the tail: what only the leaves' end can be held against. */
async function checkSurroundings(input: VerifyLedgerInput, context: HeadContext): Promise<Outcome> {
  const { inputs, walk } = context;
  const isChainFollowed = input.files.isArchive !== true && checkEpochSignature(context);
  const contained = (input.anchors ?? []).filter((anchor) => checkAnchor(context, anchor, input.pinnedKey) !== undefined);
  const key = input.pinnedKey ?? inputs.head.signer?.key ?? inputs.genesis.verifierKey;
  const receipts = checkReceipts(input.receipts ?? [], toReceiptLedger(context), key);
  for (const finding of receipts.findings) context.findings.add(finding);
  const anchorSizes = [...contained.map(({ size }) => size), ...receipts.anchoredTo];
  const anchoredTo = anchorSizes.length === 0 ? undefined : Math.max(...anchorSizes);
  const { checkpoint } = inputs.head;
  const witnessed = countWitnesses(checkpoint === undefined ? contained : [...contained, checkpoint], input.witnesses ?? []);
  let isWriterAtWork: boolean | undefined;
  const askWriter = async (): Promise<boolean> => (isWriterAtWork ??= await isWatermarkMoving(input, inputs));
  const isBeingWritten = await checkTail(context, askWriter);
  const own = input.ownEpochKey;
  if (own !== undefined) {
    const isOld = own.epoch < walk.state.epoch.min - 1;
    if (isDisprovedByWatermark(inputs.watermark, own) && context.keys.keyOf(own.epoch) === undefined) {
      const found = 'another: it made none of the watermark’s slots';
      context.findings.add({ verdict: 'KEY_MISMATCH', place: { file: EPOCH_KEY_FILE }, expected: `the key of epoch ${own.epoch}`, found });
    } else checkOwnEpochKey(context, own, isOld && (await askWriter()));
  }
  checkRootKeys(context, input.hmacKeys);
  return { anchoredTo, isBeingWritten, isChainFollowed, witnessed };
}

/** Walks over all leaves, with the slots of `watermark` as what is known to have been acknowledged. */
async function walkAll(input: VerifyLedgerInput, inputs: LedgerInputs, watermark: Watermark, before: FindingList): Promise<HeadContext> {
  const { segments } = inputs;
  const findings = before.copy();
  const given = [...(input.epochKeys ?? []), ...(input.ownEpochKey === undefined ? [] : [input.ownEpochKey])];
  const wantedEpochs = new Set([...inputs.watermark.slots, ...given].map(({ epoch }) => epoch));
  const epochKeys = given.filter((candidate) => !isDisprovedByWatermark(inputs.watermark, candidate));
  const { ledgerId, firstRoot } = inputs;
  const keys = new ChainKeys({ ledgerId, first: firstRoot, roots: input.hmacKeys, epochKeys, wanted: wantedEpochs });
  const { checkpoint } = inputs.head;
  const commitSizes = new Set(watermark.slots.map(({ size }) => size));
  // An archive ends with a segment, which may be inside a request.
  if (checkpoint !== undefined && input.files.isArchive !== true) commitSizes.add(checkpoint.size);
  const outside = [...(input.anchors ?? []), ...(input.receipts ?? []).map((held) => held.checkpoint)];
  const rootSizes = new Set([...(checkpoint === undefined ? [] : [checkpoint]), ...outside].map(({ size }) => size));
  const vouched = [...commitSizes, ...(checkpoint === undefined ? [] : [checkpoint.size])];
  const acknowledged = vouched.length === 0 ? undefined : Math.max(...vouched);
  const isFull = input.files.isArchive === true ? (leaves: number) => leaves >= TILE_WIDTH : segmentIsFull;
  const pruned = (first: number): PrunedSegment | undefined => readPruned(input.files, first, (finding) => findings.add(finding));
  const walk = new LedgerWalk({ keys, acknowledged, rootSizes, commitSizes, wantedEpochs, isFull, pruned, findings });
  const { files } = input;
  const report = (finding: Finding): void => findings.add(finding);
  const { checker } = input;
  const sizes = new Set([...commitSizes, ...rootSizes]);
  const isWorthIt = checker !== undefined && files.isArchive !== true && segments.length >= checker.segmentsMin;
  const ahead = isWorthIt ? new SegmentsAhead(checker, input.files, segments, ledgerId, sizes) : undefined;
  for (const [index, segment] of segments.entries()) {
    input.signal?.throwIfAborted();
    const summary = walk.canAdopt ? await ahead?.take(index, { keys, seq: walk.size }) : undefined;
    await files.prepare?.(segmentFileName(segment));
    const isAdopted = summary !== undefined && walk.adopt(segment, summary);
    if (!isAdopted && !walkSegment(input.files, segment, walk)) break;
    if (walk.damagedLeaves === 0) await files.compareTiles?.(report);
    input.onProgress?.({ segments: index + 1, segmentsTotal: segments.length, leaves: walk.size });
    // Signals and progress need the event loop; a segment takes a fraction of a second.
    if (segments.length > 1) await setImmediate();
  }
  walk.finish();
  if (walk.damagedLeaves === 0) await files.compareRest?.(report);
  return { inputs, watermark, walk, keys, findings };
}

/** Reads one file leaf by leaf; false when nothing after it is to be read. */
function walkSegment(files: LedgerFiles, segment: WalkSegment, walk: LedgerWalk): boolean {
  const source = openSegment(files, segment);
  try {
    return walk.walk(segment, source);
  } finally {
    source.close();
  }
}

/** A segment that went away since it was listed reads as empty: what it held is then reported as missing. */
function openSegment(files: LedgerFiles, segment: WalkSegment): SegmentSource {
  try {
    return files.openSegment(segmentFileName(segment));
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'not-a-file') return { bytes: 0, read: () => 0, close: () => undefined };
    throw error;
  }
}

/** A writer at work moves the watermark all the time. */
async function isWatermarkMoving(input: VerifyLedgerInput, { watermarkBytes }: LedgerInputs): Promise<boolean> {
  await input.settle?.();
  const now = input.files.readSmall('watermark', WATERMARK_BYTES + 1);
  return now !== undefined && watermarkBytes !== undefined && !equalBytes(now, watermarkBytes);
}

/** What lies beyond everything acknowledged; answers whether a writer is at work, in which case it is a request in flight. */
async function checkTail({ inputs, walk, keys, findings }: HeadContext, askWriter: () => Promise<boolean>): Promise<boolean> {
  const { requestEnd } = walk.state;
  const signedSize = inputs.head.checkpoint?.size ?? 0;
  const isUnvouched = keys.current === undefined && requestEnd > signedSize && inputs.head.checkpoint !== undefined;
  if (walk.tornAt === undefined && !isUnvouched) return false;
  if (await askWriter()) return true;
  if (walk.tornAt !== undefined) {
    const place = { ...walk.tornAt, seqFirst: requestEnd };
    findings.add({ verdict: 'TORN_TAIL', place, expected: 'the end of the ledger', found: 'bytes that are no whole request' });
  }
  if (isUnvouched) {
    findings.add({
      verdict: 'TORN_TAIL',
      place: { file: 'ledger/segments', seqFirst: signedSize, seqLast: requestEnd - 1 },
      expected: 'leaves that the signed checkpoint covers',
      found: 'leaves that only the HMAC key could vouch for',
    });
  }
  return false;
}
