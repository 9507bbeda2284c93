import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '../kernel/bytes.ts';
import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';
import { ChainMac } from './chain-mac.ts';
import { FindingList, type Finding } from './finding.ts';
import { checkAnchor, checkCheckpoint, checkPinnedKey, checkVerifierKeyFile, checkWatermark, type HeadContext } from './head-check.ts';
import type { LedgerFiles, SegmentSource } from './ledger-files.ts';
import { readInputs, segmentFileName, type HmacKeyCandidate, type LedgerInputs } from './ledger-inputs.ts';
import { formatTimeNs, hexOrNull, namedCounts, type LedgerFacts, type LedgerReport } from './ledger-report.ts';
import { LedgerWalk } from './ledger-walk.ts';
import { lastTimeNs } from './segment-state.ts';
import { toExitCode } from './verdict.ts';
import type { WalkSegment } from './walk-task.ts';
import { VerifyError } from './verify-error.ts';
import { WATERMARK_BYTES } from './watermark-slots.ts';

export interface VerifyLedgerInput {
  readonly files: LedgerFiles;
  /** Empty: MACs are not checked. */
  readonly hmacKeys: readonly HmacKeyCandidate[];
  /** Why there is no HMAC key, in words for the report. */
  readonly keyAbsence?: string;
  readonly pinnedKey?: VerifierKey | undefined;
  /** A checkpoint of this ledger that was kept somewhere else. */
  readonly anchor?: SignedCheckpoint | undefined;
  /** Findings of the caller that belong into the report. */
  readonly warnings?: readonly Finding[];
  readonly allow: { readonly unanchored: boolean; readonly unsealed: boolean };
  readonly onProgress?: (done: { segments: number; segmentsTotal: number; leaves: number }) => void;
  readonly signal?: AbortSignal;
  /** Gives a writer at work the time for a commit, before an unfinished tail is blamed on a crash. */
  readonly settle?: () => Promise<void>;
}

/**
 * Checks a ledger on disk without any running sidecar, from docs/formats/ledger.md alone. Reads each segment once; memory does
 * not grow with the ledger. Throws VerifyError only when the check could not be carried out.
 */
export async function verifyLedger(input: VerifyLedgerInput): Promise<LedgerReport> {
  const findings = new FindingList();
  for (const warning of input.warnings ?? []) findings.add(warning);
  const inputs = readInputs(input.files, input.hmacKeys, input.pinnedKey, findings);
  const chain = inputs.ledgerKey?.ledgerId === undefined ? undefined : new ChainMac(inputs.ledgerKey.key, inputs.ledgerKey.ledgerId);
  const walk = newWalk(inputs, chain, input.anchor, findings);
  await walkAll(input, inputs.segments, walk);
  const context: HeadContext = { inputs, walk, findings, isKeyed: chain !== undefined };
  checkCheckpoint(context);
  checkWatermark(context);
  checkVerifierKeyFile(context);
  if (input.pinnedKey !== undefined) checkPinnedKey(context, input.pinnedKey);
  const anchoredTo = input.anchor === undefined ? undefined : checkAnchor(context, input.anchor, input.pinnedKey);
  const isBeingWritten = await checkTail(input, context);
  if (!input.allow.unsealed) {
    const place = { file: 'ledger/segments/00000000000000000000.seg', seqFirst: 0, seqLast: 0 };
    findings.add({ verdict: 'UNSEALED', place, expected: 'keys that are sealed as time goes on', found: 'epochPolicy "none"' });
  }
  const isAnchored = anchoredTo !== undefined && anchoredTo === walk.size;
  const verdict = findings.worst ?? (isAnchored ? 'OK_ANCHORED' : 'OK_UNANCHORED');
  return {
    verdict,
    exitCode: toExitCode(verdict, { unanchored: input.allow.unanchored }),
    findings: findings.listed,
    findingsTotal: findings.total,
    facts: toFacts(input, context, anchoredTo, isBeingWritten),
    notChecked: toNotChecked(input, context, anchoredTo),
  };
}

function newWalk(
  inputs: LedgerInputs,
  chain: ChainMac | undefined,
  anchor: SignedCheckpoint | undefined,
  findings: FindingList,
): LedgerWalk {
  const { checkpoint } = inputs.head;
  const commitSizes = new Set(inputs.watermark.slots.map(({ size }) => size));
  if (checkpoint !== undefined) commitSizes.add(checkpoint.size);
  const rootSizes = new Set<number>();
  if (checkpoint !== undefined) rootSizes.add(checkpoint.size);
  if (anchor !== undefined) rootSizes.add(anchor.size);
  const acknowledged = commitSizes.size === 0 ? undefined : Math.max(...commitSizes);
  return new LedgerWalk({ chain, acknowledged, rootSizes, commitSizes, findings });
}

async function walkAll(input: VerifyLedgerInput, segments: readonly WalkSegment[], walk: LedgerWalk): Promise<void> {
  for (const [index, segment] of segments.entries()) {
    input.signal?.throwIfAborted();
    const source = openSegment(input.files, segment);
    try {
      if (!walk.walk(segment, source)) break;
    } finally {
      source.close();
    }
    input.onProgress?.({ segments: index + 1, segmentsTotal: segments.length, leaves: walk.size });
    // Signals and progress need the event loop; a segment takes a fraction of a second.
    if (segments.length > 1) await setImmediate();
  }
  walk.finish();
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

/** What lies beyond everything acknowledged; answers whether a writer is at work, in which case it is a request in flight. */
async function checkTail(input: VerifyLedgerInput, { inputs, walk, findings, isKeyed }: HeadContext): Promise<boolean> {
  const signedSize = inputs.head.checkpoint?.size ?? 0;
  const isUnvouched = !isKeyed && walk.state.requestEnd > signedSize && inputs.head.checkpoint !== undefined;
  if (walk.tornAt === undefined && !isUnvouched) return false;
  await input.settle?.();
  const now = input.files.readSmall('watermark', WATERMARK_BYTES + 1);
  const isBeingWritten = now !== undefined && inputs.watermarkBytes !== undefined && !equalBytes(now, inputs.watermarkBytes);
  if (isBeingWritten) return true;
  if (walk.tornAt !== undefined) {
    const place = { ...walk.tornAt, seqFirst: walk.state.requestEnd };
    findings.add({ verdict: 'TORN_TAIL', place, expected: 'the end of the ledger', found: 'bytes that are no whole request' });
  }
  if (isUnvouched) {
    const place = { file: 'ledger/segments', seqFirst: signedSize, seqLast: walk.state.requestEnd - 1 };
    findings.add({
      verdict: 'TORN_TAIL',
      place,
      expected: 'leaves that the signed checkpoint covers',
      found: 'leaves that only the HMAC key could vouch for',
    });
  }
  return false;
}

function toFacts(
  input: VerifyLedgerInput,
  { inputs, walk, isKeyed }: HeadContext,
  anchoredTo: number | undefined,
  isBeingWritten: boolean,
): LedgerFacts {
  const { genesis, watermark, head } = inputs;
  const [newest] = watermark.slots;
  const { firstTimeNs, countsByType } = walk.state;
  return {
    origin: genesis.verifierKey?.name ?? null,
    ledgerId: hexOrNull(inputs.ledgerKey?.ledgerId ?? genesis.ledgerId),
    verifierKey: genesis.verifierKeyText ?? null,
    size: walk.size,
    root: hexOrNull(walk.root()),
    leavesByType: namedCounts(countsByType),
    segments: inputs.segments.length,
    macsChecked: isKeyed ? walk.macsChecked : absenceOf(input, inputs),
    checkpointSize: head.checkpoint?.size ?? null,
    watermark: newest === undefined ? null : { generation: newest.generation, size: newest.size, slotsGood: watermark.slots.length },
    anchoredTo: anchoredTo ?? null,
    isBeingWritten,
    firstTime: firstTimeNs === undefined ? null : formatTimeNs(firstTimeNs),
    lastTime: firstTimeNs === undefined ? null : formatTimeNs(lastTimeNs(walk.state)),
  };
}

function absenceOf(input: VerifyLedgerInput, inputs: LedgerInputs): string {
  if (input.hmacKeys.length === 0) return input.keyAbsence ?? 'no HMAC key was given';
  return inputs.ledgerKey === undefined ? 'no key that was given is this ledger’s' : 'the ledger id cannot be read';
}

function toNotChecked(input: VerifyLedgerInput, { inputs, walk, isKeyed }: HeadContext, anchoredTo: number | undefined): string[] {
  const notChecked: string[] = [];
  if (!isKeyed) {
    notChecked.push(`the MACs of ${walk.size} leaves and of the watermark (${absenceOf(input, inputs)}); --hmac-key FILE gives the key`);
  } else if (walk.macsUnchecked > 0) notChecked.push(`the MACs of ${walk.macsUnchecked} leaves whose predecessor is missing`);
  if (input.anchor === undefined) {
    notChecked.push(
      'whether this is the newest state (a rollback of the whole folder looks like this); --anchor FILE gives a checkpoint kept elsewhere',
    );
  } else if (anchoredTo !== undefined && anchoredTo < walk.size) {
    notChecked.push(`leaves ${anchoredTo} to ${walk.size - 1} lie after the anchor: anchored to ${anchoredTo} of ${walk.size}`);
  }
  if (input.pinnedKey === undefined) notChecked.push('whether the signing key is the one you expect; --key VKEY pins it');
  if (walk.root() === undefined) notChecked.push('the tree’s root, because leaves are missing');
  notChecked.push('what a thief of the HMAC key could have rewritten: this ledger does not seal its keys');
  notChecked.push('the contents of ledger/quarantine');
  return notChecked;
}
