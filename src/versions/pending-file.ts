import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Asked } from './audit.ts';
import { TEXT_CHARS_MAX } from './ports.ts';

/** An attempt is a UUID. */
const ATTEMPT_CHARS_MAX = 64;

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Text = Type.String({ maxLength: TEXT_CHARS_MAX });
const Version = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const exactly = { additionalProperties: false };

/** As strict as whoever verifies the ledger: what a pending says becomes an entry there, and nobody takes that back. */
const Pending = Type.Object(
  {
    attempt: Type.String({ maxLength: ATTEMPT_CHARS_MAX }),
    /** SHA-256 of the head file that the change leaves. */
    head: Hash,
    asked: Type.Object(
      {
        action: Type.Enum(['put', 'rollback', 'revert', 'confirm', 'hold', 'release', 'legal-hold', 'legal-release', 'pin', 'unpin']),
        name: Type.String(),
        actor: Type.Optional(Text),
        reason: Type.Optional(Text),
        from: Type.Optional(Type.Object({ version: Version, sha256: Hash }, exactly)),
        to: Type.Optional(Type.Object({ version: Type.Optional(Version), sha256: Hash, bytes: Type.Optional(Bytes) }, exactly)),
        restores: Type.Optional(Version),
      },
      exactly,
    ),
  },
  exactly,
);

/** A change that is under way. */
export interface Pending {
  readonly attempt: string;
  /** SHA-256 of the head file that it leaves. */
  readonly head: string;
  readonly asked: Asked;
}

export function formatPending(pending: Pending): string {
  return JSON.stringify(pending);
}

/** Undefined for what we did not write: nobody's change was attempted under it. */
export function parsePending(text: string, name: string): Pending | undefined {
  try {
    const pending: unknown = JSON.parse(text);
    return Value.Check(Pending, pending) && pending.asked.name === name ? pending : undefined;
  } catch {
    return undefined;
  }
}
