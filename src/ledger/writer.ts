import type { Clocks } from '../kernel/clock.ts';
import { AppendQueue, PROBE, TICK, type Queued } from './append-queue.ts';
import type { CheckpointAnchor } from './checkpoint-anchor.ts';
import { ClockWatch } from './clock-watch.ts';
import { Committer, type CommittedHead, type CommitStep, type CommitTarget, type Published } from './committer.ts';
import type { EpochKeys } from './epoch-keys.ts';
import { isDiskFull } from './files.ts';
import { writeIndex } from './index-files.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { IndexDelta } from './ledger-index.ts';
import type { LedgerState, StateMark } from './ledger-state.ts';
import { minuteOf } from './minute-counter.ts';
import type { LedgerPaths } from './paths.ts';
import type { AppendRequest, EpochStats, LedgerIdentity } from './ports.ts';
import type { Recovered } from './recover.ts';
import { SealSchedule, SEAL_LIMITS, type SealLimits } from './seal-schedule.ts';
import { SegmentFiles } from './segment-files.ts';
import type { GroupNotes } from './segment-notes.ts';
import { SegmentRecorder } from './segment-recorder.ts';
import { NO_JOURNAL, type WriteJournal } from './write-journal.ts';

/** A lock that could not be reached is tried again this often. */
const ANCHOR_RETRY_NS = 1_000_000_000n;

export interface Commit extends Published {
  readonly results: readonly { readonly id: number; readonly first: number; readonly last: number }[];
  readonly delta: IndexDelta;
  readonly entries: number;
  readonly bytes: number;
  readonly epochsNow: WriterEpochs;
  /** From the write to the watermark, ms. */
  readonly commitMs: number;
}

export type WriterEpochs = Omit<EpochStats, 'forwardSecurity'>;

/** Whom the writer tells. `fatal` must end the process: what is on the disk is then judged by recovery, the normal start. */
export interface WriterEvents {
  committed(commit: Commit): void;
  /** The checkpoint lock could be reached again: this head is public now. */
  anchored(head: CommittedHead): void;
  /** The index of a full segment was written, with this checksum; undefined when there was no space for it. */
  indexed(first: number, checksum: string | undefined): void;
  diskFull(ids: readonly number[], cause: unknown): void;
  fatal(cause: unknown): void;
}

export interface WriterOptions {
  readonly clocks: Clocks;
  /** Of the machine; says over which seals the monotonic clock can be compared. */
  readonly bootId: string;
  readonly anchor: CheckpointAnchor;
  readonly journal?: WriteJournal | undefined;
  readonly sealLimits?: SealLimits | undefined;
  readonly onStep?: ((step: CommitStep) => void) | undefined;
  /** Roots of earlier sizes, for a lock that could not be read at start. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
}

type Group = Omit<Commit, keyof Published | 'commitMs'> & CommitTarget & GroupOrigin;

interface GroupOrigin {
  readonly startedMs: number;
  readonly notes: GroupNotes;
  /** For taking it back. */
  readonly before: StateMark;
  readonly queued: readonly Queued[];
}

const NO_KEY_SPACE = new LedgerError('disk-full', 'the disk is full: there is no space to replace epoch.key');

/**
 * The loop that takes what is queued: stage → write, then hands the group to the committer. While one group is being synced the next is
 * staged and written. A seal is the last leaf of its group; the next one waits until its key is durable.
 */
export class Writer {
  readonly identity: LedgerIdentity;
  readonly #state: LedgerState;
  readonly #options: WriterOptions;
  readonly #events: WriterEvents;
  readonly #segments: SegmentFiles;
  readonly #paths: LedgerPaths;
  readonly #recorder: SegmentRecorder;
  readonly #committer: Committer;
  readonly #schedule: SealSchedule;
  readonly #clockWatch: ClockWatch;
  /** What was committed last but stands in no lock yet. */
  #unanchored: CommittedHead | undefined;
  #anchorRetriedNs = 0n;
  #retrying: Promise<void> | undefined;
  readonly #queue = new AppendQueue();
  #isDiskFull = false;
  #sealWanted: { readonly isFinal: boolean; readonly rotated?: EpochKeys | undefined } | undefined;
  #isSealUnderway = false;
  /** The key of the next epoch waits for space. Until it is there another seal, or an acknowledgement, would leave it out of a start's reach. */
  #isStalled = false;
  #stalled = Promise.withResolvers<void>();
  /** The stop did not wait for that space. */
  #isKeyGivenUp = false;
  #minute: number;
  #wake: (() => void) | undefined;
  #isClosing = false;
  #isDead = false;
  #committing: Promise<void> = Promise.resolve();

  private constructor(paths: LedgerPaths, keys: LedgerKeys, recovered: Recovered, events: WriterEvents, options: WriterOptions) {
    const { anchor, journal = NO_JOURNAL, onStep = () => undefined } = options;
    this.identity = recovered.identity;
    this.#state = recovered.state;
    this.#options = options;
    this.#events = events;
    this.#paths = paths;
    this.#recorder = new SegmentRecorder(recovered.active);
    this.#segments = new SegmentFiles(paths.segments, recovered.state.end, journal);
    const publishedNote = recovered.published?.checkpoint;
    this.#committer = new Committer({
      paths,
      keys,
      identity: recovered.identity,
      segments: this.#segments,
      anchor,
      journal,
      publishedNote,
      onStall: () => this.#stall(),
      onStep,
    });
    const { clocks, sealLimits = SEAL_LIMITS } = options;
    this.#schedule = new SealSchedule(sealLimits, recovered.state.epochs, clocks.wall(), clocks.monotonic());
    this.#clockWatch = new ClockWatch(clocks);
    this.#minute = minuteOf(clocks.wall());
    for (const payload of recovered.findings) this.#queue.pushOwn({ type: 'recovery', payload });
  }

  /** Publishes what recovery found and answers a writer that is ready to `run`. */
  static async open(
    paths: LedgerPaths,
    keys: LedgerKeys,
    recovered: Recovered,
    events: WriterEvents,
    options: WriterOptions,
  ): Promise<{ readonly writer: Writer; readonly published: Published }> {
    const writer = new Writer(paths, keys, recovered, events, options);
    const published = await writer.#committer.begin(recovered.state, recovered.generation, writer.#target(undefined));
    if (!published.isAnchored) writer.#unanchored = published.head;
    return { writer, published };
  }

  append(id: number, request: AppendRequest): void {
    this.#enqueue({ id, request });
  }

  #enqueue(queued: Queued): void {
    this.#queue.push(queued);
    this.#wake?.();
  }

  epochs(): WriterEpochs {
    const { isSealing, epoch, firstSeq } = this.#state.epochs;
    return { isSealing, running: epoch, sealedUpTo: firstSeq };
  }

  /**
   * To be called a few times a second: seals epochs that are due, records that the clock was set, closes a minute that is over although
   * nothing arrives, reaches for a lost lock, and after a full disk tries a leaf of our own, so that a sidecar that producers have turned
   * away from finds out that space is back.
   */
  tick(): void {
    const { clocks } = this.#options;
    const step = this.#clockWatch.look();
    if (step !== undefined) this.#queue.pushOwn({ type: 'clockStep', payload: step });
    if (!this.#isDiskFull && this.#schedule.isDue(this.#state, clocks.monotonic())) this.#sealWanted ??= { isFinal: false };
    const minute = minuteOf(clocks.wall());
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#enqueue(this.#isDiskFull ? PROBE : TICK);
    }
    this.#retryAnchor(clocks.monotonic());
    if (this.#hasWork()) this.#wake?.();
  }

  /** Ends the running epoch with a key-rotate leaf and a final seal; the next one begins a new lineage with these keys. */
  rotate(rotated: EpochKeys): void {
    this.#sealWanted = { isFinal: true, rotated };
    this.#wake?.();
  }

  /** Runs until closed, then everything queued is committed and the epoch sealed. Never rejects: failures go to `fatal`. */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (!this.#hasWork()) {
          if (this.#isClosing) break;
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
          continue;
        }
        await this.#next();
        if (this.#isDead) return;
        if (this.#isKeyGivenUp) break;
      }
      await this.#committing;
      if (this.#isDead || !(await this.#sealFinally())) return;
      if (this.#isKeyGivenUp) this.#turnAway(this.#queue.takeAll());
      await this.#retrying;
      this.#segments.close();
      this.#committer.close();
      await this.#options.anchor.close();
    } catch (error) {
      this.#die(error);
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#committer.stopWaiting();
    this.#wake?.();
  }

  /** Stages and writes the next group while the one before is being committed. */
  async #next(): Promise<void> {
    const queued = this.#queue.takeGroup();
    if (this.#isStalled) {
      this.#turnAway(queued);
      return;
    }
    const group = this.#stageGroup(queued);
    await Promise.race([this.#committing, this.#stalled.promise]);
    if (this.#isStalled) {
      if (group !== undefined) this.#takeBack(group);
      return;
    }
    await this.#committing;
    if (this.#isDead || group === undefined) return;
    this.#committing = this.#commit(group).catch((error: unknown) => this.#die(error));
  }

  #stall(): void {
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#events.diskFull([], NO_KEY_SPACE);
    this.#stalled.resolve();
  }

  /** Nothing of these is on the disk, and nothing will be; our own are tried again. */
  #turnAway(queued: readonly Queued[]): void {
    this.#queue.hold(queued);
    const ids = queued.map(({ id }) => id);
    this.#events.diskFull(ids, NO_KEY_SPACE);
  }

  #takeBack(group: Group): void {
    this.#segments.takeBack(NO_KEY_SPACE);
    this.#state.reset(group.before);
    this.#queue.hold(group.queued);
    const ids = group.results.map(({ id }) => id);
    this.#events.diskFull(ids, NO_KEY_SPACE);
  }

  /** An epoch that holds nothing, right after a final seal, needs none of its own. False when the writer died of it. */
  async #sealFinally(): Promise<boolean> {
    const { epochs, epochLeaves } = this.#state;
    if (this.#isKeyGivenUp || !epochs.isSealing || (epochLeaves === 0 && epochs.isAfterFinalSeal)) return true;
    this.#sealWanted = { isFinal: true };
    await this.#next();
    await this.#committing;
    return !this.#isDead;
  }

  #hasWork(): boolean {
    return !this.#queue.isEmpty || (this.#sealWanted !== undefined && !this.#isSealUnderway) || this.#isBeginningDue();
  }

  /** An older ledger begins to seal as soon as there is space for the leaf that says so. */
  #isBeginningDue(): boolean {
    return !this.#state.epochs.isSealing && !this.#isDiskFull;
  }

  #die(cause: unknown): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#events.fatal(cause);
  }

  /** Stages and writes; undefined when there was nothing to write or the disk is full (then nothing of it stays). */
  #stageGroup(queued: readonly Queued[]): Group | undefined {
    const state = this.#state;
    const startedMs = performance.now();
    const before = state.mark();
    const wallNs = this.#options.clocks.wall();
    state.begin(wallNs);
    if (this.#isBeginningDue()) state.stageBeginning();
    const results = this.#stageRequests(queued);
    const sealed = this.#stageSeal(wallNs);
    const { group, pieces } = state.staged();
    if (group.length === 0) return undefined;
    try {
      this.#options.onStep?.('write');
      this.#segments.write(group, pieces);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      state.reset(before);
      if (sealed !== undefined) this.#isSealUnderway = false;
      this.#isDiskFull = true;
      this.#queue.hold(queued);
      const ids = results.map((result) => result.id);
      this.#events.diskFull(ids, error);
      return undefined;
    }
    this.#isDiskFull = false;
    this.#schedule.observe(state.epochs, this.#options.clocks.monotonic());
    return {
      ...this.#target(sealed),
      results,
      delta: state.delta.take(),
      notes: state.notes.take(),
      entries: state.size - before.frontier.size,
      bytes: group.length,
      epochsNow: this.epochs(),
      startedMs,
      before,
      queued,
    };
  }

  /** An epoch that is full ends with the request that filled it; what was taken beyond goes back to the queue. */
  #stageRequests(queued: readonly Queued[]): { id: number; first: number; last: number }[] {
    const results: { id: number; first: number; last: number }[] = [];
    for (const [index, { id, request }] of queued.entries()) {
      if (id === TICK.id) this.#state.closeMinute();
      else results.push({ id, ...this.#state.stageRequest(request) });
      if (!this.#isSealUnderway && this.#state.epochs.isSealing && this.#schedule.isFull(this.#state.epochLeaves)) {
        this.#sealWanted ??= { isFinal: false };
        this.#queue.putBack(queued.slice(index + 1));
        break;
      }
    }
    return results;
  }

  /** Stages the seal that is wanted, unless the key of the one before is still on its way; answers the keys it retires. */
  #stageSeal(wallNs: bigint): EpochKeys | undefined {
    const wanted = this.#sealWanted;
    const { keys, isSealing } = this.#state.epochs;
    if (wanted === undefined || this.#isSealUnderway) return undefined;
    this.#sealWanted = undefined;
    if (!isSealing) return undefined;
    this.#isSealUnderway = true;
    const next = wanted.rotated?.atEpoch(keys.epoch + 1) ?? keys.next(this.identity.ledgerId);
    if (wanted.rotated !== undefined) this.#state.stageRotation(next);
    const { clocks, bootId } = this.#options;
    this.#state.stageSeal(next, { wallNs, monotonicNs: clocks.monotonic(), bootId, isFinal: wanted.isFinal });
    return keys;
  }

  #target(sealed: EpochKeys | undefined): CommitTarget {
    const { size, frontier, lastTimeNs, end, chain, epochs } = this.#state;
    const head = { size, root: frontier.root(), lastTimeNs, segmentFirst: end.first, segmentBytes: end.bytes };
    return { head, mac: chain.mac(), epochs, sealed };
  }

  async #commit(group: Group): Promise<void> {
    const { results, delta, entries, bytes, epochsNow, startedMs } = group;
    const mayGoOn = await this.#committer.commit(group, (published) => {
      this.#unanchored = published.isAnchored ? undefined : published.head;
      const commitMs = performance.now() - startedMs;
      this.#events.committed({ ...published, results, delta, entries, bytes, epochsNow, commitMs });
    });
    for (const index of this.#recorder.add(delta, group.notes)) this.#events.indexed(index.first, writeIndex(this.#paths, index));
    this.#isKeyGivenUp = !mayGoOn;
    if (group.sealed === undefined || !mayGoOn) return;
    this.#isSealUnderway = false;
    if (this.#isStalled) {
      this.#isStalled = false;
      this.#stalled = Promise.withResolvers();
      // A commit is what tells producers that there is space again.
      this.#enqueue(PROBE);
    }
    this.#wake?.();
  }

  /** Beside the commits, which do not wait for a lock that is lost. What was committed last goes in; newer commits follow by themselves. */
  #retryAnchor(nowNs: bigint): void {
    const head = this.#unanchored;
    if (head === undefined || this.#retrying !== undefined || nowNs - this.#anchorRetriedNs < ANCHOR_RETRY_NS) return;
    this.#anchorRetriedNs = nowNs;
    const { anchor, rootAt } = this.#options;
    this.#retrying = anchor
      .retry(head.checkpoint, { size: head.size, rootAt }, () => this.#unanchored === head)
      .then((isAnchored) => {
        if (!isAnchored || this.#isDead) return;
        this.#committer.publishLate(head.checkpoint);
        if (this.#unanchored === head) this.#unanchored = undefined;
        this.#events.anchored(head);
      })
      .catch((error: unknown) => this.#die(error))
      .finally(() => (this.#retrying = undefined));
  }
}
