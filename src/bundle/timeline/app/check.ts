import { equalBytes, fromHex, toHex } from '../../../kernel/bytes.ts';
import { leafHash } from '../../../kernel/hashes.ts';
import { parseLeaf } from '../../../kernel/leaf.ts';
import { rootOfRange } from '../../../kernel/merkle.ts';
import { parseCheckpoint, parseVerifierKey, type SignedCheckpoint } from '../../../kernel/note.ts';
import { portableHashes } from '../../../kernel/portable-hashes.ts';
import { formatLeafLine } from '../../format.ts';
import type { Envelope } from '../envelope.ts';
import { checkCheckpoint } from './check-signature.ts';
import { checkWindow } from './check-window.ts';
import { parseEntryLine, rebuildLeaf, type EntryLine } from './entry-line.ts';
import { inSlices } from './slices.ts';
import type { Stage } from './stage.ts';
import { formatCount } from './time-format.ts';

/** Status of one entry: proved, altered, or intact in itself but not proved to be in the signed tree. */
export const ENTRY_GOOD = 1;
export const ENTRY_BAD = 2;
export const ENTRY_UNPROVED = 3;

export interface Verdict {
  readonly state: 'good' | 'partial' | 'bad';
  readonly total: number;
  readonly good: number;
  readonly firstDamagedSeq: number | undefined;
  /** 8 hex digits of the key the page names; undefined when it cannot be read. */
  readonly keyId: string | undefined;
  readonly stages: readonly Stage[];
  /** One status per event line. */
  readonly statuses: Uint8Array;
}

interface CheckedLine {
  readonly entry: EntryLine | undefined;
  readonly seq: number;
  readonly hash: Uint8Array | undefined;
  readonly fault: string | undefined;
}

/** Recomputes one line: its leaf hash and what is wrong with it. */
export function checkLine(line: string, expectedSeq: number): CheckedLine {
  try {
    const entry = parseEntryLine(line);
    const stated = fromHex(entry.head.leafHash);
    const leaf = parseLeaf(rebuildLeaf(entry));
    const hash = leafHash(portableHashes, leaf.bytes);
    const base = { entry, seq: expectedSeq, hash: stated };
    if (leaf.seq !== expectedSeq) return { ...base, fault: `carries the number ${leaf.seq} where ${expectedSeq} belongs` };
    if (stated === undefined || !equalBytes(stated, hash)) return { ...base, fault: 'its content does not give its SHA-256' };
    // Catches what no hash covers: the time in words, another spelling of a number, fields that do not belong there.
    if (formatLeafLine(leaf, hash) !== line) return { ...base, fault: 'it is not written as the format says' };
    return { ...base, fault: undefined };
  } catch (error) {
    return { entry: undefined, seq: expectedSeq, hash: undefined, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** Every check this page can do without a key of its own. Never throws: what cannot be checked is said so or counts as damage. */
export async function checkEnvelope(envelope: Envelope, progress: (done: number, total: number) => void): Promise<Verdict> {
  const { head, edges, events } = envelope;
  const before = edges.slice(0, edgesBefore(envelope));
  const lines = [...before, ...events, ...edges.slice(before.length)];
  const checked: CheckedLine[] = [];
  await inSlices(
    lines.length,
    (i) => checked.push(checkLine(lines[i], head.proof.first + i)),
    (done) => progress(done, lines.length),
  );

  const faults = checked.filter((line) => line.fault !== undefined);
  const { checkpoint, stages: notes, keyId } = await readNote(envelope);
  const root = treeStage(envelope, checked, checkpoint);
  const ordered = checked.map((line) => line.entry);
  const window = checkWindow(head, { hasBefore: before.length === 1, entries: ordered, edges: edges.length });
  const stages = [contentStage(checked, faults), root, window, ...notes, ...alwaysUnchecked(keyId)];
  const statuses = statusesOf(checked.slice(before.length, before.length + events.length), root.outcome === 'good');
  const isBad = stages.some((stage) => stage.outcome === 'bad');
  const isPartial = stages.some((stage) => stage.outcome === 'unchecked' && stage.label === SIGNATURE_LABEL);
  return {
    state: isBad ? 'bad' : isPartial ? 'partial' : 'good',
    total: events.length,
    good: statuses.filter((status) => status === ENTRY_GOOD).length,
    firstDamagedSeq: faults[0]?.seq,
    keyId,
    stages,
    statuses,
  };
}

const SIGNATURE_LABEL = 'Signature';

/** Edges stand around the window: 1 when one comes before it. A single edge stands after it, in a window that begins with the ledger. */
export function edgesBefore({ edges }: Envelope): number {
  return edges.length > 1 ? 1 : 0;
}

function statusesOf(lines: readonly CheckedLine[], isProved: boolean): Uint8Array {
  return Uint8Array.from(lines, (line) => (line.fault !== undefined ? ENTRY_BAD : isProved ? ENTRY_GOOD : ENTRY_UNPROVED));
}

function contentStage(checked: readonly CheckedLine[], faults: readonly CheckedLine[]): Stage {
  const label = 'Entries';
  if (faults.length === 0) {
    return {
      label,
      outcome: 'good',
      text: `the content of ${formatCount(checked.length)} entries gives their SHA-256, and their numbers have no gap`,
    };
  }
  const others = faults.length === 1 ? '' : `; ${formatCount(faults.length - 1)} more are damaged`;
  return { label, outcome: 'bad', text: `entry ${formatCount(faults[0].seq)}: ${faults[0].fault}${others}` };
}

/** With the stated hash in place of an altered entry's own, the root still tells whether all the others are in the signed tree. */
function treeStage(envelope: Envelope, checked: readonly CheckedLine[], checkpoint: SignedCheckpoint | undefined): Stage {
  const label = 'Tree';
  const { first, size, hashes } = envelope.head.proof;
  if (checkpoint === undefined) return { label, outcome: 'bad', text: 'there is no readable checkpoint to compare with' };
  if (checkpoint.size !== size)
    return { label, outcome: 'bad', text: `the proof is for a ledger of ${size} entries, the checkpoint for ${checkpoint.size}` };
  const leaves = checked.map((line) => line.hash);
  const proof = hashes.map((hash) => fromHex(hash));
  if (leaves.some((hash) => hash?.length !== 32) || proof.some((hash) => hash?.length !== 32)) {
    return { label, outcome: 'bad', text: 'a hash is missing, so no root can be computed' };
  }
  const isHash = (hash: Uint8Array | undefined): hash is Uint8Array => hash !== undefined;
  const root = rootOfRange(portableHashes, leaves.filter(isHash), first, size, proof.filter(isHash));
  if (root === undefined || !equalBytes(root, checkpoint.root)) {
    const text =
      'the entries do not lead to the signed root: something was altered, added or left out, and which entry it was cannot be told';
    return { label, outcome: 'bad', text };
  }
  return {
    label,
    outcome: 'good',
    text: `they lead to the signed root ${toHex(root).slice(0, 16)}… of a ledger of ${formatCount(size)} entries`,
  };
}

async function readNote(
  envelope: Envelope,
): Promise<{ checkpoint: SignedCheckpoint | undefined; stages: Stage[]; keyId: string | undefined }> {
  const { origin, verifierKey, checkpoint: note } = envelope.head;
  try {
    const checkpoint = parseCheckpoint(note);
    const key = parseVerifierKey(portableHashes, verifierKey);
    const keyId = key.keyId.toString(16).padStart(8, '0');
    if (checkpoint.origin !== origin || key.name !== origin) {
      return {
        checkpoint,
        keyId,
        stages: [{ label: SIGNATURE_LABEL, outcome: 'bad', text: 'the checkpoint, the key and this page name different ledgers' }],
      };
    }
    return { checkpoint, keyId, stages: [{ label: SIGNATURE_LABEL, ...(await checkCheckpoint(checkpoint, key, keyId)) }] };
  } catch (error) {
    const text = `the checkpoint or the key cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { checkpoint: undefined, keyId: undefined, stages: [{ label: SIGNATURE_LABEL, outcome: 'bad', text }] };
  }
}

function alwaysUnchecked(keyId: string | undefined): Stage[] {
  return [
    {
      label: 'Whose key',
      outcome: 'unchecked',
      text: `not known to this page: compare the key id ${keyId ?? '?'} with the one your operator published`,
    },
    { label: 'Keyed chain', outcome: 'unchecked', text: 'the HMAC chain can only be recomputed by whoever holds the ledger key' },
    {
      label: 'This page',
      outcome: 'unchecked',
      text: 'whoever can alter this file can alter its checks: for evidence run “post-incident-proofs bundle verify” or follow VERIFY.md',
    },
  ];
}
