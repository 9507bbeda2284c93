import { closeSync, constants, fdatasyncSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertInvariant } from '../kernel/errors.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { announceFile } from './announce-file.ts';
import type { CheckpointAnchor } from './checkpoint-anchor.ts';
import { checkpointNote } from './checkpoint.ts';
import { freshWatermark } from './create-ledger.ts';
import type { EpochKeys } from './epoch-keys.ts';
import type { EpochState } from './epoch-state.ts';
import { isDiskFull, replaceFile, syncDirectory, writeAll } from './files.ts';
import { replaceEpochKeys } from './key-files.ts';
import type { LedgerKeys } from './keys.ts';
import type { LedgerState } from './ledger-state.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerHead, LedgerIdentity } from './ports.ts';
import { finishRotation } from './rotate-files.ts';
import { fdatasyncAsync, type SegmentFiles } from './segment-files.ts';
import { encodeSlot, slotOffset, watermarkKey } from './watermark.ts';
import type { WriteJournal } from './write-journal.ts';

/** A full disk under the keys folder is looked at again this often; until then no commit goes on. */
const KEY_RETRY_MS = 250;

/** The head, and how far into the active segment readers may go. */
export interface CommittedHead extends LedgerHead {
  readonly segmentFirst: number;
  readonly segmentBytes: number;
}

/** The steps of a commit, in order; the last four only where an epoch ends. */
export type CommitStep =
  'write' | 'sync' | 'lock' | 'checkpoint' | 'slot' | 'acknowledge' | 'slot-sync' | 'epoch-key' | 'second-slot' | 'wipe';

/** The end of the ledger that a commit makes durable. */
export interface CommitTarget {
  readonly head: Omit<CommittedHead, 'checkpoint'>;
  readonly mac: Uint8Array;
  /** After its last leaf. */
  readonly epochs: EpochState;
  /** Keys of the epoch that the last leaf sealed; wiped at the end. */
  readonly sealed: EpochKeys | undefined;
}

export interface Published {
  readonly head: CommittedHead;
  /** The checkpoint lock holds this head's checkpoint (or there is no lock): it may be served. */
  readonly isAnchored: boolean;
  /** The disk was too full to replace the published checkpoint file; the entries themselves are safe. */
  readonly isCheckpointStale: boolean;
}

export interface CommitterParts {
  readonly paths: LedgerPaths;
  readonly keys: LedgerKeys;
  readonly identity: LedgerIdentity;
  readonly segments: SegmentFiles;
  readonly anchor: CheckpointAnchor;
  readonly journal: WriteJournal;
  /** The checkpoint file as the start found it; undefined when it has to be replaced. */
  readonly publishedNote: string | undefined;
  /** The key of the next epoch waits for space: until the commit resolves, nothing more may be written. */
  readonly onStall: () => void;
  /** Told before each step. For tests, which end the process there by throwing. */
  readonly onStep: (step: CommitStep) => void;
}

/**
 * Makes groups that have been written durable and public: fdatasync → sign → checkpoint lock → checkpoint file → watermark →
 * acknowledgement, and where an epoch ends the new key. What survives a crash at each step is the recovery table of
 * docs/formats/ledger.md. One call at a time.
 */
export class Committer {
  readonly #parts: CommitterParts;
  #watermarkFd: number | undefined;
  #watermark: Buffer = Buffer.alloc(0);
  #generation = 0;
  #publishedNote: string | undefined;
  #isClosing = false;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
    this.#publishedNote = parts.publishedNote;
  }

  /** Publishes what a start found: the checkpoint first, as at every commit, then both slots afresh: a damaged one must not stay behind. */
  async begin(state: LedgerState, generation: number, target: CommitTarget): Promise<Published> {
    const { paths, anchor, journal } = this.#parts;
    this.#announceStanding(target.epochs.keys);
    const checkpoint = this.#sign(target);
    const isAnchored = await anchor.advance(checkpoint);
    const isCheckpointStale = isAnchored && !this.#publish(checkpoint, 'now');
    // Above every generation seen, and even, so that the pair is g and g + 1.
    const even = generation + 2 - (generation % 2);
    const fd = openSync(paths.watermark, constants.O_RDWR | constants.O_CREAT, 0o600);
    syncDirectory(paths.ledger);
    this.#watermarkFd = fd;
    this.#watermark = freshWatermark(even, state, checkpoint);
    announceFile(journal, 'watermark', this.#watermark);
    writeAll(fd, this.#watermark, 0);
    fdatasyncSync(fd);
    this.#generation = even + 1;
    return { head: { ...target.head, checkpoint }, isAnchored, isCheckpointStale };
  }

  /**
   * Calls `acknowledge` as soon as the group may be acknowledged; resolves once the next commit may begin. False when none may: the group
   * ended an epoch, and the wait for its key was given up.
   */
  async commit(target: CommitTarget, acknowledge: (published: Published) => void): Promise<boolean> {
    const { segments, anchor, onStep } = this.#parts;
    onStep('sync');
    // The slot written by the previous commit becomes durable together with this group, so at most one group old.
    await Promise.all([segments.sync(), fdatasyncAsync(this.#fd)]);
    // From here on the entries survive a power cut. Dying before the watermark: recovery keeps them as complete requests.
    const checkpoint = this.#sign(target);
    onStep('lock');
    const isAnchored = await anchor.advance(checkpoint);
    onStep('checkpoint');
    const isCheckpointStale = isAnchored && !this.#publish(checkpoint, 'later');
    onStep('slot');
    this.#writeSlot(target, checkpoint);
    onStep('acknowledge');
    acknowledge({ head: { ...target.head, checkpoint }, isAnchored, isCheckpointStale });
    return target.sealed === undefined || this.#endEpoch(target, target.sealed, checkpoint);
  }

  /** Publishes a checkpoint that only now stands in the lock. False when the disk is too full for it. */
  publishLate(note: string): boolean {
    return this.#publish(note, 'later');
  }

  /** Gives up waiting for space under the keys folder: a start then finds the key one epoch behind, and goes on. */
  stopWaiting(): void {
    this.#isClosing = true;
  }

  close(): void {
    fdatasyncSync(this.#fd);
    closeSync(this.#fd);
  }

  get #fd(): number {
    assertInvariant(this.#watermarkFd !== undefined, 'a committer begins before it commits');
    return this.#watermarkFd;
  }

  #sign({ head, epochs }: CommitTarget): string {
    const { identity, keys } = this.#parts;
    return checkpointNote(identity, keys.signingKey, epochs.isSealing ? epochs.keys.signer(identity) : undefined, head.size, head.root);
  }

  /**
   * The seal is durable and a slot of the next epoch says so; only when that is durable too does the key evolve, so a key that is ahead of
   * the ledger always means that the ledger was cut. Until this is done nothing of the next epoch is acknowledged. False when it was not
   * done before the stop.
   */
  async #endEpoch(target: CommitTarget, sealed: EpochKeys, checkpoint: string): Promise<boolean> {
    const { paths, keys, identity, onStall, onStep } = this.#parts;
    onStep('slot-sync');
    await fdatasyncAsync(this.#fd);
    onStep('epoch-key');
    for (let tries = 1; !this.#replaceKeys(target.epochs.keys, sealed); tries++) {
      // A moment without space is waited out; nobody has to be refused for it.
      if (tries > 1 || this.#isClosing) onStall();
      if (this.#isClosing) {
        sealed.wipe();
        return false;
      }
      await sleep(KEY_RETRY_MS);
    }
    finishRotation(paths, keys, target.epochs, identity);
    onStep('second-slot');
    this.#writeSlot(target, checkpoint);
    onStep('wipe');
    sealed.wipe();
    return true;
  }

  /** False when the disk is too full: the old key file stays as it was. */
  #replaceKeys(next: EpochKeys, sealed: EpochKeys): boolean {
    const { paths, journal } = this.#parts;
    try {
      replaceEpochKeys(paths.epochKey, next, (content) => announceFile(journal, 'epoch-key', content));
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#announceStanding(sealed);
      return false;
    }
  }

  /** What stands in epoch.key and, as far as it is known, in the checkpoint file: taken over by a start, or left by a failed change. */
  #announceStanding(keys: EpochKeys): void {
    const { journal } = this.#parts;
    const content = keys.format();
    announceFile(journal, 'epoch-key', content);
    content.fill(0);
    if (this.#publishedNote !== undefined) announceFile(journal, 'checkpoint', this.#publishedNote);
  }

  #writeSlot({ head, mac, epochs }: CommitTarget, checkpoint: string): void {
    const generation = ++this.#generation;
    const slot = encodeSlot(nodeHashes, watermarkKey(nodeHashes, epochs.keys.macKey), {
      generation,
      epoch: epochs.epoch,
      size: head.size,
      mac,
      checkpointHash: nodeHashes.sha256(Buffer.from(checkpoint)),
    });
    this.#watermark.set(slot, slotOffset(generation));
    announceFile(this.#parts.journal, 'watermark', this.#watermark);
    writeAll(this.#fd, slot, slotOffset(generation));
  }

  /** False when the disk is too full for the new file: the old one stays, which verifiers accept as an older signed state. */
  #publish(note: string, durability: 'now' | 'later'): boolean {
    const { paths, journal } = this.#parts;
    try {
      announceFile(journal, 'checkpoint', note);
      replaceFile(paths.checkpoint, note, durability);
      this.#publishedNote = note;
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      if (this.#publishedNote !== undefined) announceFile(journal, 'checkpoint', this.#publishedNote);
      return false;
    }
  }
}
