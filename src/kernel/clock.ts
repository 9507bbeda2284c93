/** Wall time in nanoseconds since the Unix epoch. Never assumed to be monotonic: the writer clamps it. */
export type Clock = () => bigint;

/** Date.now() has millisecond resolution; entries of one commit group share a time, so nothing finer is needed. */
export const systemClock: Clock = () => BigInt(Date.now()) * 1_000_000n;
