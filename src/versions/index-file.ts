import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256 } from './head-file.ts';
import type { VersionRecord } from './ports.ts';
import { VersionsError } from './versions-error.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0 });

/** One version as the index keeps it. The lines are a chain: each names the hash of the one before. */
const IndexedRecord = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  at: Type.String(),
  cause: Type.Enum(['put', 'rollback', 'revert']),
  kind: Type.Enum(['splice', 'xor', 'full']),
  sha256: Hash,
  bytes: Count,
  patchBytes: Count,
  actor: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  restores: Type.Optional(Type.Integer({ minimum: 1 })),
  /** SHA-256 of the patch file; absent for `full`. */
  patch: Type.Optional(Hash),
  /** The whole content of the version before is kept too: there is no patch to it, or the way to the next whole content would be long. */
  keepsPrevious: Type.Boolean(),
  /** SHA-256 of the Idempotency-Key, and of the request that came with it. */
  request: Type.Optional(Type.Object({ key: Hash, digest: Hash })),
  /** SHA-256 of the line before; of nothing for the first. */
  previous: Hash,
});
export type IndexedRecord = Static<typeof IndexedRecord>;

export const NO_LINE = sha256('');

export function formatLine(record: IndexedRecord): string {
  return `${canonicalJson(record)}\n`;
}

export function hashLine(line: string): string {
  return sha256(line);
}

/** All versions, first to last, of an index whose last line has the hash `line`. Throws VersionsError `version-damaged` and names the line. */
export function parseIndex(text: string, line: string): IndexedRecord[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new VersionsError('version-damaged', `line ${lines.length + 1} ends too early`);
  const hashes = lines.map((each) => hashLine(`${each}\n`));
  const records = lines.map((each, i) => parseLine(each, i + 1));
  records.forEach(({ previous }, i) => {
    if (previous !== (hashes[i - 1] ?? NO_LINE))
      throw new VersionsError('version-damaged', `line ${i} is not the one that line ${i + 1} follows`);
  });
  if (hashes.at(-1) !== line) throw new VersionsError('version-damaged', `line ${lines.length} is not the one that the head names`);
  return records;
}

function parseLine(line: string, version: number): IndexedRecord {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (cause) {
    throw new VersionsError('version-damaged', `line ${version} is no JSON`, { cause });
  }
  if (!Value.Check(IndexedRecord, record) || record.version !== version || !isSound(record))
    throw new VersionsError('version-damaged', `line ${version} is not the record of version ${version}`);
  return record;
}

function isSound({ version, at, kind, patch, keepsPrevious, restores }: IndexedRecord): boolean {
  if (Number.isNaN(Date.parse(at)) || (restores !== undefined && restores >= version)) return false;
  // Before the first version there is nothing to keep; before one without a patch there is no other way.
  return kind === 'full' ? patch === undefined && keepsPrevious === version > 1 : patch !== undefined && version > 1;
}

/** Without what concerns the files alone. */
export function toRecord({
  patch: _patch,
  keepsPrevious: _keeps,
  request: _request,
  previous: _previous,
  ...record
}: IndexedRecord): VersionRecord {
  return record;
}
