import { hash } from 'node:crypto';
import { emptyRoot, HASH_BYTES } from '../kernel/hashes.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';

/** The tree's right edge (RFC 6962 section 2.1): one hash per complete subtree, so memory grows with the logarithm of the size. */
export class TreeFrontier {
  /** #subtrees[level] = latin1 hash of a complete subtree of 2^level leaves, '' when the size has no such bit. */
  readonly #subtrees: string[] = [];
  readonly #node = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Another edge of the same tree, which grows by itself. */
  copy(): TreeFrontier {
    const copy = new TreeFrontier();
    copy.#subtrees.push(...this.#subtrees);
    copy.#size = this.#size;
    return copy;
  }

  /** Leaf hash as a latin1 string; with `atLevel` the root of a complete subtree of 2^atLevel leaves, which the size is a multiple of. */
  append(leafHash: string, atLevel = 0): void {
    let right = leafHash;
    let level = atLevel;
    while (this.#subtrees.length < level) this.#subtrees.push('');
    for (; this.#subtrees[level] !== undefined && this.#subtrees[level] !== ''; level++) {
      right = this.#hashNode(this.#subtrees[level], right);
      this.#subtrees[level] = '';
    }
    this.#subtrees[level] = right;
    this.#size += 2 ** atLevel;
  }

  root(): Uint8Array {
    let root: string | undefined;
    for (const subtree of this.#subtrees) {
      if (subtree !== '') root = root === undefined ? subtree : this.#hashNode(subtree, root);
    }
    return root === undefined ? emptyRoot(nodeHashes) : Buffer.from(root, 'latin1');
  }

  #hashNode(left: string, right: string): string {
    this.#node.write(left, 1, HASH_BYTES, 'latin1');
    this.#node.write(right, 1 + HASH_BYTES, HASH_BYTES, 'latin1');
    return hash('sha256', this.#node, 'latin1');
  }
}
