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

/** What is smaller is compressed in every way that there is: it takes a tenth of a second at most. */
const THOROUGH_BYTES_MAX = 128 * 1024;
const ZSTD_LEVEL = 12;

export interface Compressed {
  readonly codec: Codec;
  readonly bytes: Uint8Array;
}

/** The smallest form of `raw` that can be had in reasonable time. */
export function compress(raw: Uint8Array): Compressed {
  let best: Compressed = { codec: 0, bytes: raw };
  const offer = (codec: Codec, bytes: Uint8Array): void => {
    if (bytes.length < best.bytes.length) best = { codec, bytes };
  };
  if (raw.length === 0) return best;
  if (raw.length > THOROUGH_BYTES_MAX) {
    offer(3, zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }));
    return best;
  }
  offer(1, deflateRawSync(raw, { level: 9 }));
  offer(2, brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }));
  return best;
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
  zstd: (stored, rawBytes) => zstdDecompressSync(stored, { maxOutputLength: Math.max(1, rawBytes) }),
};
