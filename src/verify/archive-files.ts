import { readU16 } from '../kernel/bytes.ts';
import { leafHash } from '../kernel/hashes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, parseSegmentName, segmentName, TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { ObjectStore } from '../kernel/object-store.ts';
import { formatTileIndex } from '../kernel/tile-path.ts';
import type { Finding } from './finding.ts';
import type { LedgerFiles, SegmentEntry, SegmentSource, SmallFile } from './ledger-files.ts';
import { tryParseNote } from './ledger-inputs.ts';
import { TileStack } from './tile-stack.ts';
import { VerifyError } from './verify-error.ts';

const NOTE_BYTES_MAX = 16_384;
const BUNDLE_BYTES_MAX = TILE_WIDTH * (FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);
/** 65,536 segments' worth; a hostile note may state any size. */
const BUNDLES_MAX = 1 << 24;
/** Objects on their way while one is read: a store answers in milliseconds, a bundle is read in one. */
const AHEAD_MAX = 8;

/**
 * An archive in the layout of c2sp.org/tlog-tiles as the files of a ledger: each entry bundle of 256 leaves stands for a segment. What is
 * fetched ahead is all that is held, so memory does not grow with the archive. Everything in the store is hostile until checked.
 */
export class ArchiveFiles implements LedgerFiles {
  readonly isArchive = true;
  readonly location: string;
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #small = new Map<string, Uint8Array>();
  readonly #fetching = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #tiles = new TileStack();
  #bundle: { name: string; content: Uint8Array | undefined } = { name: '', content: undefined };
  #size = 0;

  private constructor(store: ObjectStore, prefix: string) {
    this.location = `${store.location}/${prefix}`;
    this.#store = store;
    this.#prefix = prefix;
  }

  /** `prefix`: empty, or ending with a slash. Reads the small files and the first bundle. */
  static async open(store: ObjectStore, prefix: string): Promise<ArchiveFiles> {
    const files = new ArchiveFiles(store, prefix);
    for (const name of ['checkpoint', 'log.vkey']) {
      const content = await files.#get(name, NOTE_BYTES_MAX);
      if (content !== undefined) files.#small.set(name, content);
    }
    const note = tryParseNote(files.#small.get('checkpoint') ?? new Uint8Array(0));
    files.#size = typeof note === 'string' ? 0 : note.size;
    if (files.#size > BUNDLES_MAX * TILE_WIDTH) throw new VerifyError('unreadable', `the archive states ${files.#size} entries`);
    await files.prepare(segmentName(0));
    return files;
  }

  listSegments(): readonly SegmentEntry[] | undefined {
    if (!this.#small.has('checkpoint')) return undefined;
    const bundles = Math.ceil(this.#size / TILE_WIDTH);
    return Array.from({ length: bundles }, (_, index) => ({ name: segmentName(index * TILE_WIDTH), isRegular: true }));
  }

  /** Path below the archive's prefix, for reports. */
  pathOf(name: string): string {
    return this.#tileKey('entries', (parseSegmentName(name) ?? 0) / TILE_WIDTH, this.#size);
  }

  openSegment(name: string): SegmentSource {
    const content = this.#bundle.name === name ? this.#bundle.content : undefined;
    if (content === undefined) throw new VerifyError('not-a-file', `there is no "${this.pathOf(name)}"`);
    return {
      bytes: content.length,
      read(target, position) {
        const part = content.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
      close: () => undefined,
    };
  }

  readSmall(name: SmallFile): Uint8Array | undefined {
    return this.#small.get(name);
  }

  /** Fetches a bundle, and asks for those after it. */
  async prepare(name: string): Promise<void> {
    const index = (parseSegmentName(name) ?? 0) / TILE_WIDTH;
    const bundles = Math.ceil(this.#size / TILE_WIDTH);
    for (let next = index; next < Math.min(index + AHEAD_MAX, bundles); next++) {
      this.#fetch(this.#tileKey('entries', next, this.#size), BUNDLE_BYTES_MAX);
      this.#fetch(this.#tileKey(0, next, this.#size), TILE_WIDTH * 32);
    }
    this.#bundle = { name, content: await this.#take(this.#tileKey('entries', index, this.#size), BUNDLE_BYTES_MAX) };
  }

  /** Holds the hash tiles to the bundle that was just found sound. */
  async compareTiles(report: (finding: Finding) => void): Promise<void> {
    const content = this.#bundle.content ?? new Uint8Array(0);
    for (let at = 0; at + FRAME_PREFIX_BYTES <= content.length;) {
      const end = at + FRAME_PREFIX_BYTES + readU16(content, at);
      this.#tiles.add(leafHash(nodeHashes, content.subarray(at + FRAME_PREFIX_BYTES, end)));
      at = end;
    }
    await this.#compare(report);
  }

  /** The partial tiles at the archive's size. */
  async compareRest(report: (finding: Finding) => void): Promise<void> {
    this.#tiles.closePartial();
    await this.#compare(report);
  }

  async #compare(report: (finding: Finding) => void): Promise<void> {
    for (const { level, index, hashes } of this.#tiles.takeComplete()) {
      const width = hashes.length / 32;
      const key = `tile/${level}/${formatTileIndex(index)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
      const stored = await this.#take(key, TILE_WIDTH * 32);
      if (stored !== undefined && Buffer.compare(stored, hashes) === 0) continue;
      const span = TILE_WIDTH ** level;
      const seqFirst = index * TILE_WIDTH * span;
      report({
        verdict: 'TAMPERED',
        place: { file: key, seqFirst, seqLast: seqFirst + width * span - 1 },
        expected: 'the hashes that the entries give',
        found: stored === undefined ? 'no such tile' : 'others',
      });
    }
  }

  #tileKey(level: number | 'entries', index: number, size: number): string {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    return `tile/${level}/${formatTileIndex(index)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
  }

  #fetch(key: string, bytesMax: number): void {
    if (this.#fetching.has(key)) return;
    const fetching = this.#get(key, bytesMax);
    // Whoever takes it sees the error; one that nobody comes to take must not end the process.
    fetching.catch(() => undefined);
    this.#fetching.set(key, fetching);
  }

  async #take(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const fetching = this.#fetching.get(key);
    this.#fetching.delete(key);
    return fetching ?? this.#get(key, bytesMax);
  }

  async #get(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get(this.#prefix + key, bytesMax);
    } catch (cause) {
      throw new VerifyError('unreadable', cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
