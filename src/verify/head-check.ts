import { equalBytes, toHex } from '../kernel/bytes.ts';
import { emptyRoot } from '../kernel/hashes.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';
import type { ChainKeys } from './chain-keys.ts';
import type { FindingList } from './finding.ts';
import { isOwnCheckpoint, type LedgerInputs } from './ledger-inputs.ts';
import type { LedgerWalk } from './ledger-walk.ts';
import { watermarkFaults, type Watermark } from './watermark-slots.ts';

const CHECKPOINT = { file: 'ledger/checkpoint' };
const WATERMARK = { file: 'ledger/watermark' };
const GENESIS = { file: 'ledger/segments/00000000000000000000.seg', seqFirst: 0, seqLast: 0, byteOffset: 0 };

/** What the leaves gave, against what the files beside them say. */
export interface HeadContext {
  readonly inputs: LedgerInputs;
  /** Without the slots that the keys disproved. */
  readonly watermark: Watermark;
  readonly walk: LedgerWalk;
  readonly keys: ChainKeys;
  readonly findings: FindingList;
}

/** With MACs the genesis leaf proves itself; without, the signed root over it does. */
function isGenesisIntact({ inputs, walk }: HeadContext): boolean {
  if (inputs.firstRoot !== undefined) return walk.isGenesisSound;
  const { checkpoint } = inputs.head;
  const root = checkpoint === undefined ? undefined : walk.roots.get(checkpoint.size);
  return checkpoint !== undefined && root !== undefined && equalBytes(root, checkpoint.root);
}

/** Each leaf's MAC was checked: then the damaged leaves that were named are all there are. */
function isWhollyKeyed({ inputs, keys }: HeadContext): boolean {
  return inputs.firstRoot !== undefined && keys.unreached.length === 0;
}

export function checkCheckpoint(context: HeadContext): void {
  const { inputs, walk, findings } = context;
  const { checkpoint, signer, fault } = inputs.head;
  if (checkpoint === undefined || signer === undefined) {
    findings.add({ verdict: 'TAMPERED', place: CHECKPOINT, expected: 'a checkpoint that the ledger’s key signed', found: fault ?? 'none' });
    return;
  }
  if (signer.source !== 'genesis' && inputs.genesis.verifierKeyText !== undefined) {
    const found = `a signature of "${signer.key.name}" (${signer.source})`;
    if (isGenesisIntact(context))
      findings.add({ verdict: 'TAMPERED', place: CHECKPOINT, expected: 'a signature of the key in the genesis leaf', found });
    else if (inputs.firstRoot === undefined)
      findings.add({ verdict: 'TAMPERED', place: GENESIS, expected: 'the key that signed the checkpoint', found: 'another key' });
  }
  const root = walk.roots.get(checkpoint.size);
  const isExplained = isWhollyKeyed(context) && walk.damagedLeaves > 0;
  if (root === undefined || isExplained || equalBytes(root, checkpoint.root)) return;
  const place = { file: 'ledger/segments', seqFirst: 0, seqLast: checkpoint.size - 1 };
  findings.add({ verdict: 'TAMPERED', place, expected: `the signed root ${toHex(checkpoint.root)}`, found: toHex(root) });
}

export function checkWatermark({ inputs, watermark, walk, findings }: HeadContext): void {
  const { watermarkBytes, head } = inputs;
  const isLost = watermark.slots.length === 0;
  if (isLost && watermarkBytes === undefined) {
    findings.add({ verdict: 'ROLLED_BACK', place: WATERMARK, expected: 'the record of what was acknowledged', found: 'no file' });
    return;
  }
  for (const { slot, byteOffset, expected, found } of watermarkFaults(watermark)) {
    const verdict = isLost && slot !== undefined ? 'ROLLED_BACK' : 'TAMPERED';
    findings.add({
      verdict,
      place: { ...WATERMARK, byteOffset },
      expected: slot === undefined ? expected : `${expected} (watermark slot ${slot})`,
      found,
    });
  }
  for (const slot of watermark.slots) {
    const commit = walk.commits.get(slot.size);
    const byteOffset = slot.index * 4096 + 36;
    if (commit !== undefined && commit.epoch !== slot.epoch) {
      const expected = `epoch ${commit.epoch} after ${slot.size} leaves in watermark slot ${slot.index}`;
      const place = { ...WATERMARK, byteOffset: slot.index * 4096 + 16 };
      findings.add({ verdict: 'TAMPERED', place, expected, found: `epoch ${slot.epoch}` });
    }
    if (commit !== undefined && commit.mac !== Buffer.from(slot.mac).toString('latin1')) {
      const expected = `the MAC of leaf ${slot.size - 1} in watermark slot ${slot.index}`;
      findings.add({
        verdict: 'TAMPERED',
        place: { ...WATERMARK, seqFirst: slot.size - 1, seqLast: slot.size - 1, byteOffset },
        expected,
        found: 'another',
      });
    }
  }
  const newest = watermark.slots[0];
  if (newest === undefined || head.checkpoint === undefined || head.noteBytes === undefined) return;
  const { size } = head.checkpoint;
  if (size < newest.size) {
    const found = `one of ${size}: the disk was full, the checkpoint lock was away, or an older checkpoint was put in its place`;
    findings.add({
      verdict: 'TORN_TAIL',
      place: { ...CHECKPOINT, seqFirst: size, seqLast: newest.size - 1 },
      expected: `a checkpoint of ${newest.size} leaves`,
      found,
    });
  }
  if (size === newest.size && !equalBytes(nodeHashes.sha256(head.noteBytes), newest.checkpointHash)) {
    findings.add({
      verdict: 'TAMPERED',
      place: CHECKPOINT,
      expected: `the note whose hash is in watermark slot ${newest.index}`,
      found: 'another',
    });
  }
}

export function checkVerifierKeyFile(context: HeadContext): void {
  const { inputs, findings } = context;
  const { verifierKeyBytes, genesis, head } = inputs;
  const place = { file: 'ledger/log.vkey' };
  if (verifierKeyBytes === undefined) {
    findings.add({ verdict: 'TAMPERED', place, expected: 'a copy of the verifier key', found: 'no file' });
    return;
  }
  if (genesis.verifierKeyText === undefined) return;
  const expected = Buffer.from(`${genesis.verifierKeyText}\n`);
  if (equalBytes(expected, verifierKeyBytes)) return;
  // The copy is right and the genesis is the damaged one when the copy's key signed the checkpoint.
  if (head.signer?.source === 'log.vkey' && !isGenesisIntact(context)) return;
  const length = Math.min(expected.length, verifierKeyBytes.length);
  const different = expected.subarray(0, length).findIndex((byte, at) => byte !== verifierKeyBytes[at]);
  const byteOffset = different < 0 ? length : different;
  findings.add({
    verdict: 'TAMPERED',
    place: { ...place, byteOffset },
    expected: 'the key in the genesis leaf and a newline',
    found: 'something else',
  });
}

export function checkPinnedKey(context: HeadContext, pinned: VerifierKey): void {
  const { genesis, head } = context.inputs;
  const own = genesis.verifierKey;
  if (own !== undefined && own.name === pinned.name && equalBytes(own.publicKey, pinned.publicKey)) return;
  if (head.signer?.source === 'pinned' && !isGenesisIntact(context)) return;
  const found = own === undefined ? 'no readable key' : `"${own.name}"`;
  context.findings.add({ verdict: 'KEY_MISMATCH', place: GENESIS, expected: `the pinned key "${pinned.name}"`, found });
}

/** Answers the anchor's size when the ledger contains what it states. */
export function checkAnchor(context: HeadContext, anchor: SignedCheckpoint, pinned: VerifierKey | undefined): number | undefined {
  const { inputs, walk, findings } = context;
  const { head } = inputs;
  const key = pinned ?? head.signer?.key ?? inputs.genesis.verifierKey;
  const place = { file: 'ledger/checkpoint', seqFirst: 0, seqLast: Math.max(anchor.size - 1, 0) };
  if (key === undefined || !isOwnCheckpoint(anchor, key)) {
    const found = `one of "${anchor.origin.slice(0, 64)}" without a good signature of it`;
    findings.add({ verdict: 'KEY_MISMATCH', place: CHECKPOINT, expected: 'an anchor signed by the ledger’s key', found });
    return undefined;
  }
  const expected = `the anchor’s ${anchor.size} leaves with root ${toHex(anchor.root)}`;
  const own = head.checkpoint;
  if (own?.size === anchor.size && !equalBytes(own.root, anchor.root)) {
    findings.add({ verdict: 'FORKED', place, expected, found: `a checkpoint of that size with root ${toHex(own.root)}` });
    return undefined;
  }
  if (walk.size < anchor.size) {
    const isCut = own !== undefined && own.size >= anchor.size;
    findings.add({
      verdict: isCut ? 'TRUNCATED' : 'ROLLED_BACK',
      place: { ...place, seqFirst: walk.size },
      expected,
      found: `${walk.size} leaves`,
    });
    return undefined;
  }
  const root = anchor.size === 0 ? emptyRoot(nodeHashes) : walk.roots.get(anchor.size);
  if (root === undefined) return undefined;
  if (equalBytes(root, anchor.root)) return anchor.size;
  // Leaves that are not what our own checkpoint signed were edited; leaves that are, but contradict the anchor, are a second history.
  const ownRoot = own === undefined ? undefined : walk.roots.get(own.size);
  const isOwnHistory = own !== undefined && ownRoot !== undefined && equalBytes(ownRoot, own.root);
  findings.add({ verdict: isOwnHistory ? 'FORKED' : 'TAMPERED', place, expected, found: `root ${toHex(root)}` });
  return undefined;
}
