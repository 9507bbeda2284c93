import { expect, it } from 'vitest';
import { leafHash } from '../../src/kernel/hashes.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { Frontier } from '../../src/ledger/frontier.ts';

it('hands out roots in buffers of their own, so that no pool crosses the thread border with each of them', () => {
  const frontier = new Frontier();
  const hash = Buffer.from(leafHash(nodeHashes, utf8('leaf'))).toString('latin1');
  for (let i = 0; i < 600; i++) frontier.add(hash);
  const roots = [...frontier.takeBlockRoots(), frontier.root()];
  expect(roots.map((root) => root.buffer.byteLength)).toEqual([32, 32, 32]);
});
