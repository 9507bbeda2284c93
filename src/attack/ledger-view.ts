import { basename, join } from 'node:path';
import { LEAF_TYPES, parseSegmentName } from '../kernel/leaf.ts';
import { AttackError } from './attack-error.ts';
import { bytesOf, isThere, namesIn, readAll } from './disk.ts';
import { acknowledgedSize } from './forge-watermark.ts';
import { splitFrames, type Frame } from './frames.ts';
import { readIdentity, type Identity } from './identity.ts';
import { messagePlace } from './leaf-text.ts';
import { stealKeys, type Loot } from './loot.ts';

/** The writer's longest segment stays far below; a longer file is a trap for whoever reads it. */
const SEGMENT_READ_BYTES_MAX = 256 * 1024 * 1024;

export interface ViewOptions {
  readonly dataDir: string;
  /** DATA_DIR/keys unless given. */
  readonly keysDir?: string | undefined;
  /** Number of the leaf to aim at; the middle of the ledger unless given. */
  readonly at?: number | undefined;
  /** Makes random choices repeatable. */
  readonly seed?: number | undefined;
  readonly olderDir?: string | undefined;
  /** The ledger's own folder in an archive: the one with `checkpoint` and `tile`. */
  readonly archiveDir?: string | undefined;
  readonly pid?: number | undefined;
}

export interface SegmentFile {
  readonly first: number;
  readonly path: string;
}

/** An event to attack: where its leaf lies and what it is. */
export interface Victim {
  readonly seq: number;
  readonly path: string;
  readonly frame: Frame;
  /** Offset in the file of the first character of its message. */
  readonly messageAt: number;
}

/** The ledger folder as an intruder reads it: content as it is now, nothing checked, secrets included. */
export class LedgerView {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly olderDir: string | undefined;
  readonly archiveDir: string | undefined;
  readonly pid: number | undefined;
  readonly seed: number;
  readonly #at: number | undefined;
  readonly #segments: readonly SegmentFile[];
  readonly #frames = new Map<string, readonly Frame[]>();

  constructor(options: ViewOptions) {
    this.dataDir = options.dataDir;
    this.keysDir = options.keysDir ?? join(options.dataDir, 'keys');
    this.olderDir = options.olderDir;
    this.archiveDir = options.archiveDir;
    this.pid = options.pid;
    this.seed = options.seed ?? 1;
    this.#at = options.at;
    if (!isThere(this.path('segments'))) throw new AttackError('not-a-ledger', `there is no ledger in "${this.dataDir}"`);
    this.#segments = namesIn(this.path('segments')).flatMap((name) => {
      const first = parseSegmentName(name);
      return first === undefined ? [] : [{ first, path: this.path(join('segments', name)) }];
    });
  }

  /** A path below DATA_DIR/ledger. */
  path(name: string): string {
    return join(this.dataDir, 'ledger', name);
  }

  segments(): readonly SegmentFile[] {
    return this.#segments;
  }

  /** Read once: a view is one look at the ledger. */
  frames(segment: SegmentFile): readonly Frame[] {
    const known = this.#frames.get(segment.path);
    if (known !== undefined) return known;
    const frames = bytesOf(segment.path) > SEGMENT_READ_BYTES_MAX ? [] : splitFrames(readAll(segment.path));
    this.#frames.set(segment.path, frames);
    return frames;
  }

  /** All leaves, in the order of the files. */
  leaves(): Buffer[] {
    return this.segments().flatMap((segment) => this.frames(segment).map(({ leaf }) => leaf));
  }

  size(): number {
    const last = this.segments().at(-1);
    return last === undefined ? 0 : last.first + this.frames(last).length;
  }

  /** Leaves that the ledger says were acknowledged, as far as they are there. Behind them may lie a request in flight. */
  acknowledged(): number {
    const path = this.path('watermark');
    const stated = isThere(path) ? acknowledgedSize(readAll(path)) : 0;
    return stated === 0 ? this.size() : Math.min(stated, this.size());
  }

  /** Where leaf `seq` lies. */
  place(seq: number): { readonly segment: SegmentFile; readonly frame: Frame } {
    const segment = this.segments().findLast(({ first }) => first <= seq);
    const frame = segment === undefined ? undefined : this.frames(segment)[seq - segment.first];
    if (segment === undefined || frame === undefined) throw new AttackError('not-possible', `the ledger has no leaf ${seq}`);
    return { segment, frame };
  }

  /** The leaf aimed at. */
  aim(): number {
    return this.#at ?? Math.floor(this.acknowledged() / 2);
  }

  /** The acknowledged event at or after the aim, or else the last one before it, that has a message to change and fulfils `accepts`. */
  victim(accepts: (leaf: Buffer, seq: number) => boolean = () => true): Victim {
    const [from, size] = [this.aim(), this.acknowledged()];
    const victim = this.#search(from, size, 1, accepts) ?? this.#search(Math.min(from, size) - 1, -1, -1, accepts);
    if (victim === undefined) throw new AttackError('not-possible', `no event near leaf ${from} is one that this attack could use`);
    return victim;
  }

  #search(from: number, end: number, step: 1 | -1, accepts: (leaf: Buffer, seq: number) => boolean): Victim | undefined {
    for (let seq = from; step > 0 ? seq < end : seq > end; seq += step) {
      const { segment, frame } = this.place(seq);
      const at = frame.leaf[1] === LEAF_TYPES.event ? messagePlace(frame.leaf) : undefined;
      if (at !== undefined && accepts(frame.leaf, seq)) return { seq, path: segment.path, frame, messageAt: frame.at + 2 + at };
    }
    return undefined;
  }

  /** The segment's index file, which may not be there. */
  indexPath(segment: SegmentFile): string {
    return this.path(join('index', `${basename(segment.path, '.seg')}.idx`));
  }

  hasIndex(segment: SegmentFile): boolean {
    return isThere(this.indexPath(segment));
  }

  identity(): Identity {
    return readIdentity(this.place(0).frame.leaf);
  }

  loot(): Loot {
    return stealKeys(this.keysDir);
  }
}
