import {
  BUNDLE_FORMAT,
  formatEnvelope,
  formatStatement,
  PAYLOAD_TYPE,
  PREDICATE_TYPE,
  preAuthEncoding,
  STATEMENT_TYPE,
  type Subject,
} from '../bundle/format.ts';
import { fromBase64, fromUtf8 } from '../kernel/bytes.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import type { VerifierKey } from '../kernel/note.ts';

/** docs/formats/bundle.md, Signature; the payload is base64 and holds no quotes. */
const ENVELOPE =
  /^\{"payload":"([A-Za-z0-9+/=]+)","payloadType":"([^"]+)","signatures":\[\{"keyid":"([0-9a-f]{8})","sig":"([A-Za-z0-9+/=]+)"\}\]\}\n$/;
const SUBJECT = /^\{"name":"([^"\\]+)","digest":\{"sha256":"([0-9a-f]{64})"\}\},?$/;
/** Statement lines around the subjects: type, opening, closing, predicate type, predicate, and what follows the last newline. */
const FRAME_LINES_BEFORE = 2;
const FRAME_LINES_AFTER = 4;
const SIGNATURE_BYTES = 64;

/** Why an envelope is not one of docs/formats/bundle.md, or not signed by the key. */
export class EnvelopeError extends Error {}

/** Checks the signature before anything in the payload is looked at; answers what was signed, or throws EnvelopeError. */
export function openEnvelope(bytes: Uint8Array, key: VerifierKey): Subject[] {
  const text = toText(bytes);
  const match = ENVELOPE.exec(text);
  const [payload, signature] = match === null ? [] : [fromBase64(match[1]), fromBase64(match[4])];
  if (match === null || payload === undefined || signature?.length !== SIGNATURE_BYTES || match[2] !== PAYLOAD_TYPE) {
    throw new EnvelopeError('it is not an envelope of the format');
  }
  const keyId = key.keyId.toString(16).padStart(8, '0');
  if (match[3] !== keyId) throw new EnvelopeError(`it names the key ${match[3]}, not ${keyId}`);
  if (!verifyEd25519(key.publicKey, preAuthEncoding(payload), signature)) throw new EnvelopeError('its signature is not one of the key');
  if (formatEnvelope(payload, keyId, signature) !== text) throw new EnvelopeError('it is not written in the one spelling of the format');
  return parseStatement(toText(payload));
}

function parseStatement(text: string): Subject[] {
  const lines = text.split('\n').slice(FRAME_LINES_BEFORE, -FRAME_LINES_AFTER);
  const subjects = lines.map((line) => {
    const match = SUBJECT.exec(line);
    if (match === null) throw new EnvelopeError('a subject of the statement is not a file and its hash');
    return { name: match[1], sha256: match[2] };
  });
  if (formatStatement(subjects) !== text) {
    throw new EnvelopeError(`what was signed is not a statement of ${STATEMENT_TYPE} with ${PREDICATE_TYPE} about ${BUNDLE_FORMAT}`);
  }
  return subjects;
}

function toText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new EnvelopeError('it is not UTF-8', { cause });
  }
}
