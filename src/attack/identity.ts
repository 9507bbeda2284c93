import { fromHex } from '../kernel/bytes.ts';
import { EPOCH_POLICY_NONE } from '../kernel/epoch.ts';
import { parseLeaf } from '../kernel/leaf.ts';
import { AttackError } from './attack-error.ts';

/** What the genesis leaf says. */
export interface Identity {
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  /** Verifier key text. */
  readonly publicKey: string;
  /** False in ledgers that were made before sealing existed. */
  readonly isSealing: boolean;
}

export function readIdentity(genesis: Buffer): Identity {
  try {
    const payload = JSON.parse(Buffer.from(parseLeaf(genesis).payload).toString('utf8')) as Record<string, unknown>;
    const { ledgerId, origin, publicKey, epochPolicy } = payload;
    const id = typeof ledgerId === 'string' ? fromHex(ledgerId) : undefined;
    if (id !== undefined && typeof origin === 'string' && typeof publicKey === 'string') {
      return { ledgerId: id, origin, publicKey, isSealing: epochPolicy !== EPOCH_POLICY_NONE };
    }
  } catch (cause) {
    throw new AttackError('not-a-ledger', 'the genesis leaf cannot be read', { cause });
  }
  throw new AttackError('not-a-ledger', 'the genesis leaf names no ledger');
}
