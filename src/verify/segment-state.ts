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
  /** Leaves without a fault, by type. */
  countsByType: number[];
}

export function emptyMinute(): MinuteState {
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
    countsByType: Array.from({ length: 256 }, () => 0),
  };
}

export function lastTimeNs(state: SegmentState): bigint {
  return (BigInt(state.timeHigh) << 32n) | BigInt(state.timeLow);
}
