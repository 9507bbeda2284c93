/** A version as ETags name it. */
export interface EtagParts {
  readonly version: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

const ETAG = /^"([1-9]\d{0,15})-([0-9a-f]{64})"$/;
/** RFC 9110, section 8.8.3: an entity tag in a list, weak or strong. */
const LISTED = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

export function toEtag({ version, sha256 }: EtagParts): string {
  return `"${version}-${sha256}"`;
}

/** Undefined for anything but one ETag of a version: lists, weak ones and `*` do not say which bytes a change is based on. */
export function parseEtag(text: string): EtagParts | undefined {
  const match = ETAG.exec(text);
  const version = Number(match?.[1]);
  return match === null || !Number.isSafeInteger(version) ? undefined : { version, sha256: match[2] };
}

/** If-None-Match: does the list name `etag`, or everything. Weak comparison (RFC 9110, section 13.1.2). */
export function isListed(etag: string, list: string): boolean {
  return list.trim() === '*' || tagsOf(list).some((each) => each.replace(/^W\//, '') === etag);
}

/** If-Match on a read: the same, but a weak tag is none (section 13.1.1). */
export function isListedStrongly(etag: string, list: string): boolean {
  return list.trim() === '*' || tagsOf(list).includes(etag);
}

function tagsOf(list: string): readonly string[] {
  return list.match(LISTED) ?? [];
}
