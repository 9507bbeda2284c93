import { equalBytes, fromUtf8, toHex } from '../kernel/bytes.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';
import { parseReceipt, ReceiptFormatError, receiptRoot, type Receipt } from '../kernel/receipt.ts';
import type { Finding } from './finding.ts';
import type { HeadContext } from './head-check.ts';
import { isOwnCheckpoint, tryParseNote } from './ledger-inputs.ts';
import { VerifyError } from './verify-error.ts';

/** A receipt as its holder gave it. Hostile until checkReceipt found nothing. */
export interface HeldReceipt {
  /** The file, for messages. */
  readonly label: string;
  readonly receipt: Receipt;
  readonly checkpoint: SignedCheckpoint;
}

/** What a walk over the ledger found out, as far as a receipt asks. */
export interface ReceiptLedger {
  /** Undefined when the genesis leaf cannot be read. */
  readonly ledgerId: Uint8Array | undefined;
  /** Leaves that are there. */
  readonly size: number;
  /** Undefined when leaves below that size are missing. */
  rootAt(size: number): Uint8Array | undefined;
  /** The leaves are those that the ledger's own checkpoint signs: what contradicts the receipt then is a second history. */
  readonly isOwnHistory: boolean;
}

/** Bytes of a file → receipt; throws VerifyError `bad-input`. */
export function readReceipt(label: string, bytes: Uint8Array): HeldReceipt {
  const refuse = (why: string, cause?: unknown): VerifyError => new VerifyError('bad-input', `"${label}" is no receipt: ${why}`, { cause });
  try {
    const receipt = parseReceipt(fromUtf8(bytes));
    const checkpoint = tryParseNote(new TextEncoder().encode(receipt.checkpoint));
    if (typeof checkpoint === 'string') throw refuse(checkpoint);
    if (receipt.last >= checkpoint.size) throw refuse(`it speaks of leaf ${receipt.last}, its checkpoint of ${checkpoint.size} leaves`);
    return { label, receipt, checkpoint };
  } catch (error) {
    if (error instanceof ReceiptFormatError) throw refuse(error.message, error);
    if (error instanceof TypeError) throw refuse('malformed UTF-8', error);
    throw error;
  }
}

/** Does it prove what it says, by the key alone? */
export function checkReceiptAlone({ label, receipt, checkpoint }: HeldReceipt, key: VerifierKey): Finding[] {
  const place = { file: label, seqFirst: receipt.first, seqLast: receipt.last };
  if (!isOwnCheckpoint(checkpoint, key)) {
    const found = `a checkpoint of "${checkpoint.origin.slice(0, 64)}" without a good signature of it`;
    return [{ verdict: 'KEY_MISMATCH', place, expected: `a receipt signed by "${key.name}"`, found }];
  }
  const root = receiptRoot(nodeHashes, receipt, checkpoint.size);
  if (root !== undefined && equalBytes(root, checkpoint.root)) return [];
  const found = root === undefined ? 'too few or too many of them' : `a root ${toHex(root)}`;
  return [{ verdict: 'TAMPERED', place, expected: `hashes that lead to the signed root ${toHex(checkpoint.root)}`, found }];
}

/** Does the ledger hold what the receipt says that it held? An empty list: it does, and is anchored to the receipt's size. */
export function checkReceipt(held: HeldReceipt, ledger: ReceiptLedger, key: VerifierKey): Finding[] {
  const unsound = checkReceiptAlone(held, key);
  if (unsound.length > 0) return unsound;
  const { label, receipt, checkpoint } = held;
  const expected = `leaves ${receipt.first} to ${receipt.last} in the ${checkpoint.size} that "${label}" proves`;
  const file = 'ledger/segments';
  // The id is not signed, the origin and the root are: so this only tells mixed-up files from a fork.
  if (ledger.ledgerId !== undefined && !equalBytes(ledger.ledgerId, receipt.ledgerId)) {
    const found = `ledger ${toHex(ledger.ledgerId)}`;
    return [{ verdict: 'KEY_MISMATCH', place: { file: label }, expected: `the ledger ${toHex(receipt.ledgerId)}`, found }];
  }
  if (ledger.size < checkpoint.size) {
    const place = { file, seqFirst: ledger.size, seqLast: checkpoint.size - 1 };
    return [{ verdict: 'TRUNCATED', place, expected, found: `a ledger that ends after ${ledger.size}` }];
  }
  const root = ledger.rootAt(checkpoint.size);
  if (root !== undefined && equalBytes(root, checkpoint.root)) return [];
  const verdict = root !== undefined && ledger.isOwnHistory ? 'FORKED' : 'TAMPERED';
  const found = root === undefined ? 'leaves are missing before its end' : `the root ${toHex(root)} at that size`;
  return [{ verdict, place: { file, seqFirst: 0, seqLast: checkpoint.size - 1 }, expected, found }];
}

/** A walk that is over, as receipts see it. */
export function toReceiptLedger({ inputs, walk }: HeadContext): ReceiptLedger {
  const { checkpoint } = inputs.head;
  const ownRoot = checkpoint === undefined ? undefined : walk.roots.get(checkpoint.size);
  return {
    ledgerId: inputs.ledgerId,
    size: walk.size,
    rootAt: (size) => walk.roots.get(size),
    isOwnHistory: checkpoint !== undefined && ownRoot !== undefined && equalBytes(ownRoot, checkpoint.root),
  };
}

/** All receipts against one ledger: what is wrong, and the sizes that the satisfied ones anchor. */
export function checkReceipts(
  receipts: readonly HeldReceipt[],
  ledger: ReceiptLedger,
  key: VerifierKey | undefined,
): { readonly findings: readonly Finding[]; readonly anchoredTo: readonly number[] } {
  const findings: Finding[] = [];
  const anchoredTo: number[] = [];
  for (const held of receipts) {
    const found = key === undefined ? [unknownKey(held)] : checkReceipt(held, ledger, key);
    findings.push(...found);
    if (found.length === 0) anchoredTo.push(held.checkpoint.size);
  }
  return { findings, anchoredTo };
}

function unknownKey({ label }: HeldReceipt): Finding {
  return {
    verdict: 'KEY_MISMATCH',
    place: { file: label },
    expected: 'a key that the receipt can be checked with',
    found: 'none that can be read',
  };
}
