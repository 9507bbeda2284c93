import { hash } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, renameSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Detection } from '../../src/kernel/detection.ts';
import { LEAF_HEADER_BYTES, LEAF_MAC_BYTES, segmentName, TILE_WIDTH } from '../../src/kernel/leaf.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { portJournal } from '../../src/ledger/port-journal.ts';
import type { JournaledFile, WriteJournal } from '../../src/ledger/write-journal.ts';
import type { FromWatch, ToWatch, WatchBeat } from '../../src/watch/ports.ts';

/** Found within this or not at all: many looks, so that a busy machine does not decide the test. */
const FIND_MS_MAX = 20_000;
/** Long enough for a dozen comparisons of everything: nothing told in it is nothing found. */
const QUIET_MS = 1_200;

const digest = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'latin1');

/**
 * Frames with counters from `firstSeq` on, as the format has them; the MACs are noise, which the watch does not look at. The payload says
 * which leaf it is.
 */
export function frames(firstSeq: number, count: number, payloadBytes = 40, type = 2): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const leafBytes = LEAF_HEADER_BYTES + payloadBytes + LEAF_MAC_BYTES;
      const frame = Buffer.alloc(2 + leafBytes, firstSeq + i);
      frame.writeUInt16BE(leafBytes, 0);
      frame.set([1, type, 0, 1], 2);
      frame.writeBigUInt64BE(BigInt(firstSeq + i), 6);
      frame.write(`leaf ${firstSeq + i} `, 2 + LEAF_HEADER_BYTES);
      return frame;
    }),
  );
}

/**
 * A data folder with files as a ledger has them, a writer that announces what it writes, and the real watch thread over it.
 * `await using folder = ...` ends the thread.
 */
export class WatchedFolder implements AsyncDisposable {
  readonly dataDir: string;
  readonly segments: string;
  readonly journal: WriteJournal;
  readonly detections: Detection[] = [];
  readonly accepted: string[] = [];
  readonly tampers: number[] = [];
  readonly troubles: string[] = [];
  beat: WatchBeat | undefined;
  /** Block roots that the tree has for [first, end); undefined when it cannot tell. Tests may replace it. */
  roots: (first: number, end: number) => Uint8Array | undefined = () => undefined;
  readonly #worker: Worker;
  /** The writer holds its files open: what is put in their place does not get its bytes. */
  readonly #open = new Map<number, number>();
  readonly #waiting = new Set<() => void>();

  constructor(dataDir: string, isImmutable = false) {
    this.dataDir = dataDir;
    this.segments = join(dataDir, 'ledger', 'segments');
    for (const folder of ['ledger/segments', 'keys']) mkdirSync(join(dataDir, folder), { recursive: true });
    for (const name of ['ledger/checkpoint', 'ledger/log.vkey', 'keys/log.key', 'keys/epoch.key', 'keys/verification.key', 'ledger.lock'])
      writeFileSync(join(dataDir, name), `${name} as it was made\n`);
    writeFileSync(join(dataDir, 'ledger/watermark'), Buffer.alloc(8192, 'watermark'));
    const { port1, port2 } = new MessageChannel();
    this.journal = portJournal(port1);
    this.#worker = new Worker(new URL('../../src/watch/watch-thread.ts', import.meta.url), {
      workerData: { dataDir, keysDir: undefined, isImmutable, journal: port2 },
      transferList: [port2],
    });
    this.#worker.on('message', (message: FromWatch) => this.#receive(message));
    this.#worker.on('error', (error: Error) => this.troubles.push(`the thread failed: ${error.stack}`));
  }

  path(name: string): string {
    return join(this.dataDir, name);
  }

  segmentPath(first: number): string {
    return join(this.segments, segmentName(first));
  }

  /** Starts the watch over what is there. */
  async begin(): Promise<void> {
    this.#post({ kind: 'begin' });
    await this.until(() => this.beat !== undefined, 'the first beat');
  }

  /** Announces and appends, as the writer does. */
  append(first: number, bytes: Buffer, at: number): void {
    this.journal.segment(first, at, at + bytes.length, digest(bytes));
    const fd = this.#open.get(first) ?? openSync(this.segmentPath(first), constants.O_WRONLY | constants.O_CREAT);
    this.#open.set(first, fd);
    writeSync(fd, bytes, 0, bytes.length, at);
  }

  /** Announces and cuts back, or removes, a segment. */
  cut(first: number, bytes: number): void {
    this.journal.cut(first, bytes);
    if (bytes > 0) truncateSync(this.segmentPath(first), bytes);
    else {
      closeSync(this.#open.get(first) ?? -1);
      this.#open.delete(first);
      unlinkSync(this.segmentPath(first));
    }
  }

  /** Announces and rewrites the watermark in its place. */
  mark(content: Uint8Array): void {
    this.journal.file('watermark', digest(content));
    const fd = openSync(this.path('ledger/watermark'), 'r+');
    writeSync(fd, content, 0, content.length, 0);
    closeSync(fd);
  }

  indexPath(first: number, folder: 'index' | 'pruned' = 'index'): string {
    return join(this.dataDir, 'ledger', folder, `${String(first).padStart(20, '0')}.idx`);
  }

  /** The index of a full segment, by a rename as the writer makes it, without an announcement. */
  addIndex(first: number): void {
    mkdirSync(join(this.dataDir, 'ledger', 'index'), { recursive: true });
    writeFileSync(`${this.indexPath(first)}.tmp`, `index of ${first}`);
    renameSync(`${this.indexPath(first)}.tmp`, this.indexPath(first));
  }

  /** Announces and removes a segment, as retention does; its index moves. */
  prune(first: number): void {
    this.journal.pruned(first);
    mkdirSync(join(this.dataDir, 'ledger', 'pruned'), { recursive: true });
    renameSync(this.indexPath(first), this.indexPath(first, 'pruned'));
    unlinkSync(this.segmentPath(first));
  }

  /** Announces and replaces one of the files that the writer replaces. */
  replace(name: JournaledFile, file: string, content: string): void {
    this.journal.file(name, digest(content));
    writeFileSync(this.path(`${file}.tmp`), content);
    renameSync(this.path(`${file}.tmp`), this.path(file));
  }

  /** A sealed segment that the tree knows; to be made before `begin`. */
  addOld(first: number, blocks: number, payloadBytes?: number, types: Readonly<Record<number, number>> = {}): Buffer {
    const parts = Array.from({ length: blocks * TILE_WIDTH }, (_, i) => frames(first + i, 1, payloadBytes, types[first + i]));
    const bytes = Buffer.concat(parts);
    writeFileSync(this.segmentPath(first), bytes);
    const leaves = parts.map((frame) => leafHash(nodeHashes, frame.subarray(2)));
    const known = this.roots;
    this.roots = (from, end) =>
      from === first && end === first + parts.length
        ? Buffer.concat(
            Array.from({ length: blocks }, (_, b) => subtreeRoot(nodeHashes, (i) => leaves[i], b * TILE_WIDTH, (b + 1) * TILE_WIDTH)),
          )
        : known(from, end);
    return bytes;
  }

  /** Waits until the fact holds; fails with what has been found so far. */
  async until(fact: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + FIND_MS_MAX;
    while (!fact()) {
      if (performance.now() > deadline) throw new Error(`${what} did not come; found: ${(await this.found(0)).join('; ')}`);
      await Promise.race([sleep(50), new Promise<void>((resolve) => this.#waiting.add(resolve))]);
    }
  }

  /** The first detection on this file, which must come. */
  async detection(file: string, kind?: string): Promise<Detection> {
    const find = (): Detection | undefined =>
      this.detections.find((found) => found.file === file && (kind === undefined || found.kind === kind));
    await this.until(() => find() !== undefined, `a detection on ${file}`);
    const found = find();
    if (found === undefined) throw new Error('unreachable: it was just found');
    return found;
  }

  /** All that has been found by the end of a dozen comparisons, in words: `expect(await folder.found()).toEqual([])`. */
  async found(ms = QUIET_MS): Promise<string[]> {
    await sleep(ms);
    return [...this.detections.map(({ kind, file, evidence }) => `${kind} ${file}: ${evidence}`), ...this.troubles];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#post({ kind: 'close' });
    await ended;
    for (const fd of this.#open.values()) closeSync(fd);
  }

  #post(message: ToWatch): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage(message);
  }

  #receive(message: FromWatch): void {
    if (message.kind === 'detected') this.detections.push(message.detection);
    else if (message.kind === 'accepted') this.accepted.push(message.file);
    else if (message.kind === 'tampers') this.tampers.push(...message.seqs);
    else if (message.kind === 'trouble') this.troubles.push(message.message);
    else if (message.kind === 'beat') this.beat = message;
    else this.#post({ kind: 'roots', first: message.first, roots: this.roots(message.first, message.end) });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
