import type { KeyObject } from 'node:crypto';
import { utf8 } from '../../src/kernel/bytes.ts';
import { generateEd25519, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { consistencyPath, subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, formatVerifierKey, noteKeyId } from '../../src/kernel/note.ts';

/** A log of nothing but leaf hashes and a key: enough for whoever looks at checkpoints and proofs only. */
export class ToyLog {
  readonly origin: string;
  readonly verifierKey: string;
  readonly #key: KeyObject;
  readonly #keyId: number;
  readonly #leaves: Uint8Array[] = [];

  constructor(origin: string, key = generateEd25519()) {
    this.origin = origin;
    this.#key = key;
    this.#keyId = noteKeyId(nodeHashes, origin, rawPublicKey(key));
    this.verifierKey = formatVerifierKey(nodeHashes, origin, rawPublicKey(key));
  }

  /** The same log and key with another history from `size` on. */
  fork(size: number): ToyLog {
    const fork = new ToyLog(this.origin, this.#key);
    fork.#leaves.push(...this.#leaves.slice(0, size));
    while (fork.#leaves.length < this.#leaves.length) fork.#leaves.push(leafHash(nodeHashes, utf8(`forked ${fork.#leaves.length}`)));
    return fork;
  }

  grow(size: number): this {
    while (this.#leaves.length < size) this.#leaves.push(leafHash(nodeHashes, utf8(`leaf ${this.#leaves.length}`)));
    return this;
  }

  root(size: number): Uint8Array {
    return this.#subtree(0, size);
  }

  note(size: number, origin = this.origin): string {
    const text = formatCheckpointText({ origin, size, root: this.root(size) });
    return formatNote(text, { name: this.origin, keyId: this.#keyId }, signEd25519(this.#key, utf8(text)));
  }

  proof(oldSize: number, size: number): Uint8Array[] {
    return consistencyPath(this.#subtree, oldSize, size);
  }

  readonly #subtree = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (index) => this.#leaves[index], from, to);
}
