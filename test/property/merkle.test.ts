import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, utf8 } from '../../src/kernel/bytes.ts';
import { emptyRoot, leafHash, nodeHash } from '../../src/kernel/hashes.ts';
import {
  consistencyPath,
  inclusionPath,
  rangeProof,
  rootOfRange,
  subtreeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../src/kernel/merkle.ts';
import { nodeHashes as h } from '../../src/kernel/node-hashes.ts';
import { portableHashes } from '../../src/kernel/portable-hashes.ts';
import { fromHex } from '../../src/kernel/bytes.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const leaves = Array.from({ length: 300 }, (_, i) => leafHash(h, utf8(`leaf ${i}`)));
const leafAt = (i: number): Uint8Array => leaves[i];
const subtree = (from: number, to: number): Uint8Array => subtreeRoot(h, leafAt, from, to);
const root = (n: number): Uint8Array => subtree(0, n);
const flip = (hash: Uint8Array): Uint8Array => hash.map((byte, i) => (i === 7 ? byte ^ 1 : byte));
const sizes = fc.integer({ min: 1, max: 300 });

describe('the Merkle tree', () => {
  it('has the roots published for RFC 6962 test leaves', () => {
    // The eight leaves and roots that certificate-transparency implementations share.
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((text) =>
      leafHash(h, fromHex(text) as Uint8Array),
    );
    const at = (i: number): Uint8Array => inputs[i];
    const roots = [1, 2, 3, 8].map((n) => Buffer.from(subtreeRoot(h, at, 0, n)).toString('hex'));
    expect(roots).toEqual([
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ]);
    expect(Buffer.from(emptyRoot(h)).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('verifies every inclusion path and refuses it for any other leaf, place, size or root', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, a, b) => {
        const [index, other] = [a % size, b % size];
        const path = inclusionPath(subtree, index, size);
        expect(verifyInclusion(h, index, size, leafAt(index), path, root(size))).toBe(true);
        expect(verifyInclusion(h, index, size, flip(leafAt(index)), path, root(size))).toBe(false);
        expect(verifyInclusion(h, index, size, leafAt(index), path, flip(root(size)))).toBe(false);
        if (other !== index) expect(verifyInclusion(h, other, size, leafAt(index), path, root(size))).toBe(false);
        expect(verifyInclusion(h, index, size, leafAt(index), [...path, leafAt(0)], root(size))).toBe(false);
        if (path.length > 0) expect(verifyInclusion(h, index, size, leafAt(index), path.slice(1), root(size))).toBe(false);
        expect(verifyInclusion(h, size, size, leafAt(index), path, root(size))).toBe(false);
      }),
      { seed },
    );
  });

  it('verifies every consistency path and refuses it for other roots', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, a) => {
        const old = a % (size + 1);
        const path = consistencyPath(subtree, old, size);
        const oldRoot = old === 0 ? emptyRoot(h) : root(old);
        expect(verifyConsistency(h, old, size, oldRoot, root(size), path)).toBe(true);
        expect(verifyConsistency(h, old, size, flip(oldRoot), root(size), path)).toBe(false);
        if (old > 0) expect(verifyConsistency(h, old, size, oldRoot, flip(root(size)), path)).toBe(false);
        expect(verifyConsistency(h, old, size, oldRoot, root(size), [...path, leafAt(0)])).toBe(false);
        if (path.length > 0) expect(verifyConsistency(h, old, size, oldRoot, root(size), path.slice(1))).toBe(false);
      }),
      { seed },
    );
  });

  it('rebuilds the root from any contiguous range and its proof, and from no altered one', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, a, b) => {
        const first = Math.min(a % size, b % size);
        const last = Math.max(a % size, b % size);
        const proof = rangeProof(subtree, first, last, size);
        const inside = leaves.slice(first, last + 1);
        const rebuilt = rootOfRange(h, inside, first, size, proof);
        expect(rebuilt !== undefined && equalBytes(rebuilt, root(size))).toBe(true);
        const dropped = rootOfRange(h, inside.slice(1), first, size, proof);
        expect(dropped !== undefined && equalBytes(dropped, root(size))).toBe(false);
        const changed = rootOfRange(h, inside.with(0, flip(inside[0])), first, size, proof);
        expect(changed !== undefined && equalBytes(changed, root(size))).toBe(false);
        expect(rootOfRange(h, inside, first, size, [...proof, leafAt(0)])).toBeUndefined();
      }),
      { seed },
    );
  });

  it('hashes alike with OpenSSL and with the portable code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes, key) => {
        expect(Buffer.from(portableHashes.sha256(bytes, key))).toEqual(Buffer.from(h.sha256(bytes, key)));
        expect(Buffer.from(portableHashes.sha256(bytes))).toEqual(Buffer.from(h.sha256(bytes)));
        expect(Buffer.from(portableHashes.hmacSha256(key, bytes))).toEqual(Buffer.from(h.hmacSha256(key, bytes)));
        expect(Buffer.from(nodeHash(h, key, bytes))).toEqual(Buffer.from(nodeHash(portableHashes, key, bytes)));
      }),
      { seed },
    );
  });
});
