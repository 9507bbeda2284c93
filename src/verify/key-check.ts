import { equalBytes } from '../kernel/bytes.ts';
import { ed25519FromSeed, rawPublicKey } from '../kernel/ed25519.ts';
import { epochKeyName, epochSigningSeed } from '../kernel/epoch.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey } from '../kernel/note.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from './chain-keys.ts';
import type { Finding } from './finding.ts';
import type { HeadContext } from './head-check.ts';
import { isSlotOf, type Watermark } from './watermark-slots.ts';

/** Where the running sidecar keeps its epoch key. */
export const EPOCH_KEY_FILE = 'keys/epoch.key';

/**
 * Without the root key the watermark is what tells an epoch.key whose K was changed: a slot of its epoch that it did not make. The
 * epoch's leaves cannot, as there may be none.
 */
export function isDisprovedByWatermark({ slots }: Watermark, { epoch, key }: EpochKeyCandidate): boolean {
  const own = slots.filter((slot) => slot.epoch === epoch);
  return own.length > 0 && !own.some((slot) => isSlotOf(slot, key));
}

/** The file epoch.key says where the ledger ended when it was written: never beyond the ledger's end, one epoch before it at most. */
export function checkOwnEpochKey(context: HeadContext, own: EpochKeyCandidate, isWriterAtWork: boolean): void {
  const { walk, findings } = context;
  const mismatch = (expected: string, found: string): void =>
    findings.add({ verdict: 'KEY_MISMATCH', place: { file: EPOCH_KEY_FILE }, expected, found });
  const fault = epochKeyFault(context, own);
  const { min, max } = walk.state.epoch;
  if (fault !== undefined) mismatch(fault.expected, fault.found);
  else if (own.epoch > max) {
    const place = { file: 'ledger/segments', seqFirst: walk.size };
    const expected = `leaves up to epoch ${own.epoch}, whose key was in use`;
    findings.add({ verdict: 'TRUNCATED', place, expected, found: `the end in epoch ${max}` });
  } else if (own.epoch < min - 1 && !isWriterAtWork) mismatch(`the key of epoch ${min} or of the one before`, `that of epoch ${own.epoch}`);
}

/** The first thing about an epoch's secrets that the ledger contradicts. */
function epochKeyFault({ inputs, walk, keys }: HeadContext, own: EpochKeyCandidate): Pick<Finding, 'expected' | 'found'> | undefined {
  const derived = keys.keyOf(own.epoch);
  if (derived !== undefined && !equalBytes(derived, own.key)) {
    return { expected: `the key of epoch ${own.epoch} as it descends from the root key`, found: 'another' };
  }
  const stated = walk.epochKeys.get(own.epoch);
  if (stated === undefined || inputs.ledgerId === undefined) return undefined;
  const publicKey = rawPublicKey(ed25519FromSeed(epochSigningSeed(nodeHashes, own.seed, inputs.ledgerId, own.epoch)));
  const name = stated.slice(0, stated.indexOf('+'));
  if (name.endsWith(epochKeyName('', own.epoch)) && formatVerifierKey(nodeHashes, name, publicKey) === stated) return undefined;
  return { expected: `the seed of the signing key that the ledger states for epoch ${own.epoch}`, found: 'another' };
}

/** Root keys that were given and are none of this ledger's lineages; of several, one that fits is enough. */
export function checkRootKeys({ inputs, keys, findings }: HeadContext, roots: readonly HmacKeyCandidate[]): void {
  if (inputs.genesis.keyCommitment === undefined || roots.some(({ label }) => keys.used.has(label))) return;
  for (const { label } of roots) {
    const place = { file: 'ledger/segments', seqFirst: 0, seqLast: 0 };
    const expected = 'the root key that the genesis leaf or a rotation commits to';
    findings.add({ verdict: 'KEY_MISMATCH', place, expected, found: `the key in "${label}"` });
  }
}
