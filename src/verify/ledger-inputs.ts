import { fromUtf8 } from '../kernel/bytes.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, LEAF_HEADER_BYTES, LEAF_MAC_BYTES, parseSegmentName, segmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isSignedBy, NoteFormatError, parseCheckpoint, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import type { HmacKeyCandidate } from './chain-keys.ts';
import { ChainMac } from './chain-mac.ts';
import type { FindingList } from './finding.ts';
import { isCommittedTo, readGenesis, recoverLedgerId, type Genesis } from './genesis.ts';
import type { LedgerFiles, SmallFile } from './ledger-files.ts';
import type { WalkSegment } from './walk-task.ts';
import { VerifyError } from './verify-error.ts';
import { isSlotOf, readWatermark, WATERMARK_BYTES, type Watermark } from './watermark-slots.ts';

/** Our checkpoints have about 200 bytes; a note with all the signatures it may carry stays below this. */
const NOTE_BYTES_MAX = 16_384;
const VERIFIER_KEY_BYTES_MAX = 1024;

export type SignerSource = 'genesis' | 'pinned' | 'log.vkey';

/** The checkpoint file: what it says and whose signature it carries. */
export interface Head {
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly noteBytes: Uint8Array | undefined;
  readonly signer: { readonly source: SignerSource; readonly key: VerifierKey } | undefined;
  /** Why there is no checkpoint with a known signature. */
  readonly fault: string | undefined;
}

export interface LedgerInputs {
  readonly segments: readonly WalkSegment[];
  readonly genesis: Genesis;
  readonly watermark: Watermark;
  readonly watermarkBytes: Uint8Array | undefined;
  readonly verifierKeyBytes: Uint8Array | undefined;
  readonly head: Head;
  /** Read from the genesis leaf, or found out in spite of its damage. */
  readonly ledgerId: Uint8Array | undefined;
  /** The root key of epoch 0, if it was given. */
  readonly firstRoot: HmacKeyCandidate | undefined;
}

/**
 * Reads everything small, in an order that holds beside a running writer: the watermark, then the checkpoint, then the list of
 * segments. A writer makes leaves durable first, so what the earlier ones promise the later ones hold.
 */
export function readInputs(
  files: LedgerFiles,
  roots: readonly HmacKeyCandidate[],
  pinned: VerifierKey | undefined,
  findings: FindingList,
): LedgerInputs {
  const watermarkBytes = readSmall(files, 'watermark', WATERMARK_BYTES + 1, findings);
  const noteBytes = readSmall(files, 'checkpoint', NOTE_BYTES_MAX, findings);
  const verifierKeyBytes = readSmall(files, 'log.vkey', VERIFIER_KEY_BYTES_MAX, findings);
  const listed = files.listSegments();
  if (listed === undefined && watermarkBytes === undefined && noteBytes === undefined) {
    throw new VerifyError('bad-input', 'there is no ledger here: neither ledger/segments nor ledger/checkpoint exists');
  }
  const segments = toWalkSegments(files, listed ?? [], findings);
  const genesisHead = readGenesisHead(files, segments);
  const genesis = readGenesis(genesisHead);
  const watermark = readWatermark(watermarkBytes ?? new Uint8Array(0));
  const first = chooseFirstRoot(roots, genesis, genesisHead, watermark);
  const head = readHead(noteBytes, [
    { source: 'genesis', key: genesis.verifierKey },
    { source: 'pinned', key: pinned },
    { source: 'log.vkey', key: verifierKeyBytes === undefined ? undefined : tryVerifierKey(verifierKeyBytes) },
  ]);
  return {
    segments,
    genesis,
    watermark,
    watermarkBytes,
    verifierKeyBytes,
    head,
    ledgerId: first?.ledgerId ?? genesis.ledgerId,
    firstRoot: first?.root,
  };
}

function readSmall(files: LedgerFiles, name: SmallFile, bytesMax: number, findings: FindingList): Uint8Array | undefined {
  try {
    return files.readSmall(name, bytesMax);
  } catch (error) {
    if (!(error instanceof VerifyError) || error.code !== 'not-a-file') throw error;
    findings.add({ verdict: 'TAMPERED', place: { file: `ledger/${name}` }, expected: 'a regular file', found: error.message });
    return undefined;
  }
}

/** Only the writer makes files there; a name it never gives is told, but is no part of the ledger. */
function toWalkSegments(
  files: LedgerFiles,
  entries: readonly { name: string; isRegular: boolean }[],
  findings: FindingList,
): WalkSegment[] {
  const found: { file: string; first: number }[] = [];
  for (const { name, isRegular } of entries) {
    const file = files.pathOf?.(name) ?? `ledger/segments/${name}`;
    const first = parseSegmentName(name);
    if (first === undefined) {
      findings.add({
        verdict: 'WARNING',
        place: { file },
        expected: 'segments only',
        found: 'another name; not part of the ledger, not read',
      });
    } else if (!isRegular) {
      findings.add({
        verdict: 'TAMPERED',
        place: { file, seqFirst: first },
        expected: 'a regular file',
        found: 'a link, folder or device',
      });
    } else found.push({ file, first });
  }
  return found.map((segment, index) => ({ ...segment, nextFirst: found[index + 1]?.first }));
}

function readGenesisHead(files: LedgerFiles, segments: readonly WalkSegment[]): Uint8Array {
  const first = segments[0];
  if (first?.first !== 0) return new Uint8Array(0);
  const source = files.openSegment(segmentFileName(first));
  try {
    const head = new Uint8Array(Math.min(source.bytes, FRAME_PREFIX_BYTES + LEAF_BYTES_MAX));
    return head.subarray(0, source.read(head, 0));
  } finally {
    source.close();
  }
}

export function segmentFileName(segment: WalkSegment): string {
  return segmentName(segment.first);
}

/**
 * The genesis commits to the root key of epoch 0. Where it is damaged, the leaf after it or the watermark tells whether a key is
 * the ledger's all the same, so that damage is not mistaken for a wrong key.
 */
function chooseFirstRoot(
  roots: readonly HmacKeyCandidate[],
  genesis: Genesis,
  genesisHead: Uint8Array,
  watermark: Watermark,
): { readonly root: HmacKeyCandidate; readonly ledgerId: Uint8Array | undefined } | undefined {
  const { ledgerId } = genesis;
  for (const root of roots) {
    if (ledgerId !== undefined && isCommittedTo(genesis, root.key, ledgerId)) return { root, ledgerId };
    const recovered = recoverLedgerId(genesisHead, genesis, root.key);
    if (recovered !== undefined) return { root, ledgerId: recovered };
    const isOfSlot = watermark.slots.some((slot) => slot.epoch === 0 && isSlotOf(slot, root.key));
    if (isOfSlot || (ledgerId !== undefined && hasSecondLeafOf(genesisHead, root.key, ledgerId))) return { root, ledgerId };
  }
  return undefined;
}

/** Was the leaf after the genesis chained to it with this key? */
function hasSecondLeafOf(genesisHead: Uint8Array, key: Uint8Array, ledgerId: Uint8Array): boolean {
  const head = Buffer.from(genesisHead);
  const ends: number[] = [];
  for (let at = 0; ends.length < 2; at = ends[ends.length - 1]) {
    const end = head.length - at < FRAME_PREFIX_BYTES ? Infinity : at + FRAME_PREFIX_BYTES + head.readUInt16BE(at);
    if (end > head.length || end - at < FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES + LEAF_MAC_BYTES) return false;
    ends.push(end);
  }
  const previousMac = head.toString('latin1', ends[0] - LEAF_MAC_BYTES, ends[0]);
  const macAt = ends[1] - LEAF_MAC_BYTES;
  const mac = new ChainMac(key, ledgerId).compute(previousMac, head, ends[0] + FRAME_PREFIX_BYTES, macAt);
  return mac === head.toString('latin1', macAt, ends[1]);
}

function readHead(noteBytes: Uint8Array | undefined, keys: readonly { source: SignerSource; key: VerifierKey | undefined }[]): Head {
  if (noteBytes === undefined) return { checkpoint: undefined, noteBytes, signer: undefined, fault: 'no file' };
  const parsed = tryParseNote(noteBytes);
  if (typeof parsed === 'string') return { checkpoint: undefined, noteBytes, signer: undefined, fault: parsed };
  for (const { source, key } of keys) {
    if (key !== undefined && isOwnCheckpoint(parsed, key))
      return { checkpoint: parsed, noteBytes, signer: { source, key }, fault: undefined };
  }
  const names = parsed.signatures.map(({ name }) => `"${name.slice(0, 64)}"`).join(', ');
  return { checkpoint: undefined, noteBytes, signer: undefined, fault: `no good signature of the ledger's key (signed as ${names})` };
}

/** Signed by the key, and about the log that the key is named after. */
export function isOwnCheckpoint(checkpoint: SignedCheckpoint, key: VerifierKey): boolean {
  return checkpoint.origin === key.name && isSignedBy(checkpoint, key, verifyEd25519);
}

/** The checkpoint, or why it is none. */
export function tryParseNote(bytes: Uint8Array): SignedCheckpoint | string {
  try {
    return parseCheckpoint(fromUtf8(bytes));
  } catch (error) {
    if (error instanceof NoteFormatError) return error.message;
    if (error instanceof TypeError) return 'malformed UTF-8';
    throw error;
  }
}

function tryVerifierKey(bytes: Uint8Array): VerifierKey | undefined {
  try {
    return parseVerifierKey(nodeHashes, fromUtf8(bytes));
  } catch {
    return undefined;
  }
}
