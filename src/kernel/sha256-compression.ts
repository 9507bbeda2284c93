import { join, localGet, localSet, localTee, type Code } from './wasm-assembler.ts';

/** FIPS 180-4 section 4.2.2. */
// prettier-ignore
export const ROUND_CONSTANTS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/** FIPS 180-4 section 5.3.3. */
// prettier-ignore
export const INITIAL_STATE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** What the compression does with words: with one of them, or with one of each of several messages at a time. */
export interface WordCode {
  readonly add: Code;
  readonly and: Code;
  readonly xor: Code;
  /** Of what is on the stack. */
  readonly shr: (bits: number) => Code;
  /** Of a local. */
  readonly rotr: (local: number, bits: number) => Code;
  /** Round constant t. */
  readonly constant: (t: number) => Code;
}

/** Where a compression takes its words from and leaves them. */
export interface WordPlaces {
  /** The first of COMPRESSION_LOCALS locals. */
  readonly firstLocal: number;
  /** Word t of the block, t < 16. */
  readonly word: (t: number) => Code;
  /** Word i of the chaining value, before. */
  readonly state: (i: number) => Code;
  /** Stores word i of the chaining value, after. */
  readonly put: (i: number, value: Code) => Code;
}

export const COMPRESSION_LOCALS = 27;

/** One block (FIPS 180-4 section 6.2.2). Message schedule and 64 rounds, unrolled: the eight working variables change names instead of places. */
export function compressionCode(words: WordCode, places: WordPlaces): Code {
  const { add, and, xor, shr, rotr, constant } = words;
  const { firstLocal } = places;
  /** Section 4.1.2: the functions Σ of a word … */
  const bigSigma = (local: number, x: number, y: number, z: number): Code => join(rotr(local, x), rotr(local, y), xor, rotr(local, z), xor);
  /** … and σ, whose last part is a shift. */
  const smallSigma = (local: number, x: number, y: number, shift: number): Code =>
    join(rotr(local, x), rotr(local, y), xor, localGet(local), shr(shift), xor);
  const word = (t: number): number => firstLocal + (t % 16);
  const working = firstLocal + 16;
  let [a, b, c, d, e, f, g, h] = Array.from({ length: 8 }, (_, i) => working + i);
  /** Maj(a, b, c) = ((a ^ b) & (b ^ c)) ^ b, and a ^ b of one round is b ^ c of the next. */
  let [ab, bc] = [firstLocal + 24, firstLocal + 25];
  const t1 = firstLocal + 26;
  const code: Code[] = [];
  for (let t = 0; t < 16; t++) code.push(places.word(t), localSet(word(t)));
  for (let i = 0; i < 8; i++) code.push(places.state(i), localSet(working + i));
  code.push(localGet(b), localGet(c), xor, localSet(bc));
  for (let t = 0; t < 64; t++) {
    if (t >= 16) {
      code.push(smallSigma(word(t - 15), 7, 18, 3), smallSigma(word(t - 2), 17, 19, 10), add);
      code.push(localGet(word(t - 16)), localGet(word(t - 7)), add, add, localSet(word(t)));
    }
    code.push(localGet(h), constant(t), localGet(word(t)), add, add);
    code.push(localGet(f), localGet(g), xor, localGet(e), and, localGet(g), xor, add);
    code.push(bigSigma(e, 6, 11, 25), add, localSet(t1));
    code.push(localGet(d), localGet(t1), add, localSet(d));
    code.push(localGet(a), localGet(b), xor, localTee(ab), localGet(bc), and, localGet(b), xor);
    code.push(bigSigma(a, 2, 13, 22), add, localGet(t1), add, localSet(h));
    [ab, bc] = [bc, ab];
    [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
  }
  [a, b, c, d, e, f, g, h].forEach((local, i) => code.push(places.put(i, join(localGet(local), places.state(i), add))));
  return join(...code);
}
