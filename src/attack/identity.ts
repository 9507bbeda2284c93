import { fromHex } from '../kernel/bytes.ts';
import { parseLeaf } from '../kernel/leaf.ts';
import { AttackError } from './attack-error.ts';

/** What the genesis leaf says. */
export interface Identity {
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  /** Verifier key text. */
  readonly publicKey: string;
}

export function readIdentity(genesis: Buffer): Identity {
  try {
    const payload = JSON.parse(Buffer.from(parseLeaf(genesis).payload).toString('utf8')) as Record<string, unknown>;
    const { ledgerId, origin, publicKey } = payload;
    const id = typeof ledgerId === 'string' ? fromHex(ledgerId) : undefined;
    if (id !== undefined && typeof origin === 'string' && typeof publicKey === 'string') return { ledgerId: id, origin, publicKey };
  } catch (cause) {
    throw new AttackError('not-a-ledger', 'the genesis leaf cannot be read', { cause });
  }
  throw new AttackError('not-a-ledger', 'the genesis leaf names no ledger');
}
