import { equalBytes } from './bytes.ts';
import { emptyRoot, nodeHash, type Hashes } from './hashes.ts';

/**
 * Merkle tree of RFC 6962 section 2.1 over leaf hashes: shape, roots and proofs, with verification as in RFC 9162 sections
 * 2.1.3.2 and 2.1.4.2. Pure: hashes come in, hashes go out. Indices are numbers below 2^53, so no bit operators here.
 */

/** The largest power of two below n (n ≥ 2): where RFC 6962 splits a tree of n leaves. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Hash of the complete or right-edge subtree over leaves [from, to); the source decides how. */
export type SubtreeHash = (from: number, to: number) => Uint8Array;

/** Root over leaf hashes [from, to) held in memory. */
export function subtreeRoot(hashes: Hashes, leafHashAt: (index: number) => Uint8Array, from: number, to: number): Uint8Array {
  const n = to - from;
  if (n === 0) return emptyRoot(hashes);
  if (n === 1) return leafHashAt(from);
  const middle = from + splitPoint(n);
  return nodeHash(hashes, subtreeRoot(hashes, leafHashAt, from, middle), subtreeRoot(hashes, leafHashAt, middle, to));
}

/** Inclusion path of leaf `index` in a tree of `size` leaves, leaf end first (RFC 9162 2.1.3.1). */
export function inclusionPath(subtree: SubtreeHash, index: number, size: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      path.push(subtree(middle, to));
      to = middle;
    } else {
      path.push(subtree(from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** Consistency path from a tree of `oldSize` to one of `newSize` leaves (RFC 9162 2.1.4.1); empty when the sizes agree or oldSize is 0. */
export function consistencyPath(subtree: SubtreeHash, oldSize: number, newSize: number): Uint8Array[] {
  if (oldSize === 0 || oldSize === newSize) return [];
  const path: Uint8Array[] = [];
  let [from, to] = [0, newSize];
  let oldIsWhole = true;
  while (oldSize !== to) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      path.push(subtree(middle, to));
      to = middle;
    } else {
      path.push(subtree(from, middle));
      from = middle;
      oldIsWhole = false;
    }
  }
  if (!oldIsWhole) path.push(subtree(from, to));
  return path.reverse();
}

/** RFC 9162 2.1.3.2. True when `path` leads from the leaf hash at `index` to `root` in a tree of `size` leaves. */
export function verifyInclusion(
  hashes: Hashes,
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index >= size) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(hashes, p, r);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      r = nodeHash(hashes, r, p);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(r, root);
}

/** RFC 9162 2.1.4.2. True when `path` shows that the tree of `oldSize` leaves is a prefix of the one of `newSize`. */
export function verifyConsistency(
  hashes: Hashes,
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (oldSize > newSize) return false;
  if (oldSize === newSize) return path.length === 0 && equalBytes(oldRoot, newRoot);
  if (oldSize === 0) return path.length === 0 && equalBytes(oldRoot, emptyRoot(hashes));
  const isPowerOfTwo = oldSize === splitPoint(oldSize + 1);
  const nodes = isPowerOfTwo ? [oldRoot, ...path] : path;
  if (nodes.length === 0) return false;
  let [fn, sn] = [oldSize - 1, newSize - 1];
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let [fr, sr] = [nodes[0], nodes[0]];
  for (const c of nodes.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(hashes, c, fr);
      sr = nodeHash(hashes, c, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = nodeHash(hashes, sr, c);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(fr, oldRoot) && equalBytes(sr, newRoot);
}

/**
 * Proof for the contiguous leaves [first, last] of a tree of `size` leaves: the hashes of the maximal subtrees outside the range,
 * left to right (docs/formats/bundle.md). Everything inside is recomputed from the leaves.
 */
export function rangeProof(subtree: SubtreeHash, first: number, last: number, size: number): Uint8Array[] {
  const proof: Uint8Array[] = [];
  const visit = (from: number, to: number): void => {
    if (to <= first || from > last) proof.push(subtree(from, to));
    else if (from < first || to > last + 1) {
      const middle = from + splitPoint(to - from);
      visit(from, middle);
      visit(middle, to);
    }
  };
  visit(0, size);
  return proof;
}

/** Root implied by the leaves [first, first + leaves.length) and a range proof; undefined when the proof has too few or too many hashes. */
export function rootOfRange(
  hashes: Hashes,
  leafHashes: readonly Uint8Array[],
  first: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  const end = first + leafHashes.length;
  if (leafHashes.length === 0 || end > size) return undefined;
  let used = 0;
  const visit = (from: number, to: number): Uint8Array | undefined => {
    if (to <= first || from >= end) return proof[used++];
    if (to - from === 1) return leafHashes[from - first];
    const middle = from + splitPoint(to - from);
    const left = visit(from, middle);
    const right = visit(middle, to);
    return left === undefined || right === undefined ? undefined : nodeHash(hashes, left, right);
  };
  const root = visit(0, size);
  return used === proof.length ? root : undefined;
}
