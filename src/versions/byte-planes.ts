/** Widths of numbers that are looked for, 1 for none. */
export const STRIDES = [1, 2, 4, 8] as const;

/** The bytes of numbers of `stride` bytes, plane by plane: all first ones, all second ones, …; what is left over stands at the end. */
export function toPlanes(bytes: Uint8Array, stride: number, out: Uint8Array = new Uint8Array(bytes.length)): Uint8Array {
  const count = Math.floor(bytes.length / stride);
  for (let plane = 0, at = 0; plane < stride; plane++) for (let i = plane; i < count * stride; i += stride) out[at++] = bytes[i];
  out.set(bytes.subarray(count * stride), count * stride);
  return out;
}

export function fromPlanes(planes: Uint8Array, stride: number): Uint8Array {
  const count = Math.floor(planes.length / stride);
  const out = new Uint8Array(planes.length);
  for (let plane = 0, at = 0; plane < stride; plane++) for (let i = plane; i < count * stride; i += stride) out[i] = planes[at++];
  out.set(planes.subarray(count * stride), count * stride);
  return out;
}
