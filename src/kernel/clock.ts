/** Wall time in nanoseconds since the Unix epoch. Never assumed to be monotonic: the writer clamps it. */
export type Clock = () => bigint;

/** Date.now() has millisecond resolution; entries of one commit group share a time, so nothing finer is needed. */
export const systemClock: Clock = () => BigInt(Date.now()) * 1_000_000n;

/** The wall clock, and the one that nobody can set: only both together show a step. */
export interface Clocks {
  readonly wall: Clock;
  /** Nanoseconds since an arbitrary moment of this boot; never goes back. */
  readonly monotonic: Clock;
}

export const systemClocks: Clocks = { wall: systemClock, monotonic: () => process.hrtime.bigint() };
