import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/kernel/bytes.ts';
import { chainMac } from '../../src/kernel/chain.ts';
import { ChainLanes } from '../../src/kernel/chain-lanes.ts';
import { LANE_BATCH_MAX } from '../../src/kernel/lane-order.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { portableHashes } from '../../src/kernel/portable-hashes.ts';
import { Sha256Lanes, type LaneMessages } from '../../src/kernel/sha256-lanes.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const DATA_BYTES = 2 * 1024 * 1024;
const lanes = new Sha256Lanes(DATA_BYTES);
/** Digests go behind the messages. */
const TO = Sha256Lanes.dataAt + DATA_BYTES - LANE_BATCH_MAX * 32;

/** Lays the messages out end to end, `gapBytes` apart, from an odd address on. */
function layOut(messages: readonly Uint8Array[], gapBytes = 0): LaneMessages {
  const starts = new Uint32Array(messages.length);
  let at = Sha256Lanes.dataAt + 1;
  messages.forEach((message, i) => {
    at += gapBytes;
    starts[i] = at;
    lanes.bytes.set(message, at);
    at += message.length;
  });
  return { count: messages.length, starts, lengths: Uint32Array.from(messages, ({ length }) => length) };
}

function digestsAt(at: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => toHex(lanes.bytes.subarray(at + i * 32, at + i * 32 + 32)));
}

function digests(messages: readonly Uint8Array[]): string[] {
  lanes.digest(layOut(messages), TO);
  return digestsAt(TO, messages.length);
}

const pattern = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i * 31);
const batches = fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 40 });

describe('SHA-256 in lanes', () => {
  it('has the digests that NIST publishes', () => {
    // FIPS 180-2 appendix B and the CAVP short messages of 0, 1 and 56 bytes.
    const messages = [
      utf8(''),
      utf8('abc'),
      utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
      fromHex('d3') as Uint8Array,
      new Uint8Array(1_000_000).fill(0x61),
    ];
    expect(digests(messages)).toEqual([
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      '28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1',
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    ]);
  });

  it('agrees with OpenSSL and with @noble/hashes for every length from 0 to 700, alone and beside any other length', () => {
    for (let length = 0; length <= 700; length++) {
      const messages = [pattern(length), pattern((length * 7) % 301, 3), pattern(length, 1)];
      const want = messages.map((message) => toHex(nodeHashes.sha256(message)));
      expect(digests(messages)).toEqual(want);
      expect(want[0]).toBe(toHex(portableHashes.sha256(messages[0])));
    }
  });

  it('agrees with OpenSSL for random batches', () => {
    fc.assert(
      fc.property(batches, (messages) => {
        expect(digests(messages)).toEqual(messages.map((message) => toHex(nodeHashes.sha256(message))));
      }),
      { seed },
    );
  });

  it('hashes a full batch of as many shapes as there are', () => {
    const messages = Array.from({ length: LANE_BATCH_MAX }, (_, i) => pattern((i * 13) % 640, i));
    expect(digests(messages)).toEqual(messages.map((message) => toHex(nodeHashes.sha256(message))));
  });

  it('changes nothing but the digests', () => {
    const messages = layOut(Array.from({ length: 33 }, (_, i) => pattern(i * 9)));
    const before = Buffer.from(lanes.bytes.subarray(Sha256Lanes.dataAt, TO));
    lanes.digest(messages, TO);
    expect(lanes.bytes.subarray(Sha256Lanes.dataAt, TO).equals(before)).toBe(true);
  });

  it('has the nodes and roots of kernel/merkle for every number of pairs', () => {
    for (let pairs = 1; pairs <= 17; pairs++) {
      const leaves = Array.from({ length: pairs * 2 }, (_, i) => nodeHashes.sha256(pattern(i)));
      const { starts } = layOut(leaves);
      lanes.nodes(starts[0], pairs);
      const want = Array.from({ length: pairs }, (_, i) => subtreeRoot(nodeHashes, (index) => leaves[index], i * 2, i * 2 + 2));
      expect(digestsAt(starts[0], pairs)).toEqual(want.map(toHex));
    }
    const leaves = Array.from({ length: 256 }, (_, i) => nodeHashes.sha256(pattern(i % 90, i)));
    const { starts } = layOut(leaves);
    for (let pairs = 128; pairs >= 1; pairs /= 2) lanes.nodes(starts[0], pairs);
    expect(digestsAt(starts[0], 1)).toEqual([toHex(subtreeRoot(nodeHashes, (index) => leaves[index], 0, 256))]);
  });

  it('refuses a batch or a memory beyond its bound', () => {
    const messages = {
      count: LANE_BATCH_MAX + 1,
      starts: new Uint32Array(LANE_BATCH_MAX + 1),
      lengths: new Uint32Array(LANE_BATCH_MAX + 1),
    };
    expect(() => lanes.digest(messages, TO)).toThrow('a batch of');
    expect(() => new Sha256Lanes(2 ** 31)).toThrow('at most 1 GiB');
  });
});

describe('chained digests in lanes', () => {
  const pads = (key: Uint8Array): readonly Uint8Array[] => {
    const block = new Uint8Array(64);
    block.set(key.length > 64 ? nodeHashes.sha256(key) : key);
    return [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad));
  };

  it('are the HMAC of RFC 4231, test case 7', () => {
    const [inner, outer] = pads(new Uint8Array(131).fill(0xaa)).map((pad) => lanes.midState(pad));
    const data = utf8(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    );
    const { starts, lengths } = layOut([data.subarray(32, 64), data.subarray(64)]);
    const messages = { count: 1, starts: starts.subarray(1), lengths: lengths.subarray(1) };
    const none = (): string => '';
    lanes.chained({ inner, outer, head: data.subarray(0, 32), middles: starts, one: none }, messages, TO);
    expect(digestsAt(TO, 1)).toEqual(['9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2']);
  });

  it('are the chain MACs of kernel/chain for every length from 0 to 1,400, whatever stands before', () => {
    const [key, ledgerId] = [pattern(32, 9), pattern(16, 5)];
    const chain = new ChainLanes(lanes, key, ledgerId);
    for (let length = 0; length <= 1400; length += 5) {
      const bodies = Array.from({ length: 5 }, (_, i) => pattern(length + i, i));
      const messages = layOut(bodies, 32);
      chain.macs(
        messages.starts.map((start) => start - 32),
        messages,
        TO,
      );
      const want = bodies.map((body, i) => {
        const previous = lanes.bytes.subarray(messages.starts[i] - 32, messages.starts[i]);
        return toHex(chainMac(nodeHashes, key, ledgerId, previous, Buffer.concat([body, Buffer.alloc(32)])));
      });
      expect(digestsAt(TO, 5)).toEqual(want);
    }
  });

  it('agree with createHmac for random keys, short and long, and random batches', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), batches, (key, bodies) => {
        const ledgerId = pattern(16, 77);
        const messages = layOut(bodies, 32);
        const previous = messages.starts.map((start) => start - 32);
        new ChainLanes(lanes, key, ledgerId).macs(previous, messages, TO);
        const want = bodies.map((body, i) =>
          createHmac('sha256', key)
            .update('proofs/chain/v1\n')
            .update(ledgerId)
            .update(lanes.bytes.subarray(previous[i], previous[i] + 32))
            .update(body)
            .digest('hex'),
        );
        expect(digestsAt(TO, bodies.length)).toEqual(want);
      }),
      { seed },
    );
  });

  it('leave nothing of a key in the memory of the lanes, and nothing in the chain once it is wiped', () => {
    const [key, ledgerId] = [pattern(32, 9), pattern(16, 5)];
    const messages = layOut([pattern(40), pattern(900)], 32);
    const previous = messages.starts.map((start) => start - 32);
    const own = (): Buffer => {
      lanes.digest(messages, TO);
      return Buffer.from(lanes.bytes.subarray(0, Sha256Lanes.dataAt));
    };
    const before = own();
    const chain = new ChainLanes(lanes, key, ledgerId);
    chain.macs(previous, messages, TO);
    const macs = digestsAt(TO, 2);
    expect(own().equals(before)).toBe(true);
    chain.wipe();
    chain.macs(previous, messages, TO);
    expect(digestsAt(TO, 2)).not.toContain(macs[0]);
    expect(digestsAt(TO, 2)).not.toContain(macs[1]);
  });
});
