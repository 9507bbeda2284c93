import type { KeyObject } from 'node:crypto';
import { concat, toBase64, utf8, writeU32 } from '../kernel/bytes.ts';
import { rawPublicKey, signEd25519 } from '../kernel/ed25519.ts';
import { leafHash } from '../kernel/hashes.ts';
import { subtreeRoot } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatCheckpointText, noteKeyId } from '../kernel/note.ts';

export interface Signer {
  readonly name: string;
  readonly key: KeyObject;
}

export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const hashes = leaves.map((leaf) => leafHash(nodeHashes, leaf));
  return subtreeRoot(nodeHashes, (index) => hashes[index], 0, hashes.length);
}

/** A checkpoint over these leaves, signed by everybody given, in this order. */
export function forgeCheckpoint(origin: string, leaves: readonly Uint8Array[], signers: readonly Signer[]): string {
  const text = formatCheckpointText({ origin, size: leaves.length, root: rootOf(leaves) });
  const lines = signers.map(({ name, key }) =>
    noteLine(name, noteKeyId(nodeHashes, name, rawPublicKey(key)), signEd25519(key, utf8(text))),
  );
  return `${text}\n${lines.join('')}`;
}

/** One signature line of a note, whatever the bytes are worth. */
export function noteLine(name: string, keyId: number, signature: Uint8Array): string {
  const id = new Uint8Array(4);
  writeU32(id, 0, keyId);
  return `— ${name} ${toBase64(concat(id, signature))}\n`;
}
