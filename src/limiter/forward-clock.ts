import { STEP_BACK_US_MAX } from './window.ts';

/**
 * A clock that does not go back, made of one that should not. A small step back is waited out; after a large one time goes on from where it
 * stood. Ages of stamps are never overstated, so nothing too much is admitted.
 */
export function forwardClock(clockUs: () => number): () => number {
  let [lastUs, offsetUs] = [-Infinity, 0];
  return () => {
    const nowUs = clockUs() + offsetUs;
    if (nowUs >= lastUs) return (lastUs = nowUs);
    if (nowUs < lastUs - STEP_BACK_US_MAX) offsetUs += lastUs - nowUs;
    return lastUs;
  };
}
