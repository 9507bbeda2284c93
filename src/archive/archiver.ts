import { setTimeout as sleep } from 'node:timers/promises';
import { equalBytes, fromUtf8, toHex, utf8 } from '../kernel/bytes.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isSignedBy, NoteFormatError, parseCheckpoint, parseVerifierKey, type SignedCheckpoint } from '../kernel/note.ts';
import type { ObjectStore } from '../kernel/object-store.ts';
import type { TilePath } from '../kernel/tile-path.ts';
import { hashBlock } from '../ledger/hash-block.ts';
import { LedgerError } from '../ledger/ledger-error.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import { parseFrames } from '../ledger/read-block.ts';
import { ArchiveError } from './archive-error.ts';
import { tileKey, tilesBetween } from './tiles-between.ts';

/** What an archive is made from. */
export interface ArchiveSource extends Pick<LedgerReader, 'identity' | 'head' | 'rootAt' | 'tile'> {
  /** End of the sealed segment that holds the leaf; undefined while that segment takes leaves. */
  sealedEnd(seq: number): number | undefined;
  /** Signed with the log key: the same bytes each time. */
  signCheckpoint(size: number): Promise<string>;
  /** Requests are waiting for the writer. */
  isBusy?(): boolean;
}

/** Called after each object. */
type OnUploaded = (uploaded: { readonly key: string; readonly bytes: number }) => void;

export interface ArchiverOptions {
  /** Objects on their way at one time. All belong to one segment, so they never hold more than its 50 MB. */
  readonly uploadsMax?: number;
  readonly onUploaded?: OnUploaded;
}

/** Leaves half of libuv's four threads to the writer's fdatasync when the store is a folder. */
const UPLOADS_MAX = 2;
/** While the writer is busy, an upload rests this many times as long as it took: archiving can wait, producers cannot. */
const REST_WHILE_BUSY = 4;
/** A slow store must not make the rest longer than a restart would. */
const REST_MS_MAX = 2000;
/** Notes are a few hundred bytes. */
const NOTE_BYTES_MAX = 16_384;
/** Widths that a tile can have had before it became full. */
const PARTIALS_MAX = 256;
/** 256 of the largest entries. */
const BUNDLE_BYTES_MAX = TILE_WIDTH * (FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);

const OCTETS = { contentType: 'application/octet-stream' };
const TEXT = { contentType: 'text/plain; charset=utf-8' };

/**
 * Copies sealed segments to an object store in the layout of c2sp.org/tlog-tiles, below a prefix of the ledger's own. The checkpoint is
 * written last: dying anywhere leaves an archive of the size before, and the same objects are put again. The store is not trusted:
 * what is read of it, the checkpoint and entries before they are removed here, must be ours.
 */
export class Archiver {
  readonly location: string;
  readonly #source: ArchiveSource;
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #onUploaded: OnUploaded | undefined;
  readonly #uploadsMax: number;
  #size: number | undefined;
  /** First entries of archived segments that are to be put again. */
  readonly #again = new Set<number>();

  constructor(source: ArchiveSource, store: ObjectStore, { uploadsMax = UPLOADS_MAX, onUploaded }: ArchiverOptions = {}) {
    this.#source = source;
    this.#store = store;
    this.#prefix = `${toHex(source.identity.ledgerId)}/`;
    this.location = `${store.location}/${toHex(source.identity.ledgerId)}`;
    this.#onUploaded = onUploaded;
    this.#uploadsMax = uploadsMax;
  }

  /** Leaves that the archive holds and has signed for; undefined until `open` has looked. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Reads how far the archive goes. Throws ArchiveError `archive-conflict` when it is not an earlier state of this ledger. */
  async open(): Promise<number> {
    const note = await this.#store.get(`${this.#prefix}checkpoint`, NOTE_BYTES_MAX);
    if (note === undefined) await this.#put('log.vkey', utf8(`${this.#source.identity.verifierKey}\n`), TEXT);
    this.#size = note === undefined ? 0 : await this.#assertOwn(note);
    return this.#size;
  }

  /**
   * Reads the entries of an archived segment back and holds them against the ledger's own tree, one bundle in memory at a time. What is
   * missing or wrong is put again by the next `archiveSegment`.
   */
  async holds(first: number, end: number, signal: AbortSignal): Promise<boolean> {
    for (let index = first / TILE_WIDTH; index < end / TILE_WIDTH; index++) {
      signal.throwIfAborted();
      const bundle = await this.#store.get(`${this.#prefix}${tileKey({ level: 'entries', index, width: TILE_WIDTH })}`, BUNDLE_BYTES_MAX);
      const roots = await this.#source.tile({ level: 1, index: Math.floor(index / TILE_WIDTH), width: (index % TILE_WIDTH) + 1 });
      const own = roots?.subarray(-HASH_BYTES);
      const there = bundle === undefined ? undefined : rootOf(bundle);
      if (own === undefined || there === undefined || !equalBytes(there, own)) {
        this.#again.add(first);
        return false;
      }
    }
    return true;
  }

  /** Archives the next sealed segment; false when there is none. `signal` stops it between two objects. */
  async archiveSegment(signal: AbortSignal): Promise<boolean> {
    const from = this.#size ?? (await this.open());
    const [again] = this.#again;
    if (again !== undefined) {
      await this.#putTiles(again, this.#source.sealedEnd(again) ?? again, signal);
      return this.#again.delete(again);
    }
    const to = this.#source.sealedEnd(from);
    if (to === undefined) return false;
    await this.#putTiles(from, to, signal);
    // From here on a reader may take the new size for true: everything it leads to is durable.
    await this.#put('checkpoint', utf8(await this.#source.signCheckpoint(to)), TEXT);
    this.#size = to;
    await this.#removePartials(from, to);
    return true;
  }

  async #putTiles(from: number, to: number, signal: AbortSignal): Promise<void> {
    const tiles = tilesBetween(from, to);
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const upload = async (): Promise<void> => {
      for (const tile of tiles) {
        stop.throwIfAborted();
        const startMs = performance.now();
        await this.#putTile(tile);
        if (this.#source.isBusy?.() === true)
          await sleep(Math.min((performance.now() - startMs) * REST_WHILE_BUSY, REST_MS_MAX), undefined, { signal: stop });
      }
    };
    const uploads = Array.from({ length: this.#uploadsMax }, () => upload().catch((error: unknown) => failed.abort(error)));
    // Also after an error all are waited for: nothing goes on behind the caller's back.
    await Promise.all(uploads);
    stop.throwIfAborted();
  }

  async #putTile(tile: TilePath): Promise<void> {
    const content = await this.#source.tile(tile);
    if (content === undefined) throw new ArchiveError('archive-unreachable', `the ledger does not give ${tileKey(tile)}`);
    await this.#put(tileKey(tile), content, OCTETS);
  }

  async #put(name: string, content: Uint8Array, options: { contentType: string }): Promise<void> {
    const key = `${this.#prefix}${name}`;
    await this.#store.put(key, content, options);
    this.#onUploaded?.({ key, bytes: content.length });
  }

  /** Partial tiles have served their time once the full one is there; what a crash leaves behind is superfluous and right. */
  async #removePartials(from: number, to: number): Promise<void> {
    for (const tile of tilesBetween(from, to)) {
      if (tile.level === 'entries' || tile.level === 0 || tile.width < PARTIALS_MAX) continue;
      for (const key of await this.#store.list(`${this.#prefix}${tileKey(tile)}.p/`, PARTIALS_MAX)) await this.#store.remove(key);
    }
  }

  async #assertOwn(note: Uint8Array): Promise<number> {
    const { identity } = this.#source;
    const conflict = (reason: string): ArchiveError => new ArchiveError('archive-conflict', `the archive ${this.location} ${reason}`);
    let checkpoint: SignedCheckpoint;
    try {
      checkpoint = parseCheckpoint(fromUtf8(note));
    } catch (cause) {
      if (cause instanceof NoteFormatError || cause instanceof TypeError) throw conflict('has a checkpoint that cannot be read');
      throw cause;
    }
    const { origin, size, root } = checkpoint;
    if (origin !== identity.origin || !isSignedBy(checkpoint, parseVerifierKey(nodeHashes, identity.verifierKey), verifyEd25519))
      throw conflict('has a checkpoint that this ledger did not sign');
    const here = this.#source.head().size;
    if (size > here) throw conflict(`holds ${size} entries and this ledger ${here}: it was rolled back or cut off`);
    if (!equalBytes(root, await this.#source.rootAt(size)))
      throw conflict(`has another root for the first ${size} entries than this ledger`);
    // A head that was handed out to anybody is signed for its time, and says nothing about what lies in a store.
    if (checkpoint.signatures.length !== 1 || (size > 0 && this.#source.sealedEnd(size - 1) !== size))
      throw conflict('has a checkpoint of this ledger that was not made for an archive');
    return size;
  }
}

/** Root of the 256 leaves of a bundle; undefined when it holds anything else. */
function rootOf(bundle: Uint8Array): Uint8Array | undefined {
  try {
    return hashBlock(parseFrames(bundle)).root;
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}
