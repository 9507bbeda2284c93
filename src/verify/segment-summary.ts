/**
 * A run of event leaves within one minute and one epoch, checked by themselves. What is left to check is how it fits to the leaves
 * before it, and its counts against the summary of its minute.
 */
export interface EventRun {
  readonly kind: 'events';
  readonly count: number;
  readonly epoch: number;
  /** Minutes since 1970. */
  readonly minute: number;
  /** Times of the first and the last leaf, u64 nanoseconds in two halves. */
  readonly firstTimeHigh: number;
  readonly firstTimeLow: number;
  readonly lastTimeHigh: number;
  readonly lastTimeLow: number;
  /** The first leaf has a request tag: it must be the first of its request. */
  readonly isTagged: boolean;
  /** The last leaf is the last of its request. */
  readonly endsRequest: boolean;
  /** MAC of the last leaf. */
  readonly lastMac: Uint8Array;
  /** By index into LEVELS. */
  readonly levels: readonly number[];
  /** Spelling (latin1 of the JSON string) and count, in the order of their appearance. */
  readonly tenants: readonly (readonly [string, number])[];
}

/** Any other leaf: its place in `records`. Only its frame, its number, its MAC and its hash have been checked. */
export interface RecordPlace {
  readonly kind: 'record';
  readonly from: number;
  readonly end: number;
}

/** What is known at a size that was asked for. */
export interface SizeFact {
  readonly size: number;
  /** The leaf before ends its request. */
  readonly endsRequest: boolean;
  /** Its MAC. */
  readonly mac: Uint8Array;
  /** Hashes of the leaves from the begin of its block of 256 up to this size. */
  readonly leafHashes: Uint8Array;
}

/**
 * What a segment turned out to hold when it was checked by itself and nothing in it was in doubt. Everything that depends on the
 * segments before it is repeated here as it was assumed, for the merge to compare.
 */
export interface SegmentSummary {
  readonly first: number;
  readonly leaves: number;
  readonly bytes: number;
  /** The first leaf's epoch, and the key and MAC that its own MAC was checked with; undefined: MACs were not checked. */
  readonly chained: { readonly epoch: number; readonly key: Uint8Array; readonly previousMac: Uint8Array } | undefined;
  readonly items: readonly (EventRun | RecordPlace)[];
  /** The leaves of `items` that are no events, one after the other. */
  readonly records: Uint8Array;
  /** Roots of the whole blocks of 256 leaves, 32 bytes each, and the leaf hashes of what follows. */
  readonly blockRoots: Uint8Array;
  readonly restHashes: Uint8Array;
  readonly sizes: readonly SizeFact[];
  /** Leaves up to the last that ended its request, and the byte behind it; both 0 when none did. */
  readonly requestEnd: { readonly leaves: number; readonly byte: number };
}
