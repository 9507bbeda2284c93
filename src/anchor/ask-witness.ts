import { fromUtf8 } from '../kernel/bytes.ts';
import { cosignedAt } from '../kernel/cosignature.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { verifyConsistency } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatSignatureLine, NoteFormatError, parseCheckpoint } from '../kernel/note.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import { formatAddCheckpoint } from './add-checkpoint.ts';
import type { WitnessPeer } from './witness-lists.ts';

/** A witness answers in milliseconds; one that does not must not hold up the next round. */
const ANSWER_MS_MAX = 5000;
/** Cosignature lines of one witness, or a problem text. */
const ANSWER_BYTES_MAX = 65_536;
/** The first request may be answered with the size that the witness knows; the second is then right, unless somebody else asks too. */
const TRIES_MAX = 3;
const SIZE_MEDIA_TYPE = 'text/x.tlog.size';

export type WitnessAnswer =
  | { readonly outcome: 'cosigned'; readonly size: number; /** Signature line, verified. */ readonly line: string }
  /** The witness knows a later or another state of this ledger than we have: we were rolled back, or forked. */
  | { readonly outcome: 'conflict'; readonly detail: string }
  | { readonly outcome: 'failed'; readonly detail: string };

/** A checkpoint that is public already, and the tree below it. */
export interface PublishedHead {
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string;
}

/**
 * Asks one witness for its cosignature. `knownSize` is what it cosigned last, as far as we know; 0 makes it tell. Never rejects: whatever
 * a witness answers is hostile until its signature is verified.
 */
export async function askWitness(peer: WitnessPeer, ledger: LedgerReader, head: PublishedHead, knownSize: number): Promise<WitnessAnswer> {
  let oldSize = Math.min(knownSize, head.size);
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const proof = await ledger.consistencyProof(oldSize, head.size);
      const isTrue = verifyConsistency(nodeHashes, oldSize, head.size, await ledger.rootAt(oldSize), head.root, proof);
      if (!isTrue) return { outcome: 'failed', detail: 'our own entries do not give a consistency proof: run log verify' };
      const { status, mediaType, text } = await post(`${peer.url}/add-checkpoint`, formatAddCheckpoint(oldSize, proof, head.checkpoint));
      if (status === 200) return readCosignature(peer, head, text);
      if (status === 422) return { outcome: 'conflict', detail: `it cosigned another history of the first ${oldSize} entries than ours` };
      if (status !== 409 || mediaType !== SIZE_MEDIA_TYPE)
        return { outcome: 'failed', detail: `it answered ${status}: ${text.slice(0, 200)}` };
      const size = /^(?:0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : Number.NaN;
      if (!Number.isSafeInteger(size)) return { outcome: 'failed', detail: 'it answered 409 without a size' };
      if (size > head.size)
        return { outcome: 'conflict', detail: `it cosigned ${size} entries of this ledger, which has only ${head.size}` };
      if (size === oldSize) return { outcome: 'conflict', detail: `it cosigned another history of ${size} entries than ours` };
      oldSize = size;
    }
    return { outcome: 'failed', detail: `it named another size ${TRIES_MAX} times` };
  } catch (error) {
    return { outcome: 'failed', detail: describe(error) };
  }
}

function readCosignature(peer: WitnessPeer, head: PublishedHead, text: string): WitnessAnswer {
  const checkpoint = parseCheckpoint(head.checkpoint + text);
  if (cosignedAt(checkpoint, peer.key, verifyEd25519) === undefined)
    return { outcome: 'failed', detail: `its answer holds no good cosignature of "${peer.key.name}"` };
  const own = checkpoint.signatures.find(({ name, keyId }) => name === peer.key.name && keyId === peer.key.keyId);
  // Other lines of the answer are nobody's that we trust.
  return { outcome: 'cosigned', size: head.size, line: own === undefined ? '' : formatSignatureLine(own, own.signature) };
}

async function post(url: string, body: string): Promise<{ status: number; mediaType: string; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`its answer has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const mediaType = (response.headers.get('content-type') ?? '').split(';', 1)[0].trim().toLowerCase();
  return { status: response.status, mediaType, text: fromUtf8(Buffer.concat(chunks)) };
}

function describe(error: unknown): string {
  if (error instanceof NoteFormatError) return `its answer is malformed: ${error.message}`;
  if (!(error instanceof Error)) return String(error);
  // fetch says "fetch failed" and keeps the reason in the cause.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
