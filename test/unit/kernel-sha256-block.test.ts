import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Sha256Block } from '../../src/kernel/sha256-block.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';

const BLOCK = 0;
const STATE = 64;
const TO = 96;
const MESSAGES = 200;
const BLOCKS_MAX = 5;

/** FIPS 180-4 section 5.1.1. */
function padded(message: Buffer): Buffer {
  const zeros = (((55 - message.length) % 64) + 64) % 64;
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(message.length) * 8n);
  return Buffer.concat([message, Buffer.from([0x80]), Buffer.alloc(zeros), length]);
}

test('block by block it comes to what OpenSSL says', () => {
  const dice = new Dice(testSeed(), 0);
  const blocks = new Sha256Block(TO + 32);
  for (let i = 0; i < MESSAGES; i++) {
    const message = Buffer.from(Array.from({ length: dice.below(BLOCKS_MAX * 64) }, () => dice.below(256)));
    blocks.writeInitialState(STATE);
    const all = padded(message);
    for (let at = 0; at < all.length; at += 64) {
      blocks.bytes.set(all.subarray(at, at + 64), BLOCK);
      blocks.compress(BLOCK, STATE, STATE);
    }
    blocks.copy(STATE, TO);
    expect(blocks.bytes.subarray(TO, TO + 32)).toEqual(createHash('sha256').update(message).digest());
  }
});

test('the place of the digest may differ from that of the chaining value, which then stays', () => {
  const blocks = new Sha256Block(TO + 32);
  blocks.writeInitialState(STATE);
  const before = Buffer.from(blocks.bytes.subarray(STATE, TO));
  blocks.bytes.set(padded(Buffer.from('abc')), BLOCK);
  blocks.compress(BLOCK, STATE, TO);
  expect(blocks.bytes.subarray(STATE, TO)).toEqual(before);
  // FIPS 180-2 appendix B.1.
  expect(blocks.bytes.toString('hex', TO, TO + 32)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
