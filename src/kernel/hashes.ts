import { concat } from './bytes.ts';

/**
 * The one hash everything rests on, as a port: Node's OpenSSL on servers (node-hashes.ts), @noble/hashes in browsers and in
 * the portable verifier (portable-hashes.ts). Tests hold both to each other.
 */
export interface Hashes {
  /** SHA-256 (FIPS 180-4): 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA256 (RFC 2104): 32 bytes. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
}

export const HASH_BYTES = 32;

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** RFC 6962 section 2.1: SHA-256(0x00 ‖ leaf). */
export function leafHash(hashes: Hashes, leaf: Uint8Array): Uint8Array {
  return hashes.sha256(LEAF_PREFIX, leaf);
}

/** RFC 6962 section 2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(hashes: Hashes, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashes.sha256(NODE_PREFIX, left, right);
}

/** RFC 6962 section 2.1: the root of a tree without leaves is SHA-256(""). */
export function emptyRoot(hashes: Hashes): Uint8Array {
  return hashes.sha256(concat());
}
