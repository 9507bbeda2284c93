/**
 * Where archives (and later bundles) go: a folder or an S3-compatible store. Keys are relative paths of letters, digits, `.`, `_`
 * and `-` whose parts neither are empty nor begin with a dot, and no key is a folder of another. Both stores pass
 * test/support/object-store-laws.ts. Nothing read from one is believed unchecked.
 */
export interface ObjectStore {
  /** For messages: where it is, without credentials. */
  readonly location: string;
  /** Durable and readable under the key when it resolves; replaces what was there, never leaves half of it. */
  put(key: string, content: Uint8Array, options?: { readonly contentType?: string }): Promise<void>;
  /** Content, at most `bytesMax` bytes (larger objects are an error); undefined when there is none. */
  get(key: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Keys with the prefix, ascending; throws when there are more than `keysMax`. */
  list(prefix: string, keysMax: number): Promise<string[]>;
  remove(key: string): Promise<void>;
}
