import { createDeflateRaw, type DeflateRaw } from 'node:zlib';
import { once } from 'node:events';
import { fromUtf8 } from '../kernel/bytes.ts';
import { assertInvariant } from '../kernel/errors.ts';
import { leafHash } from '../kernel/hashes.ts';
import { LEAF_TYPES, leafTypeName, type Leaf } from '../kernel/leaf.ts';
import { isLevel } from '../kernel/levels.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import { BUNDLE_BYTES_MAX, formatLeafLine, formatLeafType, type Counts } from './format.ts';

/**
 * Entries stand in a bundle twice (events.ndjson and the timeline, whose base64 deflates back to about its own size), so when the
 * lines alone deflate to more than half of the cap the bundle cannot fit.
 */
const DEFLATED_BYTES_MAX = BUNDLE_BYTES_MAX / 2;
/** Bounds memory where entries deflate extremely well; leaves room for the timeline below UNCOMPRESSED_BYTES_MAX. */
const RAW_BYTES_MAX = 64 * 1024 * 1024;
/** Lines handed to the deflater at once. */
const CHUNK_CHARS = 256 * 1024;

export interface CollectedEntries {
  readonly ndjson: string;
  readonly counts: Counts;
}

/** Where reading stopped because no bundle can hold more. */
export interface Overflow {
  readonly entriesRead: number;
}

/** Lines of the leaves [first, end), or where they became too many. Memory is bounded by RAW_BYTES_MAX. */
export async function collectEntries(ledger: LedgerReader, first: number, end: number): Promise<CollectedEntries | Overflow> {
  const meter = new DeflateMeter();
  const [levels, types]: Record<string, number>[] = [{}, {}];
  const chunks: string[] = [];
  let chunk = '';
  let rawBytes = 0;
  let seq = first;
  try {
    for await (const leaf of ledger.leaves(first, end)) {
      assertInvariant(leaf.seq === seq, `the ledger gave leaf ${leaf.seq} in place of ${seq}`);
      chunk += `${toLine(leaf)}\n`;
      count(leaf, levels, types);
      seq++;
      if (chunk.length < CHUNK_CHARS && seq < end) continue;
      chunks.push(chunk);
      rawBytes += Buffer.byteLength(chunk);
      if (rawBytes > RAW_BYTES_MAX || (await meter.add(chunk)) > DEFLATED_BYTES_MAX) return { entriesRead: seq - first };
      chunk = '';
    }
  } finally {
    meter.close();
  }
  assertInvariant(seq === Math.max(first, end), `the ledger ended at leaf ${seq} before ${end}`);
  return { ndjson: chunks.join(''), counts: { levels, types } };
}

/** One line of the leaf, without its line end. */
export function toLine(leaf: Leaf): string {
  return formatLeafLine(leaf, leafHash(nodeHashes, leaf.bytes));
}

function count(leaf: Leaf, levels: Record<string, number>, types: Record<string, number>): void {
  const label = formatLeafType(leaf.type);
  types[label] = (types[label] ?? 0) + 1;
  if (leafTypeName(leaf.type) === undefined) return;
  // Every payload is parsed: a line with another text than canonical JSON in it would not be one JSON object.
  const payload: unknown = JSON.parse(fromUtf8(leaf.payload));
  if (leaf.type !== LEAF_TYPES.event) return;
  const level = typeof payload === 'object' && payload !== null && 'level' in payload && isLevel(payload.level) ? payload.level : 'none';
  levels[level] = (levels[level] ?? 0) + 1;
}

/** Counts what a text deflates to, without keeping it. */
class DeflateMeter {
  readonly #deflate: DeflateRaw = createDeflateRaw({ level: 9 });
  #bytes = 0;

  constructor() {
    this.#deflate.on('data', (data: Buffer) => (this.#bytes += data.length));
  }

  /** Bytes that certainly came out so far; zlib still holds a little back. */
  async add(text: string): Promise<number> {
    if (!this.#deflate.write(text)) await once(this.#deflate, 'drain');
    return this.#bytes;
  }

  close(): void {
    this.#deflate.destroy();
  }
}
