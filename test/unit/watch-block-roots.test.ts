import { describe, expect, it } from 'vitest';
import { leafHash } from '../../src/kernel/hashes.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { BlockRoots } from '../../src/watch/block-roots.ts';
import { frames } from '../support/watched-folder.ts';

describe.each([
  ['four leaves at once', true],
  ['leaf by leaf', false],
])('the root of a block, %s', (_, isSupported) => {
  it.each([0, 40, 300, 700, 3_000])('is that of RFC 6962 with payloads of %i bytes', (payloadBytes) => {
    const bytes = frames(7, 256, payloadBytes);
    const frameBytes = bytes.length / 256;
    const leaves = Array.from({ length: 256 }, (__, i) => leafHash(nodeHashes, bytes.subarray(i * frameBytes + 2, (i + 1) * frameBytes)));
    const expected = subtreeRoot(nodeHashes, (i) => leaves[i], 0, 256);
    for (let i = 0; i < 256; i++) bytes[i * frameBytes + 1] = 0x00;
    const starts = Uint32Array.from({ length: 256 }, (__, i) => i * frameBytes + 1);
    const lengths = new Uint32Array(256).fill(frameBytes - 1);
    const root = new BlockRoots(isSupported).root(bytes, starts, lengths);
    expect(Buffer.from(root, 'latin1').toString('hex')).toBe(Buffer.from(expected).toString('hex'));
  });
});
