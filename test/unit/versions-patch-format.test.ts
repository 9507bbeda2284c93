import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/kernel/bytes.ts';
import { STREAM_BYTES_MAX } from '../../src/versions/patch-format.ts';
import { applyPatch, PatchRefused, type Op } from '../../src/versions/patch.ts';
import { VersionsError } from '../../src/versions/versions-error.ts';
import { decode, encode, idOf, sha256 } from '../support/patch-cases.ts';

/** One patch with an op of each kind, and streams that are worth compressing. */
const old = utf8(`# settings\n${'listen = 127.0.0.1:8080\n'.repeat(20)}timeout = 30\n`);
const ops: readonly Op[] = [
  { kind: 'copy', length: 11 },
  { kind: 'splice', removed: old.slice(11, 35), inserted: utf8('listen = 0.0.0.0:80\n'.repeat(8)) },
  { kind: 'copy', length: 40 },
  { kind: 'xor', mask: new Uint8Array(90).fill(1) },
  { kind: 'splice', removed: new Uint8Array(0), inserted: utf8('end') },
];
const now = utf8(
  `# settings\n${'listen = 0.0.0.0:80\n'.repeat(8)}${textOf(old.slice(35, 75))}${textOf(old.slice(75, 165).map((byte) => byte ^ 1))}end${textOf(old.slice(165))}`,
);
const patch = { from: idOf(old), to: idOf(now), ops };
const file = new Uint8Array(encode(patch));
const HEADER_BYTES = 8 + 1 + 64 + 4;

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** What became of a damaged file: it was refused with a code, its application was refused, or it still says the very same. */
async function outcome(damaged: Uint8Array): Promise<string> {
  try {
    return sha256(applyPatch(await decode(damaged), old, sha256)) === sha256(now) ? 'same' : 'another content';
  } catch (error) {
    if (error instanceof VersionsError) return error.code;
    if (error instanceof PatchRefused) return error.fault;
    throw error;
  }
}

/** A file of one block: `streams` are codec, raw length as it is claimed, and what is stored, of ops, spliced bytes and masks. */
function fileWith(stride: number, streams: readonly (readonly [codec: number, rawBytes: number, stored: Uint8Array])[]): Uint8Array {
  const codecs = streams.reduce((all, [codec], i) => all | (codec << (2 * i)), 0);
  const sizes = streams.flatMap(([, rawBytes, stored]) => [...varint(rawBytes), ...varint(stored.length)]);
  return Buffer.concat([file.subarray(0, HEADER_BYTES), Uint8Array.of(codecs, stride, ...sizes), ...streams.map(([, , stored]) => stored)]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

/** A frame of zeros that asks for a window of `2 ** windowLog` bytes (RFC 8878, 3.1.1): blocks of 128 KiB, each a byte that is repeated. */
function zstdZeros(windowLog: number, bytes: number): Uint8Array {
  const blockBytes = 128 * 1024;
  const blocks = Array.from({ length: bytes / blockBytes }, (_, i) => {
    const head = (blockBytes << 3) | (1 << 1) | ((i + 1) * blockBytes === bytes ? 1 : 0);
    return [head & 0xff, (head >> 8) & 0xff, head >> 16, 0];
  });
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, ...blocks.flat()]);
}

const NONE = [0, 0, new Uint8Array(0)] as const;

describe('a patch file', () => {
  it('is read as it was written', async () => {
    const read = await decode(file);
    expect({ ...read, ops: read.ops.length }).toStrictEqual({ from: patch.from, to: patch.to, ops: ops.length });
    expect(await outcome(file)).toBe('same');
  });

  it('is read however many and however small its ops are', async () => {
    const many = Array.from({ length: 400_000 }, (_, i): Op[] => [
      { kind: 'copy', length: 200 + (i % 100) },
      i % 2 === 0 ? { kind: 'xor', mask: Uint8Array.of(i) } : { kind: 'splice', removed: Uint8Array.of(i), inserted: new Uint8Array(0) },
    ]);
    const read = await decode(encode({ ...patch, ops: many.flat() }));
    expect(read.ops).toHaveLength(800_000);
    expect(read.ops[799_999]).toStrictEqual({ kind: 'splice', removed: Buffer.of(399_999), inserted: Buffer.of() });
  });

  it('is refused wherever it ends too early', async () => {
    const outcomes = new Map<string, number[]>();
    for (let bytes = 0; bytes < file.length; bytes++) {
      const found = await outcome(file.subarray(0, bytes));
      outcomes.set(found, [...(outcomes.get(found) ?? []), bytes]);
    }
    // Without any block it is a whole patch that changes nothing, which its hashes contradict.
    expect([...outcomes.keys()].sort()).toStrictEqual(['version-damaged', 'wrong-result']);
    expect(outcomes.get('wrong-result')).toStrictEqual([HEADER_BYTES]);
  });

  it('never leads to another content, whichever bit of it is flipped', async () => {
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const flipped = file.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      expect(['version-damaged', 'wrong-base', 'does-not-fit', 'wrong-result', 'same'], `bit ${bit}`).toContain(await outcome(flipped));
    }
  });

  it('never leads to another content, whatever byte stands anywhere in it', async () => {
    for (let at = 0; at < file.length; at++)
      for (const value of [0, 1, 0x7f, 0x80, 0xfe, 0xff]) {
        const changed = file.slice();
        changed[at] = value;
        expect(['version-damaged', 'wrong-base', 'does-not-fit', 'wrong-result', 'same'], `byte ${at}`).toContain(await outcome(changed));
      }
  });

  it('is refused when something follows that is no block', async () => {
    expect(await outcome(Buffer.concat([file, Uint8Array.of(0)]))).toBe('version-damaged');
    expect(await outcome(Buffer.concat([file, file]))).toBe('version-damaged');
  });
});

describe('a block that was made up', () => {
  it('is refused before more than a megabyte is read or made of a stream', async () => {
    const zeros = new Uint8Array(4 * STREAM_BYTES_MAX);
    const bomb = zstdCompressSync(zeros);
    // Claims more than a stream may hold.
    expect(await outcome(fileWith(1, [[3, zeros.length, bomb], NONE, NONE]))).toBe('version-damaged');
    expect(await outcome(fileWith(1, [[3, Number.MAX_SAFE_INTEGER, bomb], NONE, NONE]))).toBe('version-damaged');
    expect(await outcome(fileWith(1, [NONE, [0, STREAM_BYTES_MAX + 1, zeros.subarray(0, STREAM_BYTES_MAX + 1)], NONE]))).toBe(
      'version-damaged',
    );
    // Claims little, and would become much.
    for (const rawBytes of [0, 1, 1000, STREAM_BYTES_MAX])
      expect(await outcome(fileWith(1, [[3, rawBytes, bomb], NONE, NONE]))).toBe('version-damaged');
  });

  it('is refused when its window would need more memory than a stream does', async () => {
    const mask = new Uint8Array(STREAM_BYTES_MAX);
    const op = Uint8Array.of(0, ...varint(2 * mask.length + 1));
    const withMask = (stored: Uint8Array): Uint8Array => fileWith(1, [[0, op.length, op], NONE, [3, mask.length, stored]]);
    expect(await outcome(withMask(zstdZeros(27, mask.length)))).toBe('version-damaged');
    // With a window as it should be, only the content is too short for it.
    expect(await outcome(withMask(zstdZeros(20, mask.length)))).toBe('does-not-fit');
  });

  it('is refused when its streams do not fit each other', async () => {
    const op = (...bytes: number[]): readonly [number, number, Uint8Array] => [0, bytes.length, Uint8Array.from(bytes)];
    // A splice that removes five bytes and inserts none, with four; a mask of three with two; and bytes that nobody needs.
    expect(await outcome(fileWith(1, [op(0, 10, 0), op(1, 2, 3, 4), NONE]))).toBe('version-damaged');
    expect(await outcome(fileWith(1, [op(0, 7), NONE, op(1, 2)]))).toBe('version-damaged');
    expect(await outcome(fileWith(1, [op(0, 3), NONE, op(1, 2)]))).toBe('version-damaged');
    expect(await outcome(fileWith(1, [op(5), NONE, NONE]))).toBe('version-damaged');
    // A length that passes 2^53.
    expect(await outcome(fileWith(1, [op(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), NONE, NONE]))).toBe('version-damaged');
    expect(await outcome(fileWith(3, [op(0, 3), NONE, op(1)]))).toBe('version-damaged');
    // A copy over more than there is.
    expect(await outcome(fileWith(1, [op(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 3), NONE, op(1)]))).toBe('does-not-fit');
  });
});
