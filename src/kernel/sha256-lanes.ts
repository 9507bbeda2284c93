import { hash } from 'node:crypto';
import { readU32 } from './bytes.ts';
import { assertInvariant } from './errors.ts';
import { HASH_BYTES } from './hashes.ts';
import { LaneOrder } from './lane-order.ts';
import { padMask, SCRATCH_END, sha256Module, STATE_AT, TAILS_AT, WORDS_AT, writeTables, type Sha256Functions } from './sha256-lane-code.ts';
import { INITIAL_STATE } from './sha256-compression.ts';
import { webAssembly } from './web-assembly.ts';

const BLOCK_BYTES = 64;
const STATE_WORDS = 8;
const LANES = 4;
const PAGE_BYTES = 65_536;
/** A vector for each of eight words: STATE, or half of WORDS. */
const SPREAD_BYTES = STATE_WORDS * LANES * 4;
/** Views stay valid because the memory never grows. */
const MEMORY_BYTES_MAX = 1 << 30;

/**
 * From here on one-shot OpenSSL wins where the processor has SHA instructions: its call costs 0.24 µs and its block 36 ns, a block in
 * the lanes 78 ns (`bench/hash.ts`). A chained digest saves two calls and three blocks, so its limit lies higher.
 */
const LONG_BYTES = 7 * BLOCK_BYTES;
const LONG_CHAINED_BYTES = 11 * BLOCK_BYTES;

/** Eight words in all lanes each, ready to be copied: … */
const FROM_AT = SCRATCH_END;
const HEAD_AT = FROM_AT + SPREAD_BYTES;
const OUTER_AT = HEAD_AT + SPREAD_BYTES;
/** … the second half of an outer block (RFC 2104), and the last block of a tree node. */
const OUTER_END_AT = OUTER_AT + SPREAD_BYTES;
const NODE_END_AT = OUTER_END_AT + SPREAD_BYTES;
const DATA_AT = NODE_END_AT + 2 * SPREAD_BYTES;

/** Where the messages of a batch lie: message i is the `lengths[i]` bytes from address `starts[i]` on. */
export interface LaneMessages {
  /** At most LANE_BATCH_MAX. */
  readonly count: number;
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

/** The chaining value after one block: eight words. */
export type MidState = Uint32Array;

/** An HMAC whose messages each go on from another digest: SHA-256(outer ‖ SHA-256(inner ‖ head ‖ 32 bytes at middles[i] ‖ message i)). */
export interface ChainedDigest {
  readonly inner: MidState;
  readonly outer: MidState;
  /** 32 bytes. */
  readonly head: Uint8Array;
  readonly middles: Uint32Array;
  /** The same for one message that is too long for the lanes, as a latin1 string. */
  readonly one: (middle: Uint8Array, message: Uint8Array) => string;
}

const START: MidState = Uint32Array.from(INITIAL_STATE);

/** Null: this runtime has no WebAssembly, or none with vectors. */
let compiled: object | null | undefined;

/** Assembling takes a few milliseconds, once per thread. */
function compiledModule(): object | null {
  if (compiled !== undefined) return compiled;
  const bytes = sha256Module();
  compiled = webAssembly?.validate(bytes) === true ? new webAssembly.Module(bytes) : null;
  return compiled;
}

/**
 * SHA-256 of many short messages that lie in one memory, four side by side: no call, string or object per message. Long ones go
 * to OpenSSL. Tests hold it to kernel/node-hashes.ts.
 */
export class Sha256Lanes {
  /** The whole memory: messages and digests may lie anywhere from `dataAt` on. Up to 64 bytes past a message may be read. */
  readonly bytes: Buffer<ArrayBuffer>;
  static readonly dataAt = DATA_AT;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #functions: Sha256Functions;
  readonly #order = new LaneOrder(LONG_BYTES);
  readonly #chainedOrder = new LaneOrder(LONG_CHAINED_BYTES);

  /** `dataBytes`: what the caller needs from `dataAt` on. Pages that nobody touches cost nothing. */
  constructor(dataBytes: number) {
    const pages = Math.ceil((DATA_AT + dataBytes + BLOCK_BYTES) / PAGE_BYTES);
    assertInvariant(pages * PAGE_BYTES <= MEMORY_BYTES_MAX, 'hash lanes address at most 1 GiB');
    const module = compiledModule();
    assertInvariant(webAssembly !== undefined && module !== null, 'hash lanes are only made where they are supported');
    const memory = new webAssembly.Memory({ initial: pages, maximum: pages });
    this.bytes = Buffer.from(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    writeTables(memory.buffer);
    this.#fillWord(OUTER_END_AT, 0, 0x8000_0000);
    this.#fillWord(OUTER_END_AT, 7, (BLOCK_BYTES + HASH_BYTES) * 8);
    this.#fillWord(NODE_END_AT, 15, (1 + 2 * HASH_BYTES) * 8);
    this.#functions = new webAssembly.Instance(module, { env: { memory } }).exports as Sha256Functions;
  }

  /** False where the runtime cannot do this: every message is hashed by itself then. */
  static isSupported(): boolean {
    return compiledModule() !== null;
  }

  /** The chaining value after one block of 64 bytes. */
  midState(block: Uint8Array): MidState {
    this.bytes.set(block, TAILS_AT);
    this.#spread(START, STATE_AT);
    this.#functions.blocks(TAILS_AT, TAILS_AT, TAILS_AT, TAILS_AT, 1);
    this.bytes.fill(0, TAILS_AT, TAILS_AT + BLOCK_BYTES);
    return Uint32Array.from({ length: STATE_WORDS }, (_, i) => this.#words[STATE_AT / 4 + i * LANES]);
  }

  /** Digests of the messages, 32 bytes each from `to` on. */
  digest(messages: LaneMessages, to: number): void {
    const { starts, lengths } = messages;
    const [f, order, quads] = [this.#functions, this.#order, this.#order.quads];
    order.sort(messages.count, lengths);
    this.#spread(START, FROM_AT);
    for (let q = 0; q < order.quadCount * 4; q += 4) {
      const [a, b, c, d] = [quads[q], quads[q + 1], quads[q + 2], quads[q + 3]];
      f.copy(FROM_AT, STATE_AT);
      this.#absorb(starts[a], starts[b], starts[c], starts[d], messages, q, quads, 0);
      f.store(to + a * HASH_BYTES, to + b * HASH_BYTES, to + c * HASH_BYTES, to + d * HASH_BYTES);
    }
    for (const i of order.long) this.#put(hash('sha256', this.#message(messages, i), 'latin1'), to, i);
  }

  /** Chained digests of the messages, 32 bytes each from `to` on. */
  chained(chain: ChainedDigest, messages: LaneMessages, to: number): void {
    const { starts, lengths } = messages;
    const { middles } = chain;
    const [f, order, quads] = [this.#functions, this.#chainedOrder, this.#chainedOrder.quads];
    assertInvariant(chain.head.length === HASH_BYTES, 'the head of a chain has 32 bytes');
    order.sort(messages.count, lengths);
    this.#spread(chain.inner, FROM_AT);
    this.#spread(chain.outer, OUTER_AT);
    this.#spread(
      Uint32Array.from({ length: STATE_WORDS }, (_, i) => readU32(chain.head, i * 4)),
      HEAD_AT,
    );
    for (let q = 0; q < order.quadCount * 4; q += 4) {
      const [a, b, c, d] = [quads[q], quads[q + 1], quads[q + 2], quads[q + 3]];
      f.load(middles[a], middles[b], middles[c], middles[d]);
      f.copy(WORDS_AT, WORDS_AT + SPREAD_BYTES);
      f.copy(HEAD_AT, WORDS_AT);
      f.copy(FROM_AT, STATE_AT);
      f.compress();
      this.#absorb(starts[a], starts[b], starts[c], starts[d], messages, q, quads, 2 * BLOCK_BYTES);
      // The inner digests are the first half of the outer blocks already: word by word, in their lanes.
      f.copy(STATE_AT, WORDS_AT);
      f.copy(OUTER_END_AT, WORDS_AT + SPREAD_BYTES);
      f.copy(OUTER_AT, STATE_AT);
      f.compress();
      f.store(to + a * HASH_BYTES, to + b * HASH_BYTES, to + c * HASH_BYTES, to + d * HASH_BYTES);
    }
    for (const i of order.long) {
      const middle = this.bytes.subarray(middles[i], middles[i] + HASH_BYTES);
      this.#put(chain.one(middle, this.#message(messages, i)), to, i);
    }
    // With the two chaining values anybody could make MACs: they stay here no longer than they are used.
    this.bytes.fill(0, WORDS_AT, TAILS_AT);
    this.bytes.fill(0, FROM_AT, OUTER_END_AT);
  }

  /** Tree nodes (RFC 6962 section 2.1), SHA-256(0x01 ‖ left ‖ right), of `count` pairs of hashes end to end at `at`. They replace the pairs. */
  nodes(at: number, count: number): void {
    const [f, words, bytes] = [this.#functions, this.#words, this.bytes];
    const [w, lastByte] = [WORDS_AT / 4, BLOCK_BYTES - 1];
    this.#spread(START, FROM_AT);
    for (let i = 0; i < count; i += LANES) {
      const last = Math.min(LANES, count - i) - 1;
      const [second, third] = [Math.min(1, last), Math.min(2, last)];
      const a = at + i * BLOCK_BYTES;
      const [b, c, d] = [a + second * BLOCK_BYTES, a + third * BLOCK_BYTES, a + last * BLOCK_BYTES];
      f.copy(FROM_AT, STATE_AT);
      // One byte earlier than the pair: 0x01 takes that byte's place, and the pair's last byte goes into the next block.
      f.load(a - 1, b - 1, c - 1, d - 1);
      for (let lane = 0; lane < LANES; lane++) words[w + lane] = (words[w + lane] & 0x00ff_ffff) | 0x0100_0000;
      f.compress();
      f.copy(NODE_END_AT, WORDS_AT);
      f.copy(NODE_END_AT + SPREAD_BYTES, WORDS_AT + SPREAD_BYTES);
      words[w] = (bytes[a + lastByte] << 24) | 0x0080_0000;
      words[w + 1] = (bytes[b + lastByte] << 24) | 0x0080_0000;
      words[w + 2] = (bytes[c + lastByte] << 24) | 0x0080_0000;
      words[w + 3] = (bytes[d + lastByte] << 24) | 0x0080_0000;
      f.compress();
      const to = at + i * HASH_BYTES;
      f.store(to, to + second * HASH_BYTES, to + third * HASH_BYTES, to + last * HASH_BYTES);
    }
  }

  /** The four messages quads[q …] of one shape, at these addresses, and their padding; `before`: bytes of them hashed already. */
  #absorb(a: number, b: number, c: number, d: number, { lengths }: LaneMessages, q: number, quads: Uint32Array, before: number): void {
    const [f, bytes] = [this.#functions, this.bytes];
    const full = lengths[quads[q]] >>> 6;
    if (full > 0) f.blocks(a, b, c, d, full);
    let tailBlocks = 1;
    for (let lane = 0; lane < LANES; lane++) {
      const length = lengths[quads[q + lane]];
      const rest = length % BLOCK_BYTES;
      const tail = TAILS_AT + lane * 2 * BLOCK_BYTES;
      tailBlocks = rest < BLOCK_BYTES - 8 ? 1 : 2;
      f.pad((lane === 0 ? a : lane === 1 ? b : lane === 2 ? c : d) + full * BLOCK_BYTES, tail, padMask(rest));
      const end = tail + tailBlocks * BLOCK_BYTES;
      // Long messages do not come here: their length in bits fits 16.
      const bits = (before + length) * 8;
      bytes[end - 2] = bits >>> 8;
      bytes[end - 1] = bits;
    }
    f.blocks(TAILS_AT, TAILS_AT + 2 * BLOCK_BYTES, TAILS_AT + 4 * BLOCK_BYTES, TAILS_AT + 6 * BLOCK_BYTES, tailBlocks);
  }

  #message({ starts, lengths }: LaneMessages, i: number): Buffer {
    return this.bytes.subarray(starts[i], starts[i] + lengths[i]);
  }

  #put(digest: string, to: number, i: number): void {
    this.bytes.write(digest, to + i * HASH_BYTES, 'latin1');
  }

  /** Each of eight words into all four lanes of a vector of its own. */
  #spread(words: Uint32Array, at: number): void {
    for (let i = 0; i < STATE_WORDS; i++) this.#fillWord(at, i, words[i]);
  }

  #fillWord(at: number, word: number, value: number): void {
    const first = at / 4 + word * LANES;
    for (let lane = 0; lane < LANES; lane++) this.#words[first + lane] = value;
  }
}
