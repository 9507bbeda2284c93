import { expect, test } from 'vitest';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../../src/kernel/chain.ts';
import { LEAF_BYTES_MAX, LEAF_MAC_BYTES } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { Sha256Block } from '../../src/kernel/sha256-block.ts';
import { FastChain } from '../../src/ledger/fast-chain.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';

const BODY_BYTES_MAX = LEAF_BYTES_MAX - LEAF_MAC_BYTES;
const dice = new Dice(testSeed(), 0);
const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => dice.below(256)));

/** Every padding of SHA-256, the usual lengths and the longest. */
const LENGTHS = [...Array.from({ length: 140 }, (_, i) => 24 + i), 300, 2047, 2048, 2049, BODY_BYTES_MAX];

test('this runtime hashes blocks by itself: both ways are tried here', () => {
  expect(Sha256Block.isSupported()).toBe(true);
});

test.each([
  ['blocks', true],
  ['one-shot hashes', false],
])('with %s its MACs are those of the chain, from leaf to leaf and from key to key', (_, isSupported) => {
  const ledgerId = bytes(16);
  let key = bytes(32);
  const chain = new FastChain(key, ledgerId, GENESIS_PREVIOUS_MAC, isSupported);
  let mac: Uint8Array = GENESIS_PREVIOUS_MAC;
  for (const [i, length] of LENGTHS.entries()) {
    if (i % 50 === 49) chain.rekey((key = bytes(32)));
    const body = bytes(length);
    chain.buffer.set(body, FastChain.bodyAt);
    chain.advance(length);
    mac = chainMac(nodeHashes, key, ledgerId, mac, Buffer.concat([body, Buffer.alloc(LEAF_MAC_BYTES)]));
    expect(chain.mac().toString('hex')).toBe(Buffer.from(mac).toString('hex'));
    const end = FastChain.bodyAt + length;
    expect(chain.buffer.subarray(end, end + LEAF_MAC_BYTES)).toEqual(Buffer.from(mac));
  }
});

test.each([true, false])('goes back to an earlier end, and forgets everything when wiped (blocks: %s)', (isSupported) => {
  const key = bytes(32);
  const chain = new FastChain(key, bytes(16), GENESIS_PREVIOUS_MAC, isSupported);
  chain.buffer.set(bytes(40), FastChain.bodyAt);
  chain.advance(40);
  const first = chain.mac();
  chain.reset(GENESIS_PREVIOUS_MAC);
  chain.advance(40);
  expect(chain.mac()).toEqual(first);
  chain.wipe();
  expect(new Uint8Array(chain.buffer.buffer).every((byte) => byte === 0)).toBe(true);
});
