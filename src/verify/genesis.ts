import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { fromHex, toHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES, keyCommitment, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { EPOCH_POLICY_NONE, EPOCH_POLICY_SEAL, epochKeyName } from '../kernel/epoch.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, SEGMENT_BYTES_TARGET, SEGMENT_LEAVES_MAX } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseVerifierKey, type VerifierKey } from '../kernel/note.ts';

const FORMAT = 'post-incident-proofs/ledger/v1';
const PARAMETERS = canonicalJson({ segmentBytes: SEGMENT_BYTES_TARGET, segmentLeaves: SEGMENT_LEAVES_MAX });
const FIELD_NAMES = ['epochPolicy', 'format', 'keyCommitment', 'ledgerId', 'origin', 'parameters', 'publicKey'];
const SEALING_FIELD_NAMES = ['epochKey', ...FIELD_NAMES];
/** A genesis leaf has about 600 bytes; each place looked at costs an HMAC. */
const GENESIS_BYTES_SEARCHED_MAX = 4096;
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
  const text = Buffer.from(head).toString('utf8', FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES);
  const field = (name: string): string | undefined => unquote(new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`, 'u').exec(text)?.[1]);
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
 * The ledger id of a damaged genesis, found as the one that the commitment fits: it stands somewhere in the leaf as 32 hex digits,
 * perhaps with one of them changed. Without it one changed byte would fail every MAC of the ledger and hide where the damage is.
 */
export function recoverLedgerId(head: Uint8Array, genesis: Genesis, key: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(head.subarray(0, GENESIS_BYTES_SEARCHED_MAX)).toString('latin1');
  for (const [, run] of text.matchAll(/(?=([0-9a-f]{32}))/g)) {
    const candidate = fromHex(run);
    if (candidate !== undefined && isCommittedTo(genesis, key, candidate)) return candidate;
  }
  const damaged = /"ledgerId":"([^"]{32})"/.exec(text)?.[1] ?? '';
  for (let at = 0; at < damaged.length; at++) {
    for (const digit of HEX_DIGITS) {
      const candidate = fromHex(damaged.slice(0, at) + digit + damaged.slice(at + 1));
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
  const isSealing = fields.epochPolicy === EPOCH_POLICY_SEAL;
  if (names.join() !== (isSealing ? SEALING_FIELD_NAMES : FIELD_NAMES).join()) return `the fields ${names.join(', ').slice(0, 200)}`;
  if (fields.format !== FORMAT) return 'another format';
  if (!isSealing && fields.epochPolicy !== EPOCH_POLICY_NONE) return 'an epoch policy that this version does not know';
  if (hexOf(fields.ledgerId, LEDGER_ID_BYTES) === undefined) return 'a ledger id that is not 32 hex digits';
  if (hexOf(fields.keyCommitment, HMAC_KEY_BYTES) === undefined) return 'a key commitment that is not 64 hex digits';
  if (canonicalJson(fields.parameters ?? null) !== PARAMETERS) return 'other parameters';
  const key = tryVerifierKey(fields.publicKey);
  if (key === undefined) return 'a public key that is no verifier key';
  if (fields.origin !== key.name) return 'an origin that is not the name of its key';
  if (!isSealing || tryVerifierKey(fields.epochKey)?.name === epochKeyName(key.name, 0)) return undefined;
  return 'an epochKey that is not the verifier key of epoch 0';
}

/** A whole genesis payload that just names no HMAC key: the protection that every ledger is born with is gone. */
export function isUnkeyed(payload: Json): boolean {
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return false;
  const names = Object.keys(payload).join();
  return [FIELD_NAMES, SEALING_FIELD_NAMES].some((fields) => fields.filter((name) => name !== 'keyCommitment').join() === names);
}

function unquote(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}

function hexOf(value: Json | undefined, bytes: number): Uint8Array | undefined {
  const isPlain = typeof value === 'string' && value.length === bytes * 2 && /^[0-9a-f]*$/.test(value);
  return isPlain ? fromHex(value) : undefined;
}

/** The verifier key, if the text is one and nothing else. */
export function tryVerifierKey(text: Json | undefined): VerifierKey | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const key = parseVerifierKey(nodeHashes, text);
    return text === text.trim() ? key : undefined;
  } catch {
    return undefined;
  }
}
