import { fromBase64, fromUtf8, toBase64 } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { NoteFormatError, parseCheckpoint, type SignedCheckpoint } from '../kernel/note.ts';
import { AnchorError } from './anchor-error.ts';

/** Body of c2sp.org/tlog-witness add-checkpoint: old size, consistency proof, empty line, checkpoint. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness is believed to have cosigned last; 0: none. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
}

/** A proof has at most 63 lines (tlog-witness); with a note of the largest size this is what a request can have. */
export const ADD_CHECKPOINT_BYTES_MAX = 65_536;
const PROOF_LINES_MAX = 63;

export function formatAddCheckpoint(oldSize: number, proof: readonly Uint8Array[], note: string): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`;
}

/** Hostile until the signature is verified. Throws AnchorError `invalid-request`. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const refuse = (why: string, cause?: unknown): AnchorError =>
    new AnchorError('invalid-request', `this is no add-checkpoint request: ${why}`, { cause });
  if (body.length > ADD_CHECKPOINT_BYTES_MAX) throw refuse('it is too long');
  try {
    const text = fromUtf8(body);
    const split = text.indexOf('\n\n');
    if (split < 0) throw refuse('there is no empty line before the checkpoint');
    const [oldLine, ...proofLines] = text.slice(0, split).split('\n');
    const oldSize = /^old (0|[1-9]\d{0,15})$/.exec(oldLine)?.[1];
    if (oldSize === undefined || !Number.isSafeInteger(Number(oldSize)))
      throw refuse('the first line is not "old" and a plain decimal number');
    if (proofLines.length > PROOF_LINES_MAX) throw refuse(`the proof has more than ${PROOF_LINES_MAX} lines`);
    const proof = proofLines.map((line) => {
      const hash = fromBase64(line);
      if (hash?.length !== HASH_BYTES) throw refuse('a proof line is not 32 bytes of base64');
      return hash;
    });
    const checkpoint = parseCheckpoint(text.slice(split + 2));
    if (Number(oldSize) > checkpoint.size) throw refuse(`the old size ${oldSize} is beyond the checkpoint's ${checkpoint.size}`);
    return { oldSize: Number(oldSize), proof, checkpoint };
  } catch (error) {
    if (error instanceof NoteFormatError) throw refuse(error.message, error);
    if (error instanceof TypeError) throw refuse('malformed UTF-8', error);
    throw error;
  }
}
