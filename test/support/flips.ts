/** Content with one bit changed. */
export function flipBit(content: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(content);
  flipped[bit >> 3] ^= 1 << (bit & 7);
  return flipped;
}

/** A map with one file replaced. */
export function withFile(files: ReadonlyMap<string, Uint8Array>, path: string, content: Uint8Array): Map<string, Uint8Array> {
  return new Map(files).set(path, content);
}

export interface FramePlace {
  readonly seq: number;
  /** Offset of its u16 length. */
  readonly from: number;
  /** Offset just past the leaf. */
  readonly end: number;
}

/** Where the frames of leaves lie in a segment whose first leaf is `first`. */
export function framePlaces(leaves: readonly Uint8Array[], first = 0): FramePlace[] {
  let at = 0;
  return leaves.map((leaf, index) => {
    const from = at;
    at += 2 + leaf.length;
    return { seq: first + index, from, end: at };
  });
}
