import { fromHex, fromUtf8, toHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES, keyCommitment, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import type { Json } from '../kernel/canonical-json.ts';
import { EPOCH_POLICY_NONE, EPOCH_POLICY_SEAL } from '../kernel/epoch.ts';
import { LEAF_TYPES, SEGMENT_BYTES_TARGET, SEGMENT_LEAVES_MAX, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey, parseVerifierKey } from '../kernel/note.ts';
import type { EpochKeys } from './epoch-keys.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerIdentity } from './ports.ts';

const LEDGER_FORMAT = 'post-incident-proofs/ledger/v1';

/** What the first leaf says. */
export interface Genesis extends LedgerIdentity {
  /** Of the root key the ledger was made with. */
  readonly keyCommitment: Uint8Array;
  /** False for ledgers made before sealing existed; a config leaf may begin it later. */
  readonly isSealing: boolean;
}

export function genesisPayload(identity: LedgerIdentity, keys: EpochKeys): Json {
  return {
    epochKey: keys.signer(identity).verifierKey,
    epochPolicy: EPOCH_POLICY_SEAL,
    format: LEDGER_FORMAT,
    keyCommitment: toHex(keyCommitment(nodeHashes, keys.macKey, identity.ledgerId)),
    ledgerId: toHex(identity.ledgerId),
    origin: identity.origin,
    parameters: { segmentBytes: SEGMENT_BYTES_TARGET, segmentLeaves: SEGMENT_LEAVES_MAX },
    publicKey: identity.verifierKey,
  };
}

/** Genesis leaf → identity. Its MAC is checked by the scan, with the ledger id found here; throws LedgerError `tampered`. */
export function parseGenesis(leaf: Leaf): Genesis {
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
  const policy = field('epochPolicy');
  if (policy !== EPOCH_POLICY_SEAL && policy !== EPOCH_POLICY_NONE) faults.push(`the epoch policy "${policy}" is unknown`);
  const identity = { origin: field('origin'), verifierKey: field('publicKey') };
  if (faults.length > 0 || ledgerId === undefined || commitment === undefined)
    throw new LedgerError('tampered', `the genesis leaf is damaged: ${faults.join('; ')}`);
  return { ...identity, ledgerId, keyCommitment: commitment, isSealing: policy === EPOCH_POLICY_SEAL };
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

/**
 * Refuses keys that did not write this ledger, before they are used for anything. The genesis commits to the root key, so it tells only
 * as long as epoch 0 runs; later the last seal does (epoch-follower.ts).
 */
export function assertOwnKeys(genesis: Genesis, keys: LedgerKeys): void {
  const faults: string[] = [];
  if (keys.epoch.epoch === 0 && !keys.epoch.isCommittedBy(genesis.keyCommitment, genesis.ledgerId))
    faults.push('epoch.key is not the key this ledger was made with');
  if (formatVerifierKey(nodeHashes, genesis.origin, keys.publicKey) !== genesis.verifierKey)
    faults.push('log.key is not the key this ledger was made with');
  if (faults.length > 0) throw new LedgerError('key-mismatch', faults.join('; '));
  parseVerifierKey(nodeHashes, genesis.verifierKey);
}
