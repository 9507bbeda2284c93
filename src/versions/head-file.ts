import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { VersionsError } from './versions-error.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0 });
const Held = Type.Object({ reason: Type.String(), since: Type.String(), actor: Type.Optional(Type.String()) });

/** What an artifact is at the moment. The file is replaced in one step, and that is what changes a head. */
const Head = Type.Object({
  format: Type.Literal(1),
  name: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  sha256: Hash,
  bytes: Count,
  /** Bytes of the index that count; what stands behind them is of a change that did not happen. */
  indexBytes: Count,
  /** SHA-256 of the last line of the index. */
  line: Hash,
  oldest: Type.Integer({ minimum: 1 }),
  hold: Type.Optional(Held),
  legalHold: Type.Optional(Held),
  pins: Type.Array(Type.Object({ version: Type.Integer({ minimum: 1 }), sha256: Hash })),
  confirm: Type.Optional(Type.Object({ before: Type.String(), revertsTo: Type.Integer({ minimum: 1 }) })),
});
export type Head = Static<typeof Head>;

/** One line of JSON, and its hash on another. */
export function formatHead(head: Head): string {
  const line = canonicalJson(head);
  return `${line}\n${sha256(line)}\n`;
}

/** Throws VersionsError `version-damaged`. */
export function parseHead(text: string, name: string): Head {
  const [line, check, ...rest] = text.split('\n');
  if (check !== sha256(line) || rest.join('') !== '') throw new VersionsError('version-damaged', 'its hash is not that of its content');
  const head: unknown = JSON.parse(line);
  if (!Value.Check(Head, head) || head.name !== name) throw new VersionsError('version-damaged', `it is not the head of "${name}"`);
  return head;
}

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
