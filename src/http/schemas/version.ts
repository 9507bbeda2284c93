import { Type } from 'typebox';
import { ARTIFACT_NAME, TEXT_CHARS_MAX, type ArtifactSummary, type VersionRecord } from '../../versions/ports.ts';
import { toEtag } from '../version-etag.ts';

/** A day: who has not looked after a change by then does not wait for it. */
export const CONFIRM_S_MAX = 86_400;
const SAFE = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };

export const Name = Type.String({ pattern: ARTIFACT_NAME.source, description: 'Name of the artifact.' });
export const Version = Type.Integer(SAFE);
export const NameParams = Type.Object({ name: Name });
export const VersionParams = Type.Object({ name: Name, version: Version });

export const Record = Type.Object(
  {
    version: Type.Integer({ description: 'Versions count from 1 without gaps.' }),
    sha256: Type.String({ description: 'Of the content, hex.' }),
    bytes: Type.Integer(),
    etag: Type.String({ description: 'For If-Match.' }),
    at: Type.String({ description: 'RFC 3339, time of the server.' }),
    cause: Type.Enum(['put', 'rollback', 'revert']),
    kind: Type.Enum(['splice', 'xor', 'full'], { description: 'What is kept of it: a patch, or the whole content.' }),
    patchBytes: Type.Integer({ description: 'Of the patch from the version before; 0 for `full`.' }),
    actor: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    restores: Type.Optional(Type.Integer({ description: 'The version whose content was put back.' })),
  },
  { title: 'Version' },
);

const Holding = Type.Object({ reason: Type.String(), since: Type.String(), actor: Type.Optional(Type.String()) });

const ARTIFACT_FIELDS = {
  name: Type.String(),
  head: Record,
  oldest: Type.Integer({ description: 'Of versions below only the records are left.' }),
  hold: Type.Optional(Holding),
  legalHold: Type.Optional(Holding),
  pins: Type.Array(Type.Integer()),
  confirm: Type.Optional(
    Type.Object({ before: Type.String(), revertsTo: Type.Integer() }, { description: 'While the head waits to be confirmed.' }),
  ),
};

export const Artifact = Type.Object(ARTIFACT_FIELDS, { title: 'Artifact' });

export const History = Type.Object({
  ...ARTIFACT_FIELDS,
  versions: Type.Array(Record, { description: 'Newest first.' }),
  next: Type.Union([Type.Integer(), Type.Null()], { description: '`before` of the next page.' }),
});

const Side = { version: Type.Integer(), sha256: Type.String() };

export const Plan = Type.Object(
  {
    from: Type.Object(Side),
    to: Type.Object({ ...Side, bytes: Type.Integer() }),
    steps: Type.Integer({ description: 'Versions whose changes are taken back.' }),
    record: Type.Optional(Record),
  },
  { title: 'Rollback', description: 'What a rollback has done, or would do.' },
);

export const Diff = Type.Object(
  {
    from: Record,
    to: Record,
    format: Type.Enum(['json', 'text', 'binary']),
    isCapped: Type.Boolean({ description: 'More differs than is listed.' }),
    changes: Type.Optional(
      Type.Array(
        Type.Object({
          op: Type.Enum(['add', 'remove', 'replace']),
          path: Type.String({ description: 'JSON Pointer (RFC 6901).' }),
          old: Type.Optional(Type.Unknown()),
          new: Type.Optional(Type.Unknown()),
        }),
      ),
    ),
    unified: Type.Optional(Type.String({ description: 'Unified diff.' })),
    ranges: Type.Optional(
      Type.Array(Type.Object({ oldAt: Type.Integer(), oldBytes: Type.Integer(), newAt: Type.Integer(), newBytes: Type.Integer() })),
    ),
  },
  { title: 'Diff' },
);

export const Verified = Type.Object({
  name: Type.String(),
  versions: Type.Integer(),
  checked: Type.Integer({ description: 'Versions whose content was made and hashed.' }),
  damages: Type.Array(Type.Object({ place: Type.String(), what: Type.String() })),
});

const Text = Type.String({ maxLength: TEXT_CHARS_MAX });

/** Who and why, in the body of a change. */
export const CallerBody = Type.Object({ actor: Type.Optional(Text), reason: Type.Optional(Text) }, { additionalProperties: false });

export const RollbackBody = Type.Object(
  {
    to: Type.Union([Version, Type.String({ maxLength: 64 })], {
      description: 'A version; or a time (RFC 3339, or "2h" ago): the version that was the head then.',
    }),
    reason: Type.Optional({ ...Text, description: 'Mandatory, here or in X-Reason.' }),
    actor: Type.Optional(Text),
    dryRun: Type.Optional(Type.Boolean({ description: 'Stores nothing, and says what would be done.' })),
    hold: Type.Optional(Type.Boolean({ description: 'Refuses later changes by PUT until the hold is released.' })),
    confirmWithinS: Type.Optional(Type.Integer({ minimum: 1, maximum: CONFIRM_S_MAX })),
  },
  { additionalProperties: false },
);

/** As they are answered. */
export function toRecordAnswer(record: VersionRecord): VersionRecord & { readonly etag: string } {
  return { ...record, etag: toEtag(record) };
}

export function toArtifactAnswer(summary: ArtifactSummary): object {
  return { ...summary, head: toRecordAnswer(summary.head) };
}
