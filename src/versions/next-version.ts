import { heldByStep, type Artifact } from './artifact.ts';
import type { Head } from './head-file.ts';
import { formatLine, hashLine, NO_LINE, type IndexedRecord } from './index-file.ts';
import type { ContentId } from './patch.ts';
import type { BodyKind, Caller, Cause } from './ports.ts';

/** A version is made of this many patches at most … */
const CHAIN_STEPS_MAX = 32;
/** … and of no more bytes of patches than this share of its own size: then the whole content beside them is kept. */
const CHAIN_SHARE_MAX = 0.5;

/** What becomes the next version. */
export interface NewVersion extends ContentId, Caller {
  readonly name: string;
  readonly cause: Cause;
  readonly kind: BodyKind;
  readonly patch?: ContentId | undefined;
  readonly restores?: number | undefined;
  readonly request?: IndexedRecord['request'];
  readonly confirmWithinS?: number | undefined;
  /** Refuses later PUTs. */
  readonly hold?: boolean;
}

export interface NextVersion {
  readonly after: Artifact;
  readonly line: string;
  readonly holds: string[];
  readonly releases: string[];
}

/** The artifact with one more version, and what it then needs more and less. `keep`: versions whose contents retention leaves, at least 2. */
export function nextVersion(before: Artifact | undefined, made: NewVersion, nowMs: number, keep: number | undefined): NextVersion {
  const version = (before?.head.version ?? 0) + 1;
  const record = toIndexed(before, made, version, nowMs);
  const line = formatLine(record);
  const records = [...(before?.records ?? []), record];
  const confirm = confirmation(before, made, nowMs);
  const oldest = before === undefined ? 1 : oldestOf(before.head, version, confirm?.revertsTo, keep);
  const since = record.at;
  const hold = made.hold === true ? { reason: made.reason ?? '', since, ...some('actor', made.actor) } : before?.head.hold;
  const head: Head = {
    format: 1,
    name: made.name,
    version,
    sha256: made.sha256,
    bytes: made.bytes,
    indexBytes: (before?.head.indexBytes ?? 0) + Buffer.byteLength(line),
    line: hashLine(line),
    oldest,
    pins: before?.head.pins ?? [],
    ...some('hold', hold),
    ...some('legalHold', before?.head.legalHold),
    ...some('confirm', confirm),
  };
  const after = { head, records };
  const releases = before === undefined ? [] : [before.head.sha256];
  for (let gone = (before?.head.oldest ?? 1) + 1; gone <= oldest; gone++) releases.push(...heldByStep(after, gone));
  return { after, line, holds: [made.sha256, ...heldByStep(after, version)], releases };
}

function toIndexed(before: Artifact | undefined, made: NewVersion, version: number, nowMs: number): IndexedRecord {
  const last = before?.records.at(-1);
  // A clock that was set back does not put versions out of their order.
  const atMs = Math.max(nowMs, last === undefined ? 0 : Date.parse(last.at));
  return {
    version,
    at: new Date(atMs).toISOString(),
    cause: made.cause,
    kind: made.kind,
    sha256: made.sha256,
    bytes: made.bytes,
    patchBytes: made.patch?.bytes ?? 0,
    keepsPrevious: before !== undefined && keepsPrevious(before, made.patch),
    previous: before?.head.line ?? NO_LINE,
    ...some('actor', made.actor),
    ...some('reason', made.reason),
    ...some('restores', made.restores),
    ...some('patch', made.patch?.sha256),
    ...some('request', made.request),
  };
}

function keepsPrevious({ head, records }: Artifact, patch: ContentId | undefined): boolean {
  if (patch === undefined) return true;
  let steps = 1;
  let bytes = patch.bytes;
  for (let at = records.length - 1; at >= 0 && records[at].patch !== undefined && !records[at].keepsPrevious; at--) {
    steps++;
    bytes += records[at].patchBytes;
  }
  return steps > CHAIN_STEPS_MAX || bytes > head.bytes * CHAIN_SHARE_MAX;
}

/** A version that is put while another one waits to be confirmed takes its place, and reverts to where that one would have. */
function confirmation(before: Artifact | undefined, { confirmWithinS }: NewVersion, nowMs: number): Head['confirm'] {
  if (before === undefined || confirmWithinS === undefined) return undefined;
  const revertsTo = before.head.confirm?.revertsTo ?? before.head.version;
  return { before: new Date(nowMs + confirmWithinS * 1000).toISOString(), revertsTo };
}

function oldestOf(head: Head, version: number, revertsTo: number | undefined, keep: number | undefined): number {
  if (keep === undefined || head.legalHold !== undefined) return head.oldest;
  return Math.max(head.oldest, Math.min(version - keep + 1, revertsTo ?? version));
}

/** `{[key]: value}`, or nothing where there is no value. */
export function some<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V };
}
