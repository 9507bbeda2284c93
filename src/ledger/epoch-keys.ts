import { randomBytes, type KeyObject } from 'node:crypto';
import { equalBytes, fromHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES, keyCommitment } from '../kernel/chain.ts';
import { ed25519FromSeed, rawPublicKey } from '../kernel/ed25519.ts';
import { EPOCH_MAX, epochKeyName, epochSigningSeed, nextEpochKey, nextEpochSeed } from '../kernel/epoch.ts';
import { assertInvariant } from '../kernel/errors.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey, noteKeyId } from '../kernel/note.ts';
import type { LedgerIdentity } from './ports.ts';

const HEADER = 'proofs/epoch-key/v1';
const SECRET_HEX = /^[0-9a-f]{64}$/;

/** The Ed25519 key of one epoch, ready to sign checkpoints. */
export interface EpochSigner {
  readonly name: string;
  readonly keyId: number;
  readonly privateKey: KeyObject;
  /** Verifier key text: what the seal of the epoch before announces. */
  readonly verifierKey: string;
}

/**
 * The secrets of one epoch (docs/formats/ledger.md, Epochs): K_e makes MACs, S_e the epoch's signing key. Held in Buffers of their own
 * so that they can be wiped; evolving is one way, so a thief of these cannot make anything of an earlier epoch.
 */
export class EpochKeys {
  readonly epoch: number;
  /** K_e, 32 bytes. */
  readonly macKey: Buffer;
  /** S_e, 32 bytes. */
  readonly seed: Buffer;
  #signer: EpochSigner | undefined;

  /** Takes the two secrets over: they are wiped with this object. */
  constructor(epoch: number, macKey: Buffer, seed: Buffer) {
    this.epoch = epoch;
    this.macKey = macKey;
    this.seed = seed;
  }

  /** The first epoch of a lineage: its K is the root key, its S fresh and random, so that the root key's holder cannot sign. */
  static ofRoot(rootKey: Uint8Array, epoch = 0): EpochKeys {
    return new EpochKeys(epoch, ownCopy(rootKey), randomBytes(HMAC_KEY_BYTES));
  }

  /** Content of an epoch.key file; undefined when it is none. */
  static parse(content: Buffer): EpochKeys | undefined {
    const [header, epochText = '', macKeyHex = '', seedHex = '', rest, ...more] = content.toString('latin1').split('\n');
    const epoch = Number(epochText);
    if (header !== HEADER || rest !== '' || more.length > 0 || !/^(?:0|[1-9]\d{0,9})$/.test(epochText) || epoch > EPOCH_MAX)
      return undefined;
    const macKey = SECRET_HEX.test(macKeyHex) ? fromHex(macKeyHex) : undefined;
    const seed = SECRET_HEX.test(seedHex) ? fromHex(seedHex) : undefined;
    return macKey === undefined || seed === undefined ? undefined : new EpochKeys(epoch, moved(macKey), moved(seed));
  }

  /** The bytes of the epoch.key file. Secret: to be wiped after use. */
  format(): Buffer {
    return Buffer.from(`${HEADER}\n${this.epoch}\n${this.macKey.toString('hex')}\n${this.seed.toString('hex')}\n`, 'latin1');
  }

  /** The keys of the next epoch; these stay as they are until they are wiped. */
  next(ledgerId: Uint8Array): EpochKeys {
    const epoch = this.epoch + 1;
    assertInvariant(epoch <= EPOCH_MAX, 'epochs fit 32 bits');
    const macKey = moved(nextEpochKey(nodeHashes, this.macKey, ledgerId, epoch));
    return new EpochKeys(epoch, macKey, moved(nextEpochSeed(nodeHashes, this.seed, ledgerId, epoch)));
  }

  /** The same secrets for another epoch: those of a rotation wait until it is known where it will begin. */
  atEpoch(epoch: number): EpochKeys {
    return new EpochKeys(epoch, ownCopy(this.macKey), ownCopy(this.seed));
  }

  signer({ origin, ledgerId }: LedgerIdentity): EpochSigner {
    if (this.#signer !== undefined) return this.#signer;
    const signingSeed = epochSigningSeed(nodeHashes, this.seed, ledgerId, this.epoch);
    const privateKey = ed25519FromSeed(signingSeed);
    signingSeed.fill(0);
    const name = epochKeyName(origin, this.epoch);
    const publicKey = rawPublicKey(privateKey);
    const verifierKey = formatVerifierKey(nodeHashes, name, publicKey);
    return (this.#signer = { name, keyId: noteKeyId(nodeHashes, name, publicKey), privateKey, verifierKey });
  }

  /** Does K_e, taken as a root key, fit this commitment? */
  isCommittedBy(commitment: Uint8Array, ledgerId: Uint8Array): boolean {
    return equalBytes(keyCommitment(nodeHashes, this.macKey, ledgerId), commitment);
  }

  /** Overwrites the secrets; the signing key goes with the last reference to it (OpenSSL cleanses keys when it frees them). */
  wipe(): void {
    this.macKey.fill(0);
    this.seed.fill(0);
    this.#signer = undefined;
  }
}

/** A small Buffer of Node's is a view of a shared pool; secrets get memory of their own. */
function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.alloc(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The same for bytes that nobody else needs: what they stood in is wiped. */
function moved(bytes: Uint8Array): Buffer {
  const copy = ownCopy(bytes);
  bytes.fill(0);
  return copy;
}
