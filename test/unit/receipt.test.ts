import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../../src/kernel/bytes.ts';
import { generateEd25519, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { rangeProof, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, parseVerifierKey } from '../../src/kernel/note.ts';
import { formatReceipt, insideHashes, parseReceipt, ReceiptFormatError, receiptRoot, type Receipt } from '../../src/kernel/receipt.ts';
import {
  checkReceipt,
  checkReceiptAlone,
  checkReceipts,
  readReceipt,
  type HeldReceipt,
  type ReceiptLedger,
} from '../../src/verify/receipt-check.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const SIZE_MAX = 300;
const leaves = Array.from({ length: SIZE_MAX }, (_, i) => leafHash(nodeHashes, utf8(`leaf ${i}`)));
const rewritten = leaves.with(3, leafHash(nodeHashes, utf8('another leaf 3')));
const subtreeOf = (all: readonly Uint8Array[]) => (from: number, to: number) =>
  new Uint8Array(subtreeRoot(nodeHashes, (i) => all[i], from, to));
const subtree = subtreeOf(leaves);

const origin = 'example.com/log';
const ledgerId = new Uint8Array(16).fill(0x33);
const privateKey = generateEd25519();
const key = parseVerifierKey(nodeHashes, formatVerifierKey(nodeHashes, origin, rawPublicKey(privateKey)));
const strangerKey = parseVerifierKey(nodeHashes, formatVerifierKey(nodeHashes, origin, rawPublicKey(generateEd25519())));

function noteOf(size: number, root = subtree(0, size)): string {
  const text = formatCheckpointText({ origin, size, root });
  return formatNote(text, key, signEd25519(privateKey, utf8(text)));
}

function receiptOf(first: number, last: number, size: number): Receipt {
  const inside = insideHashes(subtree, first, last, size);
  return { ledgerId, first, last, inside, outside: rangeProof(subtree, first, last, size), checkpoint: noteOf(size) };
}

function held(receipt: Receipt): HeldReceipt {
  return readReceipt('a.receipt', utf8(formatReceipt(receipt)));
}

function ledgerOf(all: readonly Uint8Array[], options: Partial<ReceiptLedger> = {}): ReceiptLedger {
  return { ledgerId, size: all.length, rootAt: (size) => subtreeOf(all)(0, size), isOwnHistory: true, ...options };
}

/** Any range of any tree of up to SIZE_MAX leaves. */
const ranges = fc
  .tuple(fc.nat(SIZE_MAX - 1), fc.nat(SIZE_MAX - 1), fc.nat(SIZE_MAX - 1))
  .map((numbers) => numbers.toSorted((a, b) => a - b))
  .map(([first, last, size]) => ({ first, last, size: size + 1 }));

const verdicts = (findings: readonly { verdict: string }[]): string[] => findings.map(({ verdict }) => verdict);

describe('the text of a receipt', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(ranges, ({ first, last, size }) => {
        const receipt = receiptOf(first, last, size);
        expect(parseReceipt(formatReceipt(receipt))).toEqual(receipt);
      }),
      { seed },
    );
  });

  const good = formatReceipt(receiptOf(2, 9, 21));
  const hash = toBase64(leaves[0]);
  it.each([
    ['without its first line', good.slice(good.indexOf('\n') + 1)],
    ['of another version', good.replace('/v1', '/v2')],
    ['with CRLF', good.replaceAll('\n', '\r\n')],
    ['with a leading zero', good.replace('first 2', 'first 02')],
    ['with a sign', good.replace('first 2', 'first +2')],
    ['with its numbers in another order', good.replace(/(first \d+\n)(last \d+\n)/, '$2$1')],
    ['with a number said twice', good.replace('first 2\n', 'first 2\nfirst 2\n')],
    ['whose range ends before it begins', good.replace('first 2', 'first 10')],
    ['with an upper-case id', good.replace('ledger 33', 'ledger 3A')],
    ['with a short id', good.replace('ledger 33', 'ledger ')],
    ['with an outside hash among the inside ones', good.replace('inside', `outside ${hash}\ninside`)],
    ['with a hash of another length', good.replace(/inside \S+/, 'inside AAAA')],
    ['with base64 that has a second spelling', good.replace(/(inside \S{42})\S=/, '$19=')],
    ['with an empty line', good.replace('\n--', '\n\n--')],
    ['without a separator', good.replace('--\n', '')],
    ['with 10^6 hashes', good.replace('inside', `${`inside ${hash}\n`.repeat(1_000_000)}inside`)],
    ['with 107 hashes', good.replace('inside', `${`inside ${hash}\n`.repeat(107)}inside`)],
    ['with a number beyond 2^53', good.replace('last 9', 'last 9007199254740992')],
  ])('%s is refused', (_name, text) => {
    expect(() => parseReceipt(text)).toThrow(ReceiptFormatError);
  });

  it('with a checkpoint that is no note, or too small for its range, is refused as a file', () => {
    expect(() => readReceipt('f', utf8(good.slice(0, -1)))).toThrow('"f" is no receipt: ');
    expect(() => readReceipt('f', utf8(good.replace('last 9', 'last 21')))).toThrow('its checkpoint of 21 leaves');
    expect(() => readReceipt('f', Uint8Array.of(0xff))).toThrow('malformed UTF-8');
  });
});

describe('the hashes of a receipt', () => {
  it('lead to the root of its checkpoint, for every range of every tree', () => {
    fc.assert(
      fc.property(ranges, ({ first, last, size }) => {
        const root = receiptRoot(nodeHashes, receiptOf(first, last, size), size);
        expect(root === undefined ? root : new Uint8Array(root)).toEqual(subtree(0, size));
      }),
      { seed },
    );
  });

  it('lead elsewhere when any bit, or any hash, is another', () => {
    fc.assert(
      fc.property(ranges, fc.nat(), fc.nat(255), ({ first, last, size }, pick, bit) => {
        const receipt = receiptOf(first, last, size);
        const at = pick % (receipt.inside.length + receipt.outside.length);
        const flip = (offset: number) => (hash: Uint8Array, i: number) =>
          hash.map((byte, j) => (i + offset === at && j === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const flipped = { ...receipt, inside: receipt.inside.map(flip(0)), outside: receipt.outside.map(flip(receipt.inside.length)) };
        expect(Buffer.from(receiptRoot(nodeHashes, flipped, size) ?? []).equals(subtree(0, size))).toBe(false);
        expect(receiptRoot(nodeHashes, { ...receipt, inside: receipt.inside.slice(1) }, size)).toBeUndefined();
        expect(receiptRoot(nodeHashes, { ...receipt, outside: [...receipt.outside, leaves[0]] }, size)).toBeUndefined();
      }),
      { seed },
    );
  });

  it('do not fit another range', () => {
    const receipt = receiptOf(8, 11, 21);
    for (const moved of [{ first: 4, last: 7 }, { last: 12 }, { first: 9 }, { last: 20 }])
      expect(Buffer.from(receiptRoot(nodeHashes, { ...receipt, ...moved }, 21) ?? []).equals(subtree(0, 21))).toBe(false);
  });

  it('are judged at once in a tree of 2^53 − 1 leaves', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const started = performance.now();
    expect(receiptRoot(nodeHashes, { ...receiptOf(0, 0, 1), first: 1, last: size - 2 }, size)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(100);
  });
});

describe('a receipt against a ledger', () => {
  it('is satisfied by the ledger that gave it, and by every continuation of it', () => {
    for (const size of [21, 22, 64, 300]) expect(checkReceipt(held(receiptOf(2, 9, 21)), ledgerOf(leaves.slice(0, size)), key)).toEqual([]);
  });

  it('names the loss in every ledger that was cut below it', () => {
    for (let size = 0; size < 21; size++) {
      const [finding] = checkReceipt(held(receiptOf(2, 9, 21)), ledgerOf(leaves.slice(0, size)), key);
      expect(finding).toMatchObject({ verdict: 'TRUNCATED', place: { seqFirst: size, seqLast: 20 } });
    }
  });

  it('tells a second history that was signed from leaves that were changed', () => {
    const receipt = held(receiptOf(2, 9, 21));
    expect(verdicts(checkReceipt(receipt, ledgerOf(rewritten), key))).toEqual(['FORKED']);
    expect(verdicts(checkReceipt(receipt, ledgerOf(rewritten, { isOwnHistory: false }), key))).toEqual(['TAMPERED']);
    expect(verdicts(checkReceipt(receipt, ledgerOf(leaves, { rootAt: () => undefined }), key))).toEqual(['TAMPERED']);
  });

  it('of another ledger is not held against this one', () => {
    const other = { ...receiptOf(2, 9, 21), ledgerId: new Uint8Array(16) };
    expect(verdicts(checkReceipt(held(other), ledgerOf(leaves), key))).toEqual(['KEY_MISMATCH']);
  });
});

describe('receipts', () => {
  const receipts = [receiptOf(2, 9, 21), receiptOf(30, 30, 64), receiptOf(0, 0, 1)].map(held);

  it('anchor the ledger to the sizes that the satisfied ones state', () => {
    expect(checkReceipts(receipts, ledgerOf(leaves), key)).toEqual({ findings: [], anchoredTo: [21, 64, 1] });
    const cut = checkReceipts(receipts, ledgerOf(leaves.slice(0, 40)), key);
    expect(verdicts(cut.findings)).toEqual(['TRUNCATED']);
    expect(cut.anchoredTo).toEqual([21, 1]);
  });

  it('prove nothing where no key can be read', () => {
    const { findings, anchoredTo } = checkReceipts(receipts, ledgerOf(leaves), undefined);
    expect(new Set(verdicts(findings))).toEqual(new Set(['KEY_MISMATCH']));
    expect(anchoredTo).toEqual([]);
  });
});

describe('a receipt alone', () => {
  it('proves itself with the public key', () => {
    expect(checkReceiptAlone(held(receiptOf(2, 9, 21)), key)).toEqual([]);
  });

  it('signed by another key, or by nobody, proves nothing', () => {
    expect(verdicts(checkReceiptAlone(held(receiptOf(2, 9, 21)), strangerKey))).toEqual(['KEY_MISMATCH']);
    const larger = noteOf(21).replace('\n21\n', '\n22\n');
    expect(verdicts(checkReceiptAlone(held({ ...receiptOf(2, 9, 21), checkpoint: larger }), key))).toEqual(['KEY_MISMATCH']);
  });

  it('whose hashes do not lead to the signed root proves nothing', () => {
    const forged = { ...receiptOf(2, 9, 21), inside: insideHashes(subtreeOf(rewritten), 2, 9, 21) };
    expect(verdicts(checkReceiptAlone(held(forged), key))).toEqual(['TAMPERED']);
    expect(verdicts(checkReceipt(held(forged), ledgerOf(leaves), key))).toEqual(['TAMPERED']);
  });
});
