import { LEVELS } from '../kernel/levels.ts';

/** Counts of the running minute, which its summary has to repeat. */
export interface MinuteState {
  /** Minutes since 1970; −1 before the first leaf. */
  minute: number;
  firstSeq: number;
  lastSeq: number;
  leaves: number;
  /** By index into LEVELS. */
  levels: number[];
  /** The first 64 tenants to appear, as the payload spells them (latin1 of the JSON string). */
  tenants: Map<string, number>;
  tenantsOther: number;
  /** Leaves of this minute are damaged or missing: its counts mean nothing. */
  isSpoilt: boolean;
  /** There was damage since the last counted leaf: a minute that begins now may have lost its first leaves. */
  isNextSpoilt: boolean;
  /** The leaf before was this minute's summary. */
  isSummed: boolean;
}

export interface SealFacts {
  readonly seq: number;
  readonly epoch: number;
  readonly timeNs: bigint;
  readonly monotonicNs: bigint;
  readonly bootId: string;
  readonly isFinal: boolean;
}

export interface Rotation {
  readonly firstEpoch: number;
  /** Hex. */
  readonly keyCommitment: string;
}

/** The running epoch, as far as the leaves before say. */
export interface EpochState {
  /** Undefined when the genesis leaf is damaged: then nothing says whether the ledger seals. */
  isSealing: boolean | undefined;
  /** First leaf after which heads carry an epoch's signature; undefined as long as the ledger does not seal. */
  sealingFrom: number | undefined;
  origin: string | undefined;
  /** Epochs that the next leaf may have. They differ only after damage, when a seal may have been among what is lost. */
  min: number;
  max: number;
  /** First leaf of the running epoch and when it was opened; undefined after damage. */
  firstSeq: number | undefined;
  openedNs: bigint | undefined;
  /** Verifier key of the running epoch; undefined after damage, or as long as the ledger does not seal. */
  verifierKey: string | undefined;
  lastSeal: SealFacts | undefined;
  /** What a key-rotate leaf said that waits for its seal. */
  rotation: Rotation | undefined;
  /** Minute summaries in the running epoch after its first other leaf; −1 before that leaf. */
  minutesOpen: number;
  /** Leaves from the first one on up to here were removed, as far as config leaves say. */
  prunedTo: number | undefined;
  /** From where on. */
  prunedFrom: number | undefined;
}

/**
 * All that the leaves before say about the next one: what crosses from one segment to the next. Whoever checks a segment by
 * itself needs this at its begin, and has to bring it to what it is at its end; nothing else of the walk depends on the order
 * (the tree apart). Plain data, so that it can be copied and sent to another thread.
 */
export interface SegmentState {
  /** The next leaf's number. */
  seq: number;
  /** Just past the last leaf that ended a request. */
  requestEnd: number;
  /** The leaf before was the last of its request. */
  endsRequest: boolean;
  /** MAC of the leaf before (latin1). */
  previousMac: string;
  /** What that MAC should have been, when it was another: tells a damaged MAC from damaged content. */
  previousMacExpected: string | undefined;
  /** False right after missing leaves: the next leaf chains to one that is not there. */
  isChained: boolean;
  /** Time of the leaf before, a u64 of nanoseconds in two halves. */
  timeHigh: number;
  timeLow: number;
  /** Time of the first sound leaf. */
  firstTimeNs: bigint | undefined;
  minute: MinuteState;
  epoch: EpochState;
  /** Leaves without a fault, by type. */
  countsByType: number[];
}

function emptyMinute(): MinuteState {
  return {
    minute: -1,
    firstSeq: 0,
    lastSeq: 0,
    leaves: 0,
    levels: LEVELS.map(() => 0),
    tenants: new Map(),
    tenantsOther: 0,
    isSpoilt: false,
    isNextSpoilt: false,
    isSummed: false,
  };
}

function epochZero(): EpochState {
  return {
    isSealing: undefined,
    sealingFrom: undefined,
    origin: undefined,
    min: 0,
    max: 0,
    firstSeq: 0,
    openedNs: undefined,
    verifierKey: undefined,
    lastSeal: undefined,
    rotation: undefined,
    minutesOpen: -1,
    prunedTo: undefined,
    prunedFrom: undefined,
  };
}

/** Before the genesis leaf. */
export function initialState(noPreviousMac: string): SegmentState {
  return {
    seq: 0,
    requestEnd: 0,
    endsRequest: true,
    previousMac: noPreviousMac,
    previousMacExpected: undefined,
    isChained: true,
    timeHigh: 0,
    timeLow: 0,
    firstTimeNs: undefined,
    minute: emptyMinute(),
    epoch: epochZero(),
    countsByType: Array.from({ length: 256 }, () => 0),
  };
}

export function lastTimeNs(state: SegmentState): bigint {
  return (BigInt(state.timeHigh) << 32n) | BigInt(state.timeLow);
}
