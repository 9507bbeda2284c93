import { assertInvariant } from './errors.ts';
import { COMPRESSION_LOCALS, compressionCode, INITIAL_STATE, ROUND_CONSTANTS, type WordCode } from './sha256-compression.ts';
import {
  assembleModule,
  i32Add,
  i32And,
  i32Const,
  i32Load,
  i32Or,
  i32Rotl,
  i32Rotr,
  i32ShrU,
  i32Store,
  i32Xor,
  join,
  localGet,
  localTee,
  type Code,
} from './wasm-assembler.ts';
import { webAssembly } from './web-assembly.ts';

const PAGE_BYTES = 65_536;
const WORD_BYTES = 4;

/** Every word lies in memory big-endian, as FIPS 180-4 reads and writes them; WebAssembly is little-endian. */
const BYTES_1_AND_3 = 0x00ff_00ff;
const BYTES_0_AND_2 = 0xff00_ff00 | 0;

const [BLOCK, STATE, TO, TURNED, FIRST_WORD] = [0, 1, 2, 3, 4];

const WORDS: WordCode = {
  add: i32Add,
  and: i32And,
  xor: i32Xor,
  shr: (bits) => join(i32Const(bits), i32ShrU),
  rotr: (local, bits) => join(localGet(local), i32Const(bits), i32Rotr),
  constant: (t) => i32Const(ROUND_CONSTANTS[t] | 0),
};

/** The bytes of the word on the stack in the other order. */
const turn = join(
  localTee(TURNED),
  join(i32Const(8), i32Rotl, i32Const(BYTES_1_AND_3), i32And),
  join(localGet(TURNED), i32Const(8), i32Rotr, i32Const(BYTES_0_AND_2), i32And),
  i32Or,
);
const read = (base: number, i: number): Code => join(localGet(base), i32Load(i * WORD_BYTES), turn);

/** `state` may be `to`: every word is read before the same word is written. */
const COMPRESS = compressionCode(WORDS, {
  firstLocal: FIRST_WORD,
  word: (t) => read(BLOCK, t),
  state: (i) => read(STATE, i),
  put: (i, value) => join(localGet(TO), value, turn, i32Store(i * WORD_BYTES)),
});

/** Digests and chaining values have this many words. */
const STATE_WORDS = 8;
const [COPY_FROM, COPY_TO] = [0, 1];
const COPY = join(
  ...Array.from({ length: STATE_WORDS }, (_, i) =>
    join(localGet(COPY_TO), localGet(COPY_FROM), i32Load(i * WORD_BYTES), i32Store(i * WORD_BYTES)),
  ),
);

interface BlockFunctions {
  compress(block: number, state: number, to: number): void;
  copy(from: number, to: number): void;
}

/** Null: this runtime has no WebAssembly. */
let compiled: object | null | undefined;

/** Assembling takes a few milliseconds, once per thread. */
function compiledModule(): object | null {
  if (compiled !== undefined) return compiled;
  const bytes = assembleModule([
    { name: 'compress', parameters: 3, words: 1 + COMPRESSION_LOCALS, body: COMPRESS },
    { name: 'copy', parameters: 2, body: COPY },
  ]);
  compiled = webAssembly?.validate(bytes) === true ? new webAssembly.Module(bytes) : null;
  return compiled;
}

/**
 * SHA-256 a block at a time, for what OpenSSL is not asked for: to go on from a chaining value that was computed before. Without a call
 * out of the virtual machine it takes 0.16 µs a block, a one-shot hash of two short blocks 0.31 µs (`bench/hash.ts`).
 */
export class Sha256Block {
  /** The whole memory. Blocks, chaining values and digests may lie anywhere in it. */
  readonly bytes: Buffer<ArrayBuffer>;
  readonly #functions: BlockFunctions;

  constructor(bytes: number) {
    const module = compiledModule();
    assertInvariant(webAssembly !== undefined && module !== null, 'blocks are only hashed where WebAssembly is supported');
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new webAssembly.Memory({ initial: pages, maximum: pages });
    this.bytes = Buffer.from(memory.buffer);
    this.#functions = new webAssembly.Instance(module, { env: { memory } }).exports as BlockFunctions;
  }

  static isSupported(): boolean {
    return compiledModule() !== null;
  }

  /** 32 bytes at `to` ← compression of the 32 at `state` and the 64 at `block`. */
  compress(block: number, state: number, to: number): void {
    this.#functions.compress(block, state, to);
  }

  /** 32 bytes. */
  copy(from: number, to: number): void {
    this.#functions.copy(from, to);
  }

  /** Where every hash begins, 32 bytes. */
  writeInitialState(to: number): void {
    INITIAL_STATE.forEach((word, i) => this.bytes.writeUInt32BE(word, to + i * WORD_BYTES));
  }
}
