import type { EpochFacts } from './epoch-facts.ts';
import type { SegmentEnd } from './ledger-index.ts';
import type { MinuteMark } from './minute-counter.ts';
import type { RememberedRequest } from './request-log.ts';

/** The state of the ledger right after the last leaf of a segment. */
export interface SegmentClosing {
  readonly end: SegmentEnd;
  readonly epochs: EpochFacts;
  readonly lastTimeNs: bigint;
  readonly lastMac: Uint8Array;
  readonly minute: MinuteMark;
}

/** What a group says for the segment index beside block starts and roots. */
export interface GroupNotes {
  readonly requests: readonly RememberedRequest[];
  /** Recovery leaves and the piece each speaks of. */
  readonly recoveries: readonly { readonly seq: number; readonly sha256: string }[];
  /** Config leaves that state a pruning. */
  readonly prunings: readonly number[];
  /** Segments that the group filled. */
  readonly closings: readonly SegmentClosing[];
}

/** Collects them while leaves are staged; a group that could not be written takes its notes with it. */
export class SegmentNotes {
  #requests: RememberedRequest[] = [];
  #recoveries: { seq: number; sha256: string }[] = [];
  #prunings: number[] = [];
  #closings: SegmentClosing[] = [];

  request(request: RememberedRequest): void {
    this.#requests.push(request);
  }

  recovery(seq: number, sha256: string): void {
    this.#recoveries.push({ seq, sha256 });
  }

  pruning(seq: number): void {
    this.#prunings.push(seq);
  }

  /** The same segment may be told twice: after its last leaf, and after the request that this leaf belonged to. */
  closing(closing: SegmentClosing): void {
    if (this.#closings.at(-1)?.end.first !== closing.end.first) this.#closings.push(closing);
  }

  take(): GroupNotes {
    const notes = { requests: this.#requests, recoveries: this.#recoveries, prunings: this.#prunings, closings: this.#closings };
    this.#requests = [];
    this.#recoveries = [];
    this.#prunings = [];
    this.#closings = [];
    return notes;
  }
}
