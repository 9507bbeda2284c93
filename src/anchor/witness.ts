import type { KeyObject } from 'node:crypto';
import { equalBytes, toBase64 } from '../kernel/bytes.ts';
import type { Json } from '../kernel/canonical-json.ts';
import { cosignedMessage, cosignerKeyId, formatCosignature, formatCosignerKey } from '../kernel/cosignature.ts';
import { rawPublicKey, signEd25519, verifyEd25519 } from '../kernel/ed25519.ts';
import { emptyRoot } from '../kernel/hashes.ts';
import { verifyConsistency } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey, isSignedBy, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import { parseAddCheckpoint, type AddCheckpoint } from './add-checkpoint.ts';
import { AnchorError } from './anchor-error.ts';
import { InOrder } from './in-order.ts';
import type { WitnessFiles } from './witness-files.ts';

/** At most one leaf in this time says what was cosigned of one log: two sidecars that witness each other must not keep each other awake. */
const RECORD_EVERY_MS = 60_000;

export type Cosigning =
  | { readonly outcome: 'cosigned'; readonly origin: string; readonly size: number; /** Signature line. */ readonly line: string }
  /** What is known of that log does not end where the request begins, or is another tree of the same size. */
  | { readonly outcome: 'conflict'; readonly origin: string; readonly size: number; readonly isFork: boolean };

export interface WitnessOptions {
  /** KEYS_DIR/witness.key */
  readonly key: KeyObject;
  readonly name: string;
  readonly logs: ReadonlyMap<string, readonly VerifierKey[]>;
  readonly files: WitnessFiles;
  /** Appends a `witness` leaf to our own ledger; nobody waits for it. */
  readonly record: (payload: Json) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * A witness of other logs (c2sp.org/tlog-witness): it cosigns a checkpoint only when it continues the one that it cosigned last, and
 * that record is durable before the cosignature leaves. So a log that was rolled back, or that shows two histories, is found out by
 * whoever asks for its cosignature.
 */
export class Witness {
  /** Cosigner key text that logs put into their list of witnesses. */
  readonly verifierKey: string;
  readonly #options: WitnessOptions;
  readonly #keyId: number;
  readonly #inOrder = new InOrder();
  readonly #recordedMs = new Map<string, number>();
  readonly #now: () => number;

  constructor(options: WitnessOptions) {
    const publicKey = rawPublicKey(options.key);
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#keyId = cosignerKeyId(nodeHashes, options.name, publicKey);
    this.verifierKey = formatCosignerKey(nodeHashes, options.name, publicKey);
  }

  /** Body of an add-checkpoint request → what to answer. Throws AnchorError. */
  async addCheckpoint(body: Uint8Array): Promise<Cosigning> {
    const request = parseAddCheckpoint(body);
    const key = this.#trustedKey(request.checkpoint);
    // Reading what was cosigned last and replacing it is one step: else a slower, older request could take the record back.
    return this.#inOrder.run(request.checkpoint.origin, () => this.#cosign(request, key));
  }

  #trustedKey(checkpoint: SignedCheckpoint): VerifierKey {
    const keys = this.#options.logs.get(checkpoint.origin);
    if (keys === undefined) throw new AnchorError('not-found', `this witness does not know the log "${checkpoint.origin.slice(0, 255)}"`);
    const key = keys.find((candidate) => isSignedBy(checkpoint, candidate, verifyEd25519));
    if (key === undefined) throw new AnchorError('bad-signature', 'no trusted key of that log signed the checkpoint');
    return key;
  }

  async #cosign({ oldSize, proof, checkpoint }: AddCheckpoint, key: VerifierKey): Promise<Cosigning> {
    const { origin, size, root } = checkpoint;
    const latest = (await this.#options.files.readLatest(origin)) ?? { origin, size: 0, root: emptyRoot(nodeHashes) };
    const conflict = { outcome: 'conflict', origin, size: latest.size } as const;
    if (latest.size !== oldSize) return { ...conflict, isFork: false };
    if (latest.size === size && !equalBytes(latest.root, root)) return { ...conflict, isFork: true };
    if (!verifyConsistency(nodeHashes, oldSize, size, latest.root, root, proof))
      throw new AnchorError('bad-proof', `the proof does not show that ${size} entries continue the ${oldSize} that were cosigned last`);
    if (size > latest.size) await this.#options.files.replaceLatest({ origin, size, root });
    const nowMs = this.#now();
    if (size > latest.size) this.#record(checkpoint, key, nowMs);
    const timeS = Math.floor(nowMs / 1000);
    const signature = signEd25519(this.#options.key, cosignedMessage(checkpoint.text, timeS));
    return {
      outcome: 'cosigned',
      origin,
      size,
      line: formatCosignature({ name: this.#options.name, keyId: this.#keyId }, timeS, signature),
    };
  }

  #record({ origin, size, root }: SignedCheckpoint, key: VerifierKey, nowMs: number): void {
    const beforeMs = this.#recordedMs.get(origin);
    if (beforeMs !== undefined && nowMs - beforeMs < RECORD_EVERY_MS) return;
    this.#recordedMs.set(origin, nowMs);
    this.#options.record({ key: formatVerifierKey(nodeHashes, key.name, key.publicKey), origin, root: toBase64(root), size });
  }
}
