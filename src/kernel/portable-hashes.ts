import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Hashes } from './hashes.ts';

/** Synchronous Hashes without Node: for browsers, and the reference the fast path is tested against. */
export const portableHashes: Hashes = {
  sha256(...parts) {
    const h = sha256.create();
    for (const part of parts) h.update(part);
    return h.digest();
  },
  hmacSha256(key, ...parts) {
    const h = hmac.create(sha256, key);
    for (const part of parts) h.update(part);
    return h.digest();
  },
};
