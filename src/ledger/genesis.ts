import { equalBytes, fromHex, fromUtf8, toHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES, keyCommitment, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import type { Json } from '../kernel/canonical-json.ts';
import { LEAF_TYPES, SEGMENT_BYTES_TARGET, SEGMENT_LEAVES_MAX, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey, parseVerifierKey } from '../kernel/note.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerIdentity } from './ports.ts';

const LEDGER_FORMAT = 'post-incident-proofs/ledger/v1';

export function genesisPayload(identity: LedgerIdentity, hmacKey: Uint8Array): Json {
  return {
    epochPolicy: 'none',
    format: LEDGER_FORMAT,
    keyCommitment: toHex(keyCommitment(nodeHashes, hmacKey, identity.ledgerId)),
    ledgerId: toHex(identity.ledgerId),
    origin: identity.origin,
    parameters: { segmentBytes: SEGMENT_BYTES_TARGET, segmentLeaves: SEGMENT_LEAVES_MAX },
    publicKey: identity.verifierKey,
  };
}

/** Genesis leaf → identity. Its MAC is checked by the scan, with the ledger id found here; throws LedgerError `tampered`. */
export function parseGenesis(leaf: Leaf): LedgerIdentity & { readonly keyCommitment: Uint8Array } {
  const faults: string[] = [];
  if (leaf.seq !== 0 || leaf.type !== LEAF_TYPES.genesis) throw new LedgerError('tampered', 'entry 0 is not a genesis leaf');
  const payload = parsePayload(leaf);
  const field = (name: string): string => {
    const value = payload[name];
    if (typeof value !== 'string') faults.push(`"${name}" is missing`);
    return typeof value === 'string' ? value : '';
  };
  const ledgerId = fromHex(field('ledgerId'));
  const commitment = fromHex(field('keyCommitment'));
  if (field('format') !== LEDGER_FORMAT) faults.push(`the format is not "${LEDGER_FORMAT}"`);
  if (ledgerId?.length !== LEDGER_ID_BYTES) faults.push('the ledger id is not 16 bytes of hex');
  if (commitment?.length !== HMAC_KEY_BYTES) faults.push('the key commitment is not 32 bytes of hex');
  const identity = { origin: field('origin'), verifierKey: field('publicKey') };
  if (faults.length > 0 || ledgerId === undefined || commitment === undefined)
    throw new LedgerError('tampered', `the genesis leaf is damaged: ${faults.join('; ')}`);
  return { ...identity, ledgerId, keyCommitment: commitment };
}

function parsePayload(leaf: Leaf): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(leaf.payload));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new LedgerError('tampered', 'the genesis leaf is not JSON', { cause });
  }
  throw new LedgerError('tampered', 'the genesis leaf is not a JSON object');
}

/** Refuses keys that did not write this ledger, before they are used for anything. */
export function assertOwnKeys(genesis: ReturnType<typeof parseGenesis>, keys: LedgerKeys): void {
  const faults: string[] = [];
  if (!equalBytes(keyCommitment(nodeHashes, keys.hmacKey, genesis.ledgerId), genesis.keyCommitment))
    faults.push('hmac.key is not the key this ledger was made with');
  if (formatVerifierKey(nodeHashes, genesis.origin, keys.publicKey) !== genesis.verifierKey)
    faults.push('log.key is not the key this ledger was made with');
  if (faults.length > 0) throw new LedgerError('key-mismatch', faults.join('; '));
  parseVerifierKey(nodeHashes, genesis.verifierKey);
}
