import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';

/** How a stream of a patch is stored (docs/formats/versions.md): the index is the code. */
const CODECS = ['stored', 'deflate', 'brotli', 'zstd'] as const;
export type Codec = 0 | 1 | 2 | 3;

/** What the fastest way leaves more than this of is not tried again: it is random, or compressed already. */
const WORTH_TRYING = 0.98;
const ZSTD_LEVEL = 1;
/** Up to this many bytes the best level is tried: 0.3 s and 14 MiB at most. */
const BEST_BYTES_MAX = 256 * 1024;
const BROTLI_BEST = 11;
/** 0.4 s and 17 MiB a megabyte. */
const BROTLI_THOROUGH = 10;
/** 20 ms and 12 MiB a megabyte; the next levels gain 2 % with three times the memory. */
const BROTLI_QUICK = 7;
/** Windows of a megabyte, the most that a stream holds: what compresses and what decompresses needs no more memory. */
const WINDOW_LOG = 20;

export interface Compressed {
  readonly codec: Codec;
  readonly bytes: Uint8Array;
}

/** `numeric`: planes of numbers, on which the fastest way is the best. */
export type Effort = 'thorough' | 'quick' | 'numeric';

/** The smallest form of `raw`, a megabyte at most, that can be had in the time that the effort allows. */
export function compress(raw: Uint8Array, effort: Effort): Compressed {
  const stored: Compressed = { codec: 0, bytes: raw };
  if (raw.length === 0) return stored;
  const fast = zstd(raw);
  let best = fast.bytes.length < raw.length ? fast : stored;
  const offer = (codec: Codec, bytes: Uint8Array): void => {
    if (bytes.length < best.bytes.length) best = { codec, bytes };
  };
  if (raw.length <= BEST_BYTES_MAX) {
    offer(1, deflateRawSync(raw, { level: 9 }));
    offer(2, brotli(raw, effort === 'quick' ? BROTLI_QUICK : BROTLI_BEST));
  } else if (effort !== 'numeric' && best.bytes.length < raw.length * WORTH_TRYING)
    offer(2, brotli(raw, effort === 'quick' ? BROTLI_QUICK : BROTLI_THOROUGH));
  return best;
}

/** Bytes that compression would leave, roughly, and quickly known. */
export function roughBytes(raw: Uint8Array): number {
  return zstd(raw).bytes.length;
}

function zstd(raw: Uint8Array): Compressed {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_windowLog]: WINDOW_LOG };
  return { codec: 3, bytes: zstdCompressSync(raw, { params }) };
}

function brotli(raw: Uint8Array, level: number): Uint8Array {
  // No wider than what there is: tables are as large as the window, and most streams are tiny.
  const windowLog = Math.min(WINDOW_LOG, Math.max(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(raw.length + 16))));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: level,
    [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    [constants.BROTLI_PARAM_LGWIN]: windowLog,
  };
  return brotliCompressSync(raw, { params });
}

/** What was compressed, exactly `rawBytes` long. Throws RangeError or an error of zlib for anything else; never makes more than that. */
export function decompress(codec: Codec, stored: Uint8Array, rawBytes: number): Uint8Array {
  const raw = codec === 0 ? stored : DECODERS[CODECS[codec]](stored, rawBytes);
  if (raw.length !== rawBytes) throw new RangeError(`${raw.length} bytes instead of ${rawBytes} were compressed`);
  return raw;
}

const DECODERS: Readonly<Record<(typeof CODECS)[number], (stored: Uint8Array, rawBytes: number) => Uint8Array>> = {
  stored: (stored) => stored,
  deflate: (stored, rawBytes) => inflateRawSync(stored, { maxOutputLength: Math.max(1, rawBytes) }),
  brotli: (stored, rawBytes) => brotliDecompressSync(stored, { maxOutputLength: Math.max(1, rawBytes) }),
  zstd: (stored, rawBytes) =>
    zstdDecompressSync(stored, { maxOutputLength: Math.max(1, rawBytes), params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } }),
};
