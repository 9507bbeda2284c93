import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { fromHex, toHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES, keyCommitment, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, SEGMENT_BYTES_TARGET, SEGMENT_LEAVES_MAX } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseVerifierKey, type VerifierKey } from '../kernel/note.ts';

const FORMAT = 'post-incident-proofs/ledger/v1';
const EPOCH_POLICY_NONE = 'none';
const PARAMETERS = canonicalJson({ segmentBytes: SEGMENT_BYTES_TARGET, segmentLeaves: SEGMENT_LEAVES_MAX });
const FIELD_NAMES = ['epochPolicy', 'format', 'keyCommitment', 'ledgerId', 'origin', 'parameters', 'publicKey'];
const HEX_DIGITS = '0123456789abcdef';

/** What the genesis leaf says, as far as it can be read. Nothing is believed: whether it is intact is decided elsewhere. */
export interface Genesis {
  readonly ledgerId: Uint8Array | undefined;
  readonly keyCommitment: Uint8Array | undefined;
  readonly verifierKey: VerifierKey | undefined;
  readonly verifierKeyText: string | undefined;
}

/**
 * Reads the fields one by one, so that damage to one of them (or to the framing) does not hide the others: with the ledger id
 * in hand every other leaf can still be checked and the damage be named. `head` is the start of the first segment.
 */
export function readGenesis(head: Uint8Array): Genesis {
  const text = Buffer.from(head).toString('latin1', FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES);
  const field = (name: string): string | undefined => new RegExp(`"${name}":"([^"]*)"`).exec(text)?.[1];
  const verifierKeyText = field('publicKey');
  return {
    ledgerId: hexOf(field('ledgerId'), LEDGER_ID_BYTES),
    keyCommitment: hexOf(field('keyCommitment'), HMAC_KEY_BYTES),
    verifierKey: tryVerifierKey(verifierKeyText),
    verifierKeyText,
  };
}

/** Does the genesis commit to this key under this ledger id? */
export function isCommittedTo(genesis: Genesis, key: Uint8Array, ledgerId: Uint8Array): boolean {
  return genesis.keyCommitment !== undefined && toHex(keyCommitment(nodeHashes, key, ledgerId)) === toHex(genesis.keyCommitment);
}

/**
 * The ledger id with one digit put right, when that makes the commitment fit: one changed byte in the id would otherwise fail
 * every MAC of the ledger and hide where the damage is.
 */
export function repairLedgerId(head: Uint8Array, genesis: Genesis, key: Uint8Array): Uint8Array | undefined {
  const text = /"ledgerId":"([^"]{32})"/.exec(Buffer.from(head).toString('latin1'))?.[1];
  if (text === undefined) return undefined;
  for (let at = 0; at < text.length; at++) {
    for (const digit of HEX_DIGITS) {
      const candidate = fromHex(text.slice(0, at) + digit + text.slice(at + 1));
      if (candidate !== undefined && isCommittedTo(genesis, key, candidate)) return candidate;
    }
  }
  return undefined;
}

/** The first thing wrong with a genesis payload that is canonical JSON; undefined when it is one of this version. */
export function genesisFault(payload: Json): string | undefined {
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return 'no JSON object';
  const fields = payload as { readonly [key: string]: Json | undefined };
  const names = Object.keys(fields);
  if (names.join() !== FIELD_NAMES.join()) return `the fields ${names.join(', ').slice(0, 200)}`;
  if (fields.format !== FORMAT) return 'another format';
  if (fields.epochPolicy !== EPOCH_POLICY_NONE) return 'an epoch policy that this version does not know';
  if (hexOf(fields.ledgerId, LEDGER_ID_BYTES) === undefined) return 'a ledger id that is not 32 hex digits';
  if (hexOf(fields.keyCommitment, HMAC_KEY_BYTES) === undefined) return 'a key commitment that is not 64 hex digits';
  if (canonicalJson(fields.parameters ?? null) !== PARAMETERS) return 'other parameters';
  const key = tryVerifierKey(fields.publicKey);
  if (key === undefined) return 'a public key that is no verifier key';
  return fields.origin === key.name ? undefined : 'an origin that is not the name of its key';
}

/** True when the payload names no HMAC key: the protection that every ledger is born with. */
export function isUnkeyed(payload: Json): boolean {
  return payload !== null && typeof payload === 'object' && !Array.isArray(payload) && !Object.hasOwn(payload, 'keyCommitment');
}

function hexOf(value: Json | undefined, bytes: number): Uint8Array | undefined {
  const isPlain = typeof value === 'string' && value.length === bytes * 2 && /^[0-9a-f]*$/.test(value);
  return isPlain ? fromHex(value) : undefined;
}

function tryVerifierKey(text: Json | undefined): VerifierKey | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const key = parseVerifierKey(nodeHashes, text);
    return text === text.trim() ? key : undefined;
  } catch {
    return undefined;
  }
}
