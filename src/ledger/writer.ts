import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import type { Clock } from '../kernel/clock.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import { checkpointNote } from './checkpoint.ts';
import { freshWatermark } from './create-ledger.ts';
import { isDiskFull, replaceFile, writeAll } from './files.ts';
import type { LedgerKeys } from './keys.ts';
import type { IndexDelta } from './ledger-index.ts';
import type { LedgerState } from './ledger-state.ts';
import type { LedgerPaths } from './paths.ts';
import type { AppendRequest, LedgerHead, LedgerIdentity } from './ports.ts';
import type { Recovered } from './recover.ts';
import { fdatasyncAsync, SegmentFiles } from './segment-files.ts';
import { encodeSlot, slotOffset, watermarkKey } from './watermark.ts';

/** A group is one write and one fdatasync. Its size bounds how long staging keeps the thread from answering (about 15 ms). */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
const GROUP_REQUESTS_MAX = 4096;

/** The head, and how far into the active segment readers may go. */
export interface CommittedHead extends LedgerHead {
  readonly segmentFirst: number;
  readonly segmentBytes: number;
}

export interface Commit {
  readonly results: readonly { readonly id: number; readonly first: number; readonly last: number }[];
  readonly head: CommittedHead;
  readonly delta: IndexDelta;
  readonly entries: number;
  readonly bytes: number;
  /** From the write to the watermark, ms. */
  readonly commitMs: number;
  /** The disk was too full to replace the published checkpoint file; the entries themselves are safe. */
  readonly isCheckpointStale: boolean;
}

/** Whom the writer tells. `fatal` must end the process: what is on the disk is then judged by recovery, the normal start. */
export interface WriterEvents {
  committed(commit: Commit): void;
  diskFull(ids: readonly number[], cause: unknown): void;
  fatal(cause: unknown): void;
}

interface Queued {
  readonly id: number;
  readonly request: AppendRequest;
}

type Group = Omit<Commit, 'head' | 'isCheckpointStale' | 'commitMs'> & {
  head: Omit<CommittedHead, 'checkpoint'>;
  mac: Buffer;
  startedMs: number;
};

/** Marks a request without leaves of its own: only a due minute summary is written. */
const TICK_ID = -1;
/** Records of our own (recovery) that nobody waits for. */
const OWN_ID = -2;
/** A leaf of our own that only finds out whether the disk is still full: dropped when it is. */
const PROBE_ID = -3;

/**
 * The commit loop: stage → write → fdatasync → sign and publish the checkpoint → watermark → acknowledge. While one group is being
 * synced the next is staged and written. What survives a crash at each step is the recovery table of docs/formats/ledger.md.
 */
export class Writer {
  readonly identity: LedgerIdentity;
  readonly #paths: LedgerPaths;
  readonly #keys: LedgerKeys;
  readonly #state: LedgerState;
  readonly #clock: Clock;
  readonly #events: WriterEvents;
  readonly #segments: SegmentFiles;
  readonly #watermarkKey: Uint8Array;
  readonly #watermarkFd: number;
  #generation: number;
  /** True when the disk was too full at start to publish the checkpoint: then it can still be read, and refuses with 507. */
  readonly isCheckpointStale: boolean;
  #queue: Queued[] = [];
  #isDiskFull = false;
  /** Records of our own that met a full disk: nobody else would send them again. */
  readonly #held: Queued[] = [];
  #wake: (() => void) | undefined;
  #isClosing = false;
  #isDead = false;
  #committing: Promise<void> = Promise.resolve();

  constructor(paths: LedgerPaths, keys: LedgerKeys, recovered: Recovered, clock: Clock, events: WriterEvents) {
    this.identity = recovered.identity;
    this.#paths = paths;
    this.#keys = keys;
    this.#state = recovered.state;
    this.#clock = clock;
    this.#events = events;
    this.#segments = new SegmentFiles(paths.segments, recovered.state.end.first);
    this.#watermarkKey = watermarkKey(nodeHashes, keys.hmacKey);
    // Both slots are written afresh at start, above every generation seen: a damaged slot must not stay behind.
    this.#generation = recovered.generation + 2 - (recovered.generation % 2);
    const note = checkpointNote(this.identity, keys.signingKey, this.#state.size, this.#state.frontier.root());
    // The checkpoint first, as at every commit: a watermark never speaks of more than is signed.
    this.isCheckpointStale = !this.#publishCheckpoint(note, 'now');
    this.#watermarkFd = openSync(paths.watermark, 'r+');
    writeAll(this.#watermarkFd, freshWatermark(keys.hmacKey, this.#generation, this.#state, note), 0);
    fdatasyncSync(this.#watermarkFd);
    this.#generation += 1;
    for (const payload of recovered.findings) this.append(OWN_ID, { events: EMPTY_BATCH, record: { type: 'recovery', payload } });
  }

  head(): CommittedHead {
    const state = this.#state;
    const root = state.frontier.root();
    return {
      size: state.size,
      root,
      checkpoint: checkpointNote(this.identity, this.#keys.signingKey, state.size, root),
      lastTimeNs: state.lastTimeNs,
      segmentFirst: state.end.first,
      segmentBytes: state.end.bytes,
    };
  }

  append(id: number, request: AppendRequest): void {
    this.#queue.push(...this.#held.splice(0), { id, request });
    this.#wake?.();
  }

  /**
   * Lets a minute that is over be closed although nothing arrives; after a full disk it also tries a leaf of our own, so that a sidecar
   * that producers have turned away from finds out that space is back.
   */
  tick(): void {
    if (this.#isDiskFull)
      this.append(PROBE_ID, { events: EMPTY_BATCH, record: { type: 'heartbeat', payload: { reason: 'is there space again' } } });
    else this.append(TICK_ID, { events: EMPTY_BATCH });
  }

  /** Runs until closed, then everything queued is committed. Never rejects: failures go to `fatal`. */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (this.#queue.length === 0) {
          if (this.#isClosing) break;
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
          continue;
        }
        const group = this.#stageGroup(this.#takeGroup());
        await this.#committing;
        if (this.#isDead) return;
        if (group !== undefined) this.#committing = this.#commit(group).catch((error: unknown) => this.#die(error));
      }
      await this.#committing;
      if (this.#isDead) return;
      this.#segments.close();
      fdatasyncSync(this.#watermarkFd);
      closeSync(this.#watermarkFd);
    } catch (error) {
      this.#die(error);
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#wake?.();
  }

  #die(cause: unknown): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#events.fatal(cause);
  }

  #takeGroup(): Queued[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && count < GROUP_REQUESTS_MAX && (count === 0 || bytes < GROUP_BYTES_MAX)) {
      bytes += this.#queue[count].request.events.payloads.length;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Stages and writes; undefined when there was nothing to write or the disk is full (then nothing of it stays). */
  #stageGroup(queued: readonly Queued[]): Group | undefined {
    const state = this.#state;
    const startedMs = performance.now();
    const before = state.mark();
    state.begin(this.#clock());
    const results: { id: number; first: number; last: number }[] = [];
    for (const { id, request } of queued) {
      if (id === TICK_ID) state.closeMinute();
      else results.push({ id, ...state.stageRequest(request) });
    }
    const { group, pieces } = state.staged();
    if (group.length === 0) return undefined;
    try {
      this.#segments.write(group, pieces);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      state.reset(before);
      this.#isDiskFull = true;
      this.#held.push(...queued.filter(({ id }) => id === OWN_ID));
      this.#events.diskFull(
        results.map((result) => result.id),
        error,
      );
      return undefined;
    }
    this.#isDiskFull = false;
    return {
      results,
      head: {
        size: state.size,
        root: state.frontier.root(),
        lastTimeNs: state.lastTimeNs,
        segmentFirst: state.end.first,
        segmentBytes: state.end.bytes,
      },
      delta: state.delta.take(),
      entries: state.size - before.frontier.size,
      bytes: group.length,
      mac: state.chain.mac(),
      startedMs,
    };
  }

  async #commit(group: Group): Promise<void> {
    // The slot written by the previous commit becomes durable together with this group, so at most one group old.
    await Promise.all([this.#segments.sync(), fdatasyncAsync(this.#watermarkFd)]);
    // From here on the entries survive a power cut. Dying before the watermark: recovery keeps them as complete requests.
    const { mac, startedMs, ...rest } = group;
    const checkpoint = checkpointNote(this.identity, this.#keys.signingKey, group.head.size, group.head.root);
    const isCheckpointStale = !this.#publishCheckpoint(checkpoint, 'later');
    this.#generation++;
    const checkpointHash = nodeHashes.sha256(Buffer.from(checkpoint));
    const slot = encodeSlot(nodeHashes, this.#watermarkKey, {
      generation: this.#generation,
      epoch: 0,
      size: group.head.size,
      mac,
      checkpointHash,
    });
    writeAll(this.#watermarkFd, slot, slotOffset(this.#generation));
    this.#events.committed({ ...rest, head: { ...group.head, checkpoint }, commitMs: performance.now() - startedMs, isCheckpointStale });
  }

  /** False when the disk is too full for the new file: the old one stays, which verifiers accept as an older signed state. */
  #publishCheckpoint(note: string, durability: 'now' | 'later'): boolean {
    try {
      replaceFile(this.#paths.checkpoint, note, durability);
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw error;
    }
  }
}
