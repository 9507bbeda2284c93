import { hash } from 'node:crypto';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import type { Sha256Lanes } from '../kernel/sha256-lanes.ts';

const HASH = 32;
/** 2^53 leaves and no more: a seq is a safe integer. */
const LEVELS = 54;
const BLOCK_LEVEL = Math.log2(TILE_WIDTH);

/** A point to come back to when a write fails. */
export interface FrontierMark {
  readonly size: number;
  readonly stack: Buffer;
}

/**
 * The right edge of the growing tree, as a binary counter of complete subtrees: adding a leaf costs one node hash on average, the
 * root log n. Hashes travel as latin1 strings because OpenSSL's one-shot hash answers those twice as fast as Buffers.
 */
export class Frontier {
  /** Slot k holds the hash of a complete subtree of 2^k leaves where bit k of the size is set. */
  readonly #stack = Buffer.alloc(LEVELS * HASH);
  readonly #node = Buffer.alloc(1 + 2 * HASH, 0x01);
  #size = 0;
  /** Roots of blocks of 256 leaves completed since they were last taken. */
  #blockRoots: Uint8Array[] = [];

  get size(): number {
    return this.#size;
  }

  add(leafHashLatin1: string): void {
    this.#add(leafHashLatin1, 0);
  }

  /** Adds `count` leaf hashes that lie end to end at `at` in the lanes' memory; they are overwritten. */
  addHashes(lanes: Sha256Lanes, at: number, count: number): void {
    for (let done = 0; done < count;) {
      // The largest complete subtree that begins here, up to a block: its nodes are hashed side by side.
      let level = 0;
      while (1 << level < TILE_WIDTH && done + (2 << level) <= count && this.#size % (2 << level) === 0) level++;
      const from = at + done * HASH;
      for (let pairs = 1 << level; pairs >= 2; pairs /= 2) lanes.nodes(from, pairs / 2);
      this.#add(lanes.bytes.toString('latin1', from, from + HASH), level);
      done += 1 << level;
    }
  }

  /** Adds a whole block of 256 leaves by its root; the size is a multiple of 256. */
  addBlock(root: Uint8Array): void {
    this.#add(Buffer.from(root.buffer, root.byteOffset, root.length).toString('latin1'), BLOCK_LEVEL);
  }

  /** Adds the complete subtree of 2^level leaves; the size is a multiple of that. */
  #add(subtreeLatin1: string, atLevel: number): void {
    const node = this.#node;
    let current = subtreeLatin1;
    let level = atLevel;
    let rest = Math.floor(this.#size / (1 << level));
    if (1 << level === TILE_WIDTH) this.#blockRoots.push(ownBytes(current));
    while (rest % 2 === 1) {
      this.#stack.copy(node, 1, level * HASH, (level + 1) * HASH);
      node.write(current, 1 + HASH, HASH, 'latin1');
      current = hash('sha256', node, 'latin1');
      level++;
      rest = Math.floor(rest / 2);
      if (1 << level === TILE_WIDTH) this.#blockRoots.push(ownBytes(current));
    }
    this.#stack.write(current, level * HASH, HASH, 'latin1');
    this.#size += 1 << atLevel;
  }

  takeBlockRoots(): Uint8Array[] {
    const roots = this.#blockRoots;
    this.#blockRoots = [];
    return roots;
  }

  /** Root of the tree; the size must be at least 1. */
  root(): Uint8Array {
    let current: Uint8Array | undefined;
    let rest = this.#size;
    for (let level = 0; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      const subtree = this.#stack.subarray(level * HASH, (level + 1) * HASH);
      if (current === undefined) {
        current = new Uint8Array(subtree);
        continue;
      }
      this.#node.set(subtree, 1);
      this.#node.set(current, 1 + HASH);
      current = ownBytes(hash('sha256', this.#node, 'latin1'));
    }
    if (current === undefined) throw new RangeError('an empty tree has no frontier root');
    return current;
  }

  mark(): FrontierMark {
    return { size: this.#size, stack: Buffer.from(this.#stack) };
  }

  /** Goes back to a mark; block roots completed since are forgotten. */
  reset(mark: FrontierMark): void {
    mark.stack.copy(this.#stack);
    this.#size = mark.size;
    this.#blockRoots = [];
  }
}

/** Bytes in a buffer of their own: a small Buffer is a view of an 8 KiB pool, and a message to another thread would clone all of it. */
function ownBytes(latin1: string): Uint8Array {
  return new Uint8Array(Buffer.from(latin1, 'latin1'));
}
