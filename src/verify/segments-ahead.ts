import { readU32 } from '../kernel/bytes.ts';
import { nextEpochKey } from '../kernel/epoch.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, SEGMENT_LEAVES_MAX } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { ChainKeys } from './chain-keys.ts';
import type { EpochKey } from './fast-segment.ts';
import type { LedgerFiles } from './ledger-files.ts';
import { segmentFileName } from './ledger-inputs.ts';
import type { SegmentChecker } from './segment-job.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { VerifyError } from './verify-error.ts';
import type { WalkSegment } from './walk-task.ts';

const EPOCH_AT = FRAME_PREFIX_BYTES + 12;

/** Where the walk stands. */
export interface AheadOf {
  readonly keys: ChainKeys;
  /** The next leaf's number. */
  readonly seq: number;
}

/** Has segments checked by themselves a little ahead of the walk, each with the key that its first leaf should need. */
export class SegmentsAhead {
  readonly #checker: SegmentChecker;
  readonly #files: LedgerFiles;
  readonly #segments: readonly WalkSegment[];
  readonly #ledgerId: Uint8Array | undefined;
  readonly #sizes: ReadonlySet<number>;
  readonly #asked: Promise<SegmentSummary | undefined>[] = [];

  constructor(
    checker: SegmentChecker,
    files: LedgerFiles,
    segments: readonly WalkSegment[],
    ledgerId: Uint8Array | undefined,
    sizes: ReadonlySet<number>,
  ) {
    this.#checker = checker;
    this.#files = files;
    this.#segments = segments;
    this.#ledgerId = ledgerId;
    this.#sizes = sizes;
  }

  /** What the segment of this index holds, or undefined when the walk has to find out. Each is taken once, in order. */
  async take(index: number, walk: AheadOf): Promise<SegmentSummary | undefined> {
    const end = Math.min(index + this.#checker.jobsMax, this.#segments.length);
    for (let next = this.#asked.length; next < end; next++) this.#asked.push(this.#ask(next, walk));
    const answer = await this.#asked[index];
    // A summary may be large where tenants are many: it is not kept.
    this.#asked[index] = Promise.resolve(undefined);
    return answer;
  }

  #ask(index: number, { keys, seq }: AheadOf): Promise<SegmentSummary | undefined> {
    const segment = this.#segments[index];
    const name = segmentFileName(segment);
    const nameBefore = index === 0 ? undefined : segmentFileName(this.#segments[index - 1]);
    const epoch = this.#firstEpoch(name);
    const key = epoch === undefined || keys.current === undefined ? undefined : this.#keyOf(epoch, keys, segment.first - seq);
    if (epoch === undefined || (keys.current !== undefined && key === undefined)) return Promise.resolve(undefined);
    const task = { first: segment.first, isLast: index === this.#segments.length - 1, key, sizes: this.#sizes };
    return this.#checker.check({ name, nameBefore, task });
  }

  /** Of the header of the first leaf: a claim like everything there. */
  #firstEpoch(name: string): number | undefined {
    const head = new Uint8Array(FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES);
    try {
      const source = this.#files.openSegment(name);
      try {
        return source.read(head, 0) === head.length ? readU32(head, EPOCH_AT) : undefined;
      } finally {
        source.close();
      }
    } catch (error) {
      if (error instanceof VerifyError) return undefined;
      throw error;
    }
  }

  /**
   * The running key evolved up to an epoch. Every epoch has a leaf at least, its seal: what a header or a file's name claims cannot ask
   * for more steps than the segments on their way have leaves.
   */
  #keyOf(epoch: number, keys: ChainKeys, leavesBetween: number): EpochKey | undefined {
    const steps = epoch - keys.epoch;
    const stepsMax = Math.min(leavesBetween, this.#checker.jobsMax * SEGMENT_LEAVES_MAX);
    let { key } = keys;
    if (key === undefined || this.#ledgerId === undefined || steps < 0 || steps > stepsMax) return undefined;
    for (let next = keys.epoch + 1; next <= epoch; next++) key = nextEpochKey(nodeHashes, key, this.#ledgerId, next);
    return { ledgerId: this.#ledgerId, epoch, key };
  }
}
