import { createHash, createHmac, hash } from 'node:crypto';
import type { Hashes } from './hashes.ts';

/** The fast Hashes of Node's OpenSSL. */
export const nodeHashes: Hashes = {
  sha256(...parts) {
    // One-shot hashing through a latin1 string costs 0.3–0.45 µs; asking for a Buffer costs 0.9 µs, createHash 1.2 µs (Node 26).
    if (parts.length === 1) return Buffer.from(hash('sha256', parts[0], 'latin1'), 'latin1');
    const h = createHash('sha256');
    for (const part of parts) h.update(part);
    return h.digest();
  },
  hmacSha256(key, ...parts) {
    const h = createHmac('sha256', key);
    for (const part of parts) h.update(part);
    return h.digest();
  },
};
