import type { ChainKeys } from './chain-keys.ts';
import type { FindingList } from './finding.ts';
import type { PrunedSegment } from './pruned-index.ts';

export interface WalkSegment {
  /** Path below DATA_DIR. */
  readonly file: string;
  /** What its name states. */
  readonly first: number;
  /** What the next file's name states; undefined for the last one. */
  readonly nextFirst: number | undefined;
}

export interface WalkTask {
  /** Where they have no key, MACs are not checked. */
  readonly keys: ChainKeys;
  /** Leaves known to have been acknowledged or signed; undefined when nothing says. */
  readonly acknowledged: number | undefined;
  /** Sizes whose root is wanted. */
  readonly rootSizes: ReadonlySet<number>;
  /** Sizes at which a request must have ended: the ends of commits. */
  readonly commitSizes: ReadonlySet<number>;
  /** Epochs whose verifier key is wanted. */
  readonly wantedEpochs: ReadonlySet<number>;
  /** Takes a file with so many leaves and bytes no further leaf? */
  readonly isFull: (leaves: number, bytes: number) => boolean;
  /** What is left of the segment that began with leaf `first`, where a file is missing. */
  readonly pruned: (first: number) => PrunedSegment | undefined;
  readonly findings: FindingList;
}
