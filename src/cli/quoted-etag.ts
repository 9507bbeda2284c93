/** Shells take the quotes of an ETag away. */
export function quoted(etag: string): string {
  return /^".*"$/.test(etag) ? etag : `"${etag}"`;
}
