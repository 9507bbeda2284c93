/** Is one unit admitted at `nowUs`? Decisions come in the order of time. */
export type Limiter = (nowUs: number) => boolean;

/** Counts in calendar windows: [0, τ), [τ, 2τ), … */
export function fixedWindow(limit: number, windowUs: number): Limiter {
  let [bucket, count] = [-1, 0];
  return (nowUs) => {
    const current = Math.floor(nowUs / windowUs);
    if (current !== bucket) [bucket, count] = [current, 0];
    if (count >= limit) return false;
    count++;
    return true;
  };
}

/** Two calendar windows, the former weighted by how much of it the trailing window still covers ("sliding window counter"). */
export function twoBuckets(limit: number, windowUs: number): Limiter {
  let [bucket, count, before] = [-1, 0, 0];
  return (nowUs) => {
    const current = Math.floor(nowUs / windowUs);
    if (current !== bucket) {
      before = current === bucket + 1 ? count : 0;
      [bucket, count] = [current, 0];
    }
    const estimate = before * (1 - (nowUs % windowUs) / windowUs) + count;
    if (estimate + 1 > limit) return false;
    count++;
    return true;
  };
}

/** Generic cell rate algorithm (ITU-T I.371), the leaky bucket as a meter: a unit each τ / R, and a burst of R. */
export function gcra(limit: number, windowUs: number): Limiter {
  const intervalUs = windowUs / limit;
  let arrivalUs = -Infinity;
  return (nowUs) => {
    const nextUs = Math.max(arrivalUs, nowUs);
    if (nextUs - nowUs > windowUs - intervalUs) return false;
    arrivalUs = nextUs + intervalUs;
    return true;
  };
}
