/** Long enough to get work done, short enough that clicks and scrolling stay smooth. */
const SLICE_MS = 24;

/** Lets the browser paint and answer the user. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Runs `step` for 0 … count−1 in slices with pauses between them; `progress` gets the number done after each slice. */
export async function inSlices(count: number, step: (index: number) => void, progress: (done: number) => void): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (let i = 0; i < count; i++) {
    step(i);
    if (performance.now() < sliceEnd) continue;
    progress(i + 1);
    await pause();
    sliceEnd = performance.now() + SLICE_MS;
  }
  progress(count);
}
