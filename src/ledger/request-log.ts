/** Keys remembered for retries: at 200 keyed batches a second 40 minutes; about 160 bytes each. */
const REQUESTS_REMEMBERED_MAX = 500_000;
/** 128 bits of each digest tell requests apart as surely as all 256, in half the memory. */
const DIGEST_BYTES = 16;

/** A request that carried an Idempotency-Key, as found in its first leaf. */
export interface RememberedRequest {
  /** Beginning of SHA-256 of the key, as a latin1 string. */
  readonly keyDigest: string;
  /** Beginning of SHA-256 of mode and body, as a latin1 string. */
  readonly bodyDigest: string;
  readonly first: number;
  readonly last: number;
}

/** Splits a request tag of docs/formats/ledger.md. */
export function splitRequestTag(tag: Uint8Array): { keyDigest: string; bodyDigest: string } {
  const bytes = Buffer.from(tag.buffer, tag.byteOffset, tag.length);
  return { keyDigest: bytes.toString('latin1', 0, DIGEST_BYTES), bodyDigest: bytes.toString('latin1', 32, 32 + DIGEST_BYTES) };
}

/** Rebuilds the idempotency table from the ledger: it is never stored anywhere else. */
export class RequestLog {
  #requests: RememberedRequest[] = [];
  #open: { readonly tag: Uint8Array; readonly first: number } | undefined;

  leaf(seq: number, tag: Uint8Array | undefined, isLast: boolean): void {
    if (tag !== undefined) this.#open = { tag: Uint8Array.from(tag), first: seq };
    if (!isLast || this.#open === undefined) return;
    this.#push({ ...splitRequestTag(this.#open.tag), first: this.#open.first, last: seq });
    this.#open = undefined;
  }

  /** Takes over what an index says of a segment that is not walked. */
  adopt(requests: readonly RememberedRequest[]): void {
    for (const request of requests) this.#push(request);
  }

  /** A keyed request that began before the first leaf walked. */
  resume(open: { readonly tag: Uint8Array; readonly first: number } | undefined): void {
    this.#open = open;
  }

  /** Forgets requests that were cut off. */
  cut(size: number): void {
    this.#requests = this.#requests.filter((request) => request.last < size);
  }

  list(): RememberedRequest[] {
    return this.#requests.slice(-REQUESTS_REMEMBERED_MAX);
  }

  #push(request: RememberedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length >= 2 * REQUESTS_REMEMBERED_MAX) this.#requests = this.#requests.slice(-REQUESTS_REMEMBERED_MAX);
  }
}

/** What is known of an Idempotency-Key: insertion order is age, the oldest is forgotten first. */
export class RequestMemory {
  readonly #byKey = new Map<string, RememberedRequest>();

  remember(request: RememberedRequest): void {
    this.#byKey.set(request.keyDigest, request);
    if (this.#byKey.size <= REQUESTS_REMEMBERED_MAX) return;
    const oldest = this.#byKey.keys().next();
    if (!oldest.done) this.#byKey.delete(oldest.value);
  }

  recall(keyDigest: string): RememberedRequest | undefined {
    return this.#byKey.get(keyDigest);
  }

  forget(keyDigest: string): void {
    this.#byKey.delete(keyDigest);
  }
}
