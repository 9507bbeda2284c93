import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leafHash } from '../../src/kernel/hashes.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import { LEAF_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { Frontier } from '../../src/ledger/frontier.ts';
import { LeafLanes } from '../../src/ledger/leaf-lanes.ts';
import { joinFrames } from '../support/make-ledger.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();

it('hands out roots in buffers of their own, so that no pool crosses the thread border with each of them', () => {
  const frontier = new Frontier();
  const hash = Buffer.from(leafHash(nodeHashes, utf8('leaf'))).toString('latin1');
  for (let i = 0; i < 600; i++) frontier.add(hash);
  const roots = [...frontier.takeBlockRoots(), frontier.root()];
  expect(roots.map((root) => root.buffer.byteLength)).toEqual([32, 32, 32]);
});

it('has the roots of kernel/merkle, however the leaves come: one by one, or as frames in any portions, with and without lanes', () => {
  const lanes = new LeafLanes();
  const without = new LeafLanes(false);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 700 })), { minLength: 1, maxLength: 12 }),
      (portions) => {
        const leaves: Uint8Array[] = [];
        const bulk = new Frontier();
        const single = new Frontier();
        const alone = new Frontier();
        const blockRoots: Uint8Array[] = [];
        for (const portion of portions) {
          const added = Array.from({ length: portion }, (_, i) => new Uint8Array(56 + ((i * 37) % 400)).fill(leaves.length + i));
          leaves.push(...added);
          const frames = joinFrames(added);
          const before = Buffer.from(frames);
          lanes.addTo(bulk, frames);
          without.addTo(alone, frames);
          expect(frames.equals(before)).toBe(true);
          for (const leaf of added) single.add(Buffer.from(leafHash(nodeHashes, leaf)).toString('latin1'));
          blockRoots.push(...bulk.takeBlockRoots());
          for (const tree of [bulk, alone]) expect([tree.size, tree.root()]).toEqual([single.size, single.root()]);
        }
        const hashes = leaves.map((leaf) => leafHash(nodeHashes, leaf));
        const root = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (i) => hashes[i], from, to);
        expect(Buffer.from(bulk.root())).toEqual(Buffer.from(root(0, leaves.length)));
        const blocks = Array.from({ length: Math.floor(leaves.length / 256) }, (_, i) => Uint8Array.from(root(i * 256, i * 256 + 256)));
        expect(blockRoots).toEqual(blocks);
        expect(single.takeBlockRoots()).toEqual(blocks);
      },
    ),
    { seed, numRuns: 25 },
  );
});

it('hashes leaves of every length up to the longest, many at once', () => {
  const leaves = [56, LEAF_BYTES_MAX, 57, LEAF_BYTES_MAX - 1, 300, 2000, 40_000, LEAF_BYTES_MAX, LEAF_BYTES_MAX, 100].map((length, i) =>
    new Uint8Array(length).fill(i + 1),
  );
  const frontier = new Frontier();
  new LeafLanes().addTo(frontier, joinFrames(leaves));
  const hashes = leaves.map((leaf) => leafHash(nodeHashes, leaf));
  expect(Buffer.from(frontier.root())).toEqual(Buffer.from(subtreeRoot(nodeHashes, (i) => hashes[i], 0, leaves.length)));
});
