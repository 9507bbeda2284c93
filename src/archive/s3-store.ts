import { S3Client, S3Errors } from '@bradenmacdonald/s3-lite-client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../kernel/object-store.ts';
import { ArchiveError } from './archive-error.ts';
import { assertObjectKey } from './object-key.ts';

/** A store that says nothing for so long counts as unreachable. Entry bundles have up to 16 MiB: 300 KiB/s suffice. */
const REQUEST_MS_MAX = 60_000;
/** What a server says about an error goes into our log: bounded, and without control characters. */
const REASON_CHARS_MAX = 200;

export interface S3StoreOptions {
  /** For example https://s3.eu-central-1.amazonaws.com or http://127.0.0.1:9000; buckets are addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Stands before every key; empty, or without slashes at its ends. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Below REQUEST_MS_MAX in tests. */
  readonly requestMsMax?: number;
}

/** Objects in an S3-compatible store (AWS Signature Version 4). Trusted with nothing, like every store. */
export class S3Store implements ObjectStore {
  readonly location: string;
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #requestMsMax: number;

  constructor({ endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, requestMsMax = REQUEST_MS_MAX }: S3StoreOptions) {
    this.location = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    this.#client = new S3Client({ endPoint: endpoint, region, bucket, accessKey: accessKeyId, secretKey: secretAccessKey });
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#requestMsMax = requestMsMax;
  }

  async put(key: string, content: Uint8Array, options: { readonly contentType?: string } = {}): Promise<void> {
    assertObjectKey(key);
    const metadata = { 'Content-Type': options.contentType ?? 'application/octet-stream' };
    // The client sends a view of a larger buffer as it is; its types ask for bytes that nobody shares with another thread.
    const bytes = new Uint8Array(content);
    await this.#attempt(`write "${key}"`, () => this.#client.putObject(`${this.#prefix}${key}`, bytes, { metadata }));
  }

  async get(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    assertObjectKey(key);
    return this.#attempt(`read "${key}"`, async () => {
      try {
        return await readBounded(await this.#client.getObject(`${this.#prefix}${key}`), bytesMax, key);
      } catch (error) {
        if (error instanceof S3Errors.ServerError && error.statusCode === 404 && error.code !== 'NoSuchBucket') return undefined;
        throw error;
      }
    });
  }

  async list(prefix: string, keysMax: number): Promise<string[]> {
    return this.#attempt(`list "${prefix}"`, async () => {
      const keys: string[] = [];
      for await (const object of this.#client.listObjects({ prefix: `${this.#prefix}${prefix}`, maxResults: keysMax + 1 })) {
        if (keys.length >= keysMax) throw new ArchiveError('archive-unreachable', `more than ${keysMax} keys begin with "${prefix}"`);
        keys.push(object.key.slice(this.#prefix.length));
      }
      return keys.toSorted();
    });
  }

  async remove(key: string): Promise<void> {
    assertObjectKey(key);
    await this.#attempt(`remove "${key}"`, () => this.#client.deleteObject(`${this.#prefix}${key}`));
  }

  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    const timer = new AbortController();
    const deadline = sleep(this.#requestMsMax, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new ArchiveError('archive-unreachable', `no answer within ${this.#requestMsMax} ms`);
    });
    // When the action wins, the aborted timer rejects with nobody listening.
    deadline.catch(() => undefined);
    try {
      return await Promise.race([action(), deadline]);
    } catch (cause) {
      throw new ArchiveError('archive-unreachable', `could not ${what} in ${this.location}: ${reasonOf(cause)}`, { cause });
    } finally {
      timer.abort();
    }
  }
}

async function readBounded(response: Response, bytesMax: number, key: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body: an object of another size than expected is not loaded.
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > bytesMax) throw new ArchiveError('archive-unreachable', `"${key}" has more than the ${bytesMax} bytes that were expected`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Node's fetch says only "fetch failed"; why stands in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = error instanceof S3Errors.ServerError ? `${error.statusCode} ${error.code}: ` : '';
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${code}${error.message}${inner}`.replace(/\p{Cc}/gu, ' ').slice(0, REASON_CHARS_MAX);
}
