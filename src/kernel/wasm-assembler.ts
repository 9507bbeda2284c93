/**
 * Just enough of a WebAssembly assembler (W3C core specification, sections 5.3–5.5) for straight code over one memory: the module is
 * made at start from readable TypeScript, so no binary and no toolchain has to be trusted. Instructions are byte lists; `join` is
 * the assembler. Operands are on the stack, as in the text format.
 */
export type Code = readonly number[];

export const join = (...codes: readonly Code[]): Code => codes.flat();

/** Value types (section 5.3). */
const I32 = 0x7f;
const V128 = 0x7b;

export interface WasmFunction {
  readonly name: string;
  /** All i32; they are the locals 0 … parameters − 1. */
  readonly parameters: number;
  /** Further locals of type i32, numbered after the parameters. */
  readonly words?: number;
  /** Further locals of type v128, numbered after those. */
  readonly vectors?: number;
  readonly body: Code;
}

function unsignedLeb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 0x80);
  }
}

function signedLeb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    if (rest >> 6 === 0 || rest >> 6 === -1) return [...out, low];
    out.push(low | 0x80);
  }
}

const vector = (opcode: number): Code => [0xfd, ...unsignedLeb(opcode)];

export const localGet = (local: number): Code => [0x20, ...unsignedLeb(local)];
export const localSet = (local: number): Code => [0x21, ...unsignedLeb(local)];
export const localTee = (local: number): Code => [0x22, ...unsignedLeb(local)];
export const call = (index: number): Code => [0x10, ...unsignedLeb(index)];
export const i32Const = (value: number): Code => [0x41, ...signedLeb(value)];
export const i32Add: Code = [0x6a];
export const i32Sub: Code = [0x6b];
export const i32And: Code = [0x71];
export const i32Or: Code = [0x72];
export const i32Xor: Code = [0x73];
export const i32ShrU: Code = [0x76];
export const i32Rotl: Code = [0x77];
export const i32Rotr: Code = [0x78];
/** i32 at the address on the stack plus `offset`, little-endian; any alignment is allowed. */
export const i32Load = (offset: number): Code => [0x28, 0, ...unsignedLeb(offset)];
export const i32Store = (offset: number): Code => [0x36, 0, ...unsignedLeb(offset)];
/** Repeats `body` until the i32 it leaves on the stack is 0. */
export const repeatWhile = (body: Code): Code => [0x03, 0x40, ...body, 0x0d, 0x00, 0x0b];

/** v128 at the address on the stack plus `offset`; any alignment is allowed. */
export const v128Load = (offset: number): Code => [...vector(0), 0, ...unsignedLeb(offset)];
export const v128Store = (offset: number): Code => [...vector(11), 0, ...unsignedLeb(offset)];
/** Bytes 0–15 are those of the first operand, 16–31 those of the second. */
export const i8x16Shuffle = (bytes: readonly number[]): Code => [...vector(13), ...bytes];
export const v128And = vector(0x4e);
export const v128Or = vector(0x50);
export const v128Xor = vector(0x51);
export const i32x4Shl = vector(0xab);
export const i32x4ShrU = vector(0xad);
export const i32x4Add = vector(0xae);

function list(items: readonly Code[]): number[] {
  return [...unsignedLeb(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsignedLeb(content.length), ...content];
}

function text(name: string): number[] {
  return [...unsignedLeb(name.length), ...Array.from(name, (c) => c.charCodeAt(0))];
}

/** "\0asm" and version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Module of functions without results, all exported, over the imported memory `env.memory`. */
export function assembleModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...list(Array.from({ length: parameters }, () => [I32])), 0]);
  const bodies = functions.map(({ words = 0, vectors = 0, body }) => {
    const locals = [
      [...unsignedLeb(words), I32],
      [...unsignedLeb(vectors), V128],
    ];
    const code = [...list(locals), ...body, 0x0b];
    return [...unsignedLeb(code.length), ...code];
  });
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, list(types)),
    ...section(2, list([[...text('env'), ...text('memory'), 0x02, 0x00, 1]])),
    ...section(3, list(functions.map((_, index) => unsignedLeb(index)))),
    ...section(7, list(functions.map(({ name }, index) => [...text(name), 0x00, ...unsignedLeb(index)]))),
    ...section(10, list(bodies)),
  ]);
}
