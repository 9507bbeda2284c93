/** What the watch can find. Closed: a metric label. */
export const DETECTION_KINDS = [
  'content',
  'truncated',
  'extended',
  'replaced',
  'missing',
  'foreign-file',
  'metadata',
  'watch-dead',
] as const;

export type DetectionKind = (typeof DETECTION_KINDS)[number];

/** Bytes [first, last] of the file, both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** Counters of the entries that lie in the range; `last` is null when the bytes no longer tell where an entry ends. */
export interface SeqRange {
  readonly first: number;
  readonly last: number | null;
}

/** A change below the data or keys folder that the writer did not announce. */
export interface Detection {
  readonly kind: DetectionKind;
  /** `ledger/segments/….seg`, `ledger/watermark`, `keys/log.key`, `.` for the data folder itself. */
  readonly file: string;
  readonly bytes: ByteRange | null;
  readonly seqs: SeqRange | null;
  /** The machine's monotonic clock, ns. */
  readonly detectedNs: bigint;
  /** What was expected, what is there, for a person: one line. */
  readonly evidence: string;
}

/** A detection with the wall time at which it became known, ns since the epoch. */
export interface TimedDetection extends Detection {
  readonly timeNs: bigint;
}

/** What the watch over the ledger's files says about itself and about them. */
export interface WatchStatus {
  /** `polling`: the file system reports no changes, so findings take up to a poll longer. */
  readonly state: 'off' | 'watching' | 'polling' | 'dead';
  /** Latched until the next start, which checks the ledger first. */
  readonly isTampered: boolean;
  /** All of them; `findings` are the first ones. */
  readonly detections: number;
  readonly findings: readonly TimedDetection[];
  /** Counters of tamper records that earlier lives of the sidecar wrote, as far as the ledger has been read since the start. */
  readonly earlierTampers: readonly number[];
  /** Since the watch last said that it is looking. */
  readonly lagSeconds: number;
  /** Last full reading of all sealed segments. */
  readonly cycleSeconds: number | undefined;
  readonly cpuSeconds: number;
}

/** Of a ledger that nobody watches. */
export const NOT_WATCHED: WatchStatus = {
  state: 'off',
  isTampered: false,
  detections: 0,
  findings: [],
  earlierTampers: [],
  lagSeconds: 0,
  cycleSeconds: undefined,
  cpuSeconds: 0,
};
