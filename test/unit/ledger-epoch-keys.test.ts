import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signEd25519, verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { EPOCH_MAX } from '../../src/kernel/epoch.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseVerifierKey } from '../../src/kernel/note.ts';
import { EpochKeys } from '../../src/ledger/epoch-keys.ts';

const ledgerId = Buffer.alloc(16, 0x22);
const identity = { ledgerId, origin: 'test.example/log', verifierKey: '' };
const keysOf = (epoch: number): EpochKeys => new EpochKeys(epoch, Buffer.alloc(32, 0x11), Buffer.alloc(32, 0x33));

/** docs/formats/ledger.md, Epochs, spelled out. */
function derived(key: Uint8Array, label: string, epoch: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(epoch);
  return createHmac('sha256', key).update(`${label}\n`).update(ledgerId).update(number).digest();
}

describe('the keys of an epoch', () => {
  it('evolve as documented, key and seed each from its own', () => {
    const next = keysOf(6).next(ledgerId);
    expect(next.epoch).toBe(7);
    expect(next.macKey).toEqual(derived(Buffer.alloc(32, 0x11), 'proofs/epoch-key/v1', 7));
    expect(next.seed).toEqual(derived(Buffer.alloc(32, 0x33), 'proofs/epoch-seed/v1', 7));
  });

  it('do not evolve past the last number a header has', () => {
    expect(() => keysOf(EPOCH_MAX).next(ledgerId)).toThrow('32 bits');
  });

  it('sign under the name of their epoch with the key that the seal before announced', () => {
    const signer = keysOf(7).signer(identity);
    expect(signer.name).toBe('test.example/log/epoch/7');
    const announced = parseVerifierKey(nodeHashes, signer.verifierKey);
    expect(announced).toMatchObject({ name: signer.name, keyId: signer.keyId });
    const message = Buffer.from('signed');
    expect(verifyEd25519(announced.publicKey, message, signEd25519(signer.privateKey, message))).toBe(true);
    expect(keysOf(8).signer(identity).verifierKey).not.toBe(signer.verifierKey);
  });

  it('are read back from their own text', () => {
    const read = EpochKeys.parse(keysOf(42).format());
    expect(read).toMatchObject({ epoch: 42, macKey: Buffer.alloc(32, 0x11), seed: Buffer.alloc(32, 0x33) });
    expect(EpochKeys.parse(keysOf(EPOCH_MAX).format())?.epoch).toBe(EPOCH_MAX);
  });

  const text = keysOf(42).format().toString();
  it.each([
    ['nothing', ''],
    ['a line too few', text.split('\n').slice(0, 3).join('\n')],
    ['a line too many', `${text}more\n`],
    ['no newline at the end', text.trimEnd()],
    ['another version', text.replace('/v1', '/v2')],
    ['a leading zero', text.replace('\n42\n', '\n042\n')],
    ['an epoch past 32 bits', text.replace('\n42\n', '\n4294967296\n')],
    ['a negative epoch', text.replace('\n42\n', '\n-1\n')],
    ['a short key', text.replace('11', '')],
    ['capital digits', text.replace('11', 'AA')],
    ['CRLF', text.replaceAll('\n', '\r\n')],
  ])('are not read from %s', (_what, content) => {
    expect(EpochKeys.parse(Buffer.from(content))).toBeUndefined();
  });

  it('leave nothing behind when they are wiped, and what descends from them stays', () => {
    const keys = keysOf(1);
    const next = keys.next(ledgerId);
    const copy = keys.atEpoch(9);
    keys.wipe();
    expect([keys.macKey, keys.seed]).toEqual([Buffer.alloc(32), Buffer.alloc(32)]);
    expect(next.macKey).toEqual(keysOf(1).next(ledgerId).macKey);
    expect(copy.macKey).toEqual(Buffer.alloc(32, 0x11));
  });

  it('of two lineages with one root key sign differently: the seed does not descend from it', () => {
    const [one, other] = [EpochKeys.ofRoot(Buffer.alloc(32, 1)), EpochKeys.ofRoot(Buffer.alloc(32, 1))];
    expect(one.macKey).toEqual(other.macKey);
    expect(one.signer(identity).verifierKey).not.toBe(other.signer(identity).verifierKey);
  });
});
