import { fromBase64, toBase64 } from './bytes.ts';
import { HASH_BYTES } from './hashes.ts';

/**
 * c2sp.org/tlog-proof: one entry's inclusion proof and the checkpoint it leads to, as a text that can be kept beside the
 * entry and checked without the log. Parsing is strict: one spelling per value. Nothing is verified here.
 */
const HEADER = 'c2sp.org/tlog-proof@v1';
/** An RFC 6962 path in a tree of fewer than 2^53 leaves has at most 53 hashes. */
const HASHES_MAX = 53;
/** 53 hashes, a checkpoint and a generous extra line stay far below this. */
const PROOF_CHARS_MAX = 65_536;

export interface TlogProof {
  /** Leaf index. */
  readonly index: number;
  /** Inclusion path, leaf end first (RFC 9162 section 2.1.3.1). */
  readonly hashes: readonly Uint8Array[];
  /** Checkpoint note text the path leads to. */
  readonly checkpoint: string;
  /** Opaque bytes of the application; nothing vouches for them. */
  readonly extra?: Uint8Array | undefined;
}

export class TlogProofFormatError extends Error {}

export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? '' : `extra ${toBase64(proof.extra)}\n`;
  const hashes = proof.hashes.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${HEADER}\n${extra}index ${proof.index}\n${hashes}\n${proof.checkpoint}`;
}

/** Text → proof, or throws TlogProofFormatError. Hostile until the checkpoint's signature and the path are verified. */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > PROOF_CHARS_MAX) throw new TlogProofFormatError('the proof is too long');
  const split = text.indexOf('\n\n');
  if (split < 0) throw new TlogProofFormatError('the proof has no checkpoint after an empty line');
  const checkpoint = text.slice(split + 2);
  if (checkpoint === '') throw new TlogProofFormatError('the checkpoint is empty');
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== HEADER) throw new TlogProofFormatError(`the first line is not "${HEADER}"`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()) : undefined;
  const index = parseIndex(lines.shift());
  if (lines.length > HASHES_MAX) throw new TlogProofFormatError(`the proof has more than ${HASHES_MAX} hashes`);
  const hashes = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw new TlogProofFormatError('a hash line is not 32 bytes of base64');
    return hash;
  });
  return extra === undefined ? { index, hashes, checkpoint } : { index, hashes, checkpoint, extra };
}

function parseExtra(line: string | undefined): Uint8Array {
  const extra = fromBase64(line?.slice('extra '.length) ?? '');
  if (extra === undefined) throw new TlogProofFormatError('the extra line is not base64');
  return extra;
}

function parseIndex(line: string | undefined): number {
  const match = /^index (0|[1-9]\d{0,15})$/.exec(line ?? '');
  const index = match === null ? Number.NaN : Number(match[1]);
  if (!Number.isSafeInteger(index)) throw new TlogProofFormatError('the index line is not "index" and a plain decimal number');
  return index;
}
