/** Indices of a longest selection of `values` that rises strictly, in order (patience sorting). */
export function longestChain(values: ArrayLike<number>, count: number): Int32Array {
  /** By length less one: the index where the chain of that length with the smallest end has it. */
  const tails = new Int32Array(count);
  const before = new Int32Array(count);
  let length = 0;
  for (let i = 0; i < count; i++) {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[tails[middle]] < values[i]) low = middle + 1;
      else high = middle;
    }
    before[i] = low === 0 ? -1 : tails[low - 1];
    tails[low] = i;
    if (low === length) length++;
  }
  const chain = new Int32Array(length);
  for (let at = length - 1, i = length === 0 ? -1 : tails[length - 1]; at >= 0; at--, i = before[i]) chain[at] = i;
  return chain;
}
