import { fromBase64, fromHex, toBase64, toHex } from './bytes.ts';
import { LEDGER_ID_BYTES } from './chain.ts';
import { HASH_BYTES, nodeHash, type Hashes } from './hashes.ts';
import { splitPoint, type SubtreeHash } from './merkle.ts';

/**
 * Receipts of docs/formats/ledger.md (Anchors): a text with which a producer can show later, with the public key alone, that the ledger
 * held the leaves `first` to `last`. Parsing is strict: one spelling per value. Nothing is verified here.
 */
const HEADER = 'proofs/receipt/v1';
const SEPARATOR = '--\n';
/** Maximal subtrees on either side of a cut through a tree of fewer than 2^53 leaves; a range has two cuts. */
const HASHES_MAX = 2 * 53;
/** Four numbers, 212 hashes and a checkpoint with all its signatures stay far below this. */
const RECEIPT_CHARS_MAX = 65_536;

export interface Receipt {
  /** 16 bytes. */
  readonly ledgerId: Uint8Array;
  /** Indices of the first and the last leaf. */
  readonly first: number;
  readonly last: number;
  /** The maximal subtrees that hold leaves of the range only, left to right. */
  readonly inside: readonly Uint8Array[];
  /** The maximal subtrees that hold other leaves only, left to right: merkle.ts rangeProof. */
  readonly outside: readonly Uint8Array[];
  /** Note text of the checkpoint they lead to. */
  readonly checkpoint: string;
}

export class ReceiptFormatError extends Error {}

export function formatReceipt(receipt: Receipt): string {
  const numbers = [`ledger ${toHex(receipt.ledgerId)}`, `first ${receipt.first}`, `last ${receipt.last}`];
  const inside = receipt.inside.map((hash) => `inside ${toBase64(hash)}`);
  const outside = receipt.outside.map((hash) => `outside ${toBase64(hash)}`);
  return `${[HEADER, ...numbers, ...inside, ...outside].join('\n')}\n${SEPARATOR}${receipt.checkpoint}`;
}

/** Text → receipt, or throws ReceiptFormatError. Hostile until the checkpoint's signature and the hashes are verified. */
export function parseReceipt(text: string): Receipt {
  if (text.length > RECEIPT_CHARS_MAX) throw new ReceiptFormatError('the receipt is too long');
  const split = text.indexOf(`\n${SEPARATOR}`);
  if (split < 0) throw new ReceiptFormatError('the receipt has no line "--" before its checkpoint');
  const checkpoint = text.slice(split + 1 + SEPARATOR.length);
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== HEADER) throw new ReceiptFormatError(`the first line is not "${HEADER}"`);
  const ledgerId = fromHex(/^ledger ([0-9a-f]+)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  if (ledgerId?.length !== LEDGER_ID_BYTES) throw new ReceiptFormatError('the second line is not "ledger" and 32 hex digits');
  const first = parseIndex('first', lines.shift());
  const last = parseIndex('last', lines.shift());
  if (first > last) throw new ReceiptFormatError('its first leaf lies behind its last one');
  const insideLines = lines.findIndex((line) => !line.startsWith('inside '));
  const inside = parseHashes('inside', insideLines < 0 ? lines : lines.slice(0, insideLines));
  const outside = parseHashes('outside', insideLines < 0 ? [] : lines.slice(insideLines));
  return { ledgerId, first, last, inside, outside, checkpoint };
}

function parseIndex(name: string, line: string | undefined): number {
  const match = new RegExp(`^${name} (0|[1-9]\\d{0,15})$`).exec(line ?? '');
  const index = match === null ? Number.NaN : Number(match[1]);
  if (!Number.isSafeInteger(index)) throw new ReceiptFormatError(`a line is not "${name}" and a plain decimal number`);
  return index;
}

function parseHashes(name: string, lines: readonly string[]): Uint8Array[] {
  if (lines.length > HASHES_MAX) throw new ReceiptFormatError(`the receipt has more than ${HASHES_MAX} "${name}" lines`);
  return lines.map((line) => {
    const hash = line.startsWith(`${name} `) ? fromBase64(line.slice(name.length + 1)) : undefined;
    if (hash?.length !== HASH_BYTES) throw new ReceiptFormatError(`a line is not "${name}" and 32 bytes of base64`);
    return hash;
  });
}

/** The `inside` hashes of the leaves [first, last] in a tree of `size` leaves. */
export function insideHashes(subtree: SubtreeHash, first: number, last: number, size: number): Uint8Array[] {
  const inside: Uint8Array[] = [];
  const visit = (from: number, to: number): void => {
    if (to <= first || from > last) return;
    if (from >= first && to <= last + 1) inside.push(subtree(from, to));
    else {
      const middle = from + splitPoint(to - from);
      visit(from, middle);
      visit(middle, to);
    }
  };
  visit(0, size);
  return inside;
}

/** Root that a receipt's hashes give for a tree of `size` leaves; undefined when there are too few or too many of them. */
export function receiptRoot(hashes: Hashes, receipt: Receipt, size: number): Uint8Array | undefined {
  const { first, last, inside, outside } = receipt;
  if (last >= size) return undefined;
  const used = { inside: 0, outside: 0 };
  const visit = (from: number, to: number): Uint8Array | undefined => {
    if (to <= first || from > last) return outside[used.outside++];
    if (from >= first && to <= last + 1) return inside[used.inside++];
    const middle = from + splitPoint(to - from);
    const left = visit(from, middle);
    const right = visit(middle, to);
    return left === undefined || right === undefined ? undefined : nodeHash(hashes, left, right);
  };
  const root = visit(0, size);
  return used.inside === inside.length && used.outside === outside.length ? root : undefined;
}
