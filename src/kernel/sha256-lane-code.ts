import { COMPRESSION_LOCALS, compressionCode, ROUND_CONSTANTS, type WordCode } from './sha256-compression.ts';
import {
  assembleModule,
  call,
  i32Add,
  i32Const,
  i32Sub,
  i32x4Add,
  i32x4Shl,
  i32x4ShrU,
  i8x16Shuffle,
  join,
  localGet,
  localSet,
  localTee,
  repeatWhile,
  v128And,
  v128Load,
  v128Or,
  v128Store,
  v128Xor,
  type Code,
} from './wasm-assembler.ts';

/**
 * SHA-256 (FIPS 180-4 section 6.2) of four blocks side by side: lane l of every vector belongs to message l. What each function
 * does is said in Sha256Functions; how the memory is laid out, below.
 */
export interface Sha256Functions {
  /** WORDS ← 64 bytes at each of the four addresses. */
  load(a: number, b: number, c: number, d: number): void;
  /** One block: STATE ← compression of STATE and WORDS. */
  compress(): void;
  /** `count` ≥ 1 consecutive blocks of each of four messages: STATE ← compression of STATE and these. */
  blocks(a: number, b: number, c: number, d: number, count: number): void;
  /** The four digests in STATE, 32 bytes each, to the four addresses. */
  store(a: number, b: number, c: number, d: number): void;
  /** 64 bytes to `to`: the first n of those at `from`, 0x80, zeros; `mask` is padMask(n). */
  pad(from: number, to: number, mask: number): void;
  /** Eight vectors, 128 bytes. */
  copy(from: number, to: number): void;
}

const VECTOR_BYTES = 16;
const BLOCK_BYTES = 64;

/** Addresses in the module's memory. 64 vectors: a round constant in all four lanes. */
const CONSTANTS_AT = 0;
/** 16 vectors: the block being hashed, word by word. */
export const WORDS_AT = 1024;
/** 8 vectors: the chaining value. */
export const STATE_AT = WORDS_AT + 16 * VECTOR_BYTES;
/** Two blocks for each lane: the end of its message with the padding. */
export const TAILS_AT = STATE_AT + 8 * VECTOR_BYTES;
/** 64 bytes 0xff, then 64 of zero: read from MASKS_AT + 64 − n on they keep n bytes of a block. */
const MASKS_AT = TAILS_AT + 4 * 2 * BLOCK_BYTES;
/** 64 zeros, 0x80, 63 zeros: read from the same place on they set the byte behind the n. */
const MARKS_AT = MASKS_AT + 2 * BLOCK_BYTES;
/** What users of the module may write to begins here. */
export const SCRATCH_END = MARKS_AT + 2 * BLOCK_BYTES;

const loadAt = (address: number): Code => join(i32Const(0), v128Load(address));
const storeAt = (address: number, value: Code): Code => join(i32Const(0), value, v128Store(address));

const LANE_WORDS: WordCode = {
  add: i32x4Add,
  and: v128And,
  xor: v128Xor,
  shr: (bits) => join(i32Const(bits), i32x4ShrU),
  rotr: (local, bits) => join(localGet(local), i32Const(bits), i32x4ShrU, localGet(local), i32Const(32 - bits), i32x4Shl, v128Or),
  constant: (t) => loadAt(CONSTANTS_AT + t * VECTOR_BYTES),
};

const compressCode = (): Code =>
  compressionCode(LANE_WORDS, {
    firstLocal: 0,
    word: (t) => loadAt(WORDS_AT + t * VECTOR_BYTES),
    state: (i) => loadAt(STATE_AT + i * VECTOR_BYTES),
    put: (i, value) => storeAt(STATE_AT + i * VECTOR_BYTES, value),
  });

/** Bytes of a word of an operand, last first: SHA-256 reads big-endian, WebAssembly little-endian. */
const reversed = (word: number): number[] => [3, 2, 1, 0].map((byte) => word * 4 + byte);
const LOW_WORDS = i8x16Shuffle([...reversed(0), ...reversed(4), ...reversed(1), ...reversed(5)]);
const HIGH_WORDS = i8x16Shuffle([...reversed(2), ...reversed(6), ...reversed(3), ...reversed(7)]);
const LOW_HALVES = i8x16Shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
const HIGH_HALVES = i8x16Shuffle([8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]);

const LANES = [0, 1, 2, 3];
/** Locals of `load` and `store` behind their four addresses: four rows, and four temporaries. */
const ROW = 4;
const PAIR = 8;

/** Four rows of four words become four columns, the bytes of every word turned round; `put` says where each column goes. */
function transpose(put: (column: number, value: Code) => Code): Code {
  const pair = (row: number, words: Code, into: number): Code => join(localGet(row), localGet(row + 1), words, localSet(into));
  const column = (left: number, halves: Code): Code => join(localGet(left), localGet(left + 1), halves);
  return join(
    pair(ROW, LOW_WORDS, PAIR),
    pair(ROW + 2, LOW_WORDS, PAIR + 1),
    pair(ROW, HIGH_WORDS, PAIR + 2),
    pair(ROW + 2, HIGH_WORDS, PAIR + 3),
    put(0, column(PAIR, LOW_HALVES)),
    put(1, column(PAIR, HIGH_HALVES)),
    put(2, column(PAIR + 2, LOW_HALVES)),
    put(3, column(PAIR + 2, HIGH_HALVES)),
  );
}

function loadCode(): Code {
  const quarter = (first: number): Code =>
    join(
      ...LANES.map((lane) => join(localGet(lane), v128Load(first * VECTOR_BYTES), localSet(ROW + lane))),
      transpose((column, value) => storeAt(WORDS_AT + (first * 4 + column) * VECTOR_BYTES, value)),
    );
  return join(...LANES.map(quarter));
}

function storeCode(): Code {
  const half = (first: number): Code =>
    join(
      ...LANES.map((word) => join(loadAt(STATE_AT + (first * 4 + word) * VECTOR_BYTES), localSet(ROW + word))),
      transpose((lane, value) => join(localGet(lane), value, v128Store(first * VECTOR_BYTES))),
    );
  return join(half(0), half(1));
}

/** Calls `load` (function 0) and `compress` (function 1). */
function blocksCode(): Code {
  const count = 4;
  const advance = LANES.map((lane) => join(localGet(lane), i32Const(BLOCK_BYTES), i32Add, localSet(lane)));
  const countDown = join(localGet(count), i32Const(1), i32Sub, localTee(count));
  return repeatWhile(join(...LANES.map(localGet), call(0), call(1), ...advance, countDown));
}

function padCode(): Code {
  const [from, to, mask] = [0, 1, 2];
  const quarter = (offset: number): Code => {
    const kept = join(localGet(from), v128Load(offset), localGet(mask), v128Load(offset), v128And);
    const mark = join(localGet(mask), v128Load(offset + MARKS_AT - MASKS_AT));
    return join(localGet(to), kept, mark, v128Or, v128Store(offset));
  };
  return join(...LANES.map((i) => quarter(i * VECTOR_BYTES)));
}

function copyCode(): Code {
  const [from, to] = [0, 1];
  const offsets = Array.from({ length: 8 }, (_, i) => i * VECTOR_BYTES);
  return join(...offsets.map((offset) => join(localGet(to), localGet(from), v128Load(offset), v128Store(offset))));
}

/** Third argument of `pad` that keeps `bytes` (0–63) bytes. */
export function padMask(bytes: number): number {
  return MASKS_AT + BLOCK_BYTES - bytes;
}

/** What the functions read and never write. */
export function writeTables(memory: ArrayBuffer): void {
  const words = new Uint32Array(memory);
  ROUND_CONSTANTS.forEach((constant, t) => words.fill(constant, CONSTANTS_AT / 4 + t * 4, CONSTANTS_AT / 4 + t * 4 + 4));
  const bytes = new Uint8Array(memory);
  bytes.fill(0xff, MASKS_AT, MASKS_AT + BLOCK_BYTES);
  bytes[MARKS_AT + BLOCK_BYTES] = 0x80;
}

export function sha256Module(): Uint8Array<ArrayBuffer> {
  return assembleModule([
    { name: 'load', parameters: 4, vectors: 8, body: loadCode() },
    { name: 'compress', parameters: 0, vectors: COMPRESSION_LOCALS, body: compressCode() },
    { name: 'blocks', parameters: 5, body: blocksCode() },
    { name: 'store', parameters: 4, vectors: 8, body: storeCode() },
    { name: 'pad', parameters: 3, body: padCode() },
    { name: 'copy', parameters: 2, body: copyCode() },
  ]);
}
