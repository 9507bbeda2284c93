import type { ByteSource } from './byte-source.ts';
import { WINDOW_BYTES } from './disk.ts';
import { applyOps, PatchRefused, consumes, type Op } from './patch.ts';

/** applyOps on a content of any size: the new content, window by window; each is good until the next one is asked for. Throws PatchRefused where an op does not fit. */
export async function* applyStream(
  ops: AsyncIterable<Op> | Iterable<Op>,
  content: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, content.bytes));
  let at = 0;
  for await (const op of ops) {
    const length = consumes(op);
    if (at + length > content.bytes) throw new PatchRefused('does-not-fit', `the content ends before the ${op.kind} at ${at}`);
    if (op.kind === 'copy') yield* copy(content, at, length, window);
    else {
      const changed = applyOps([op], await content.read(at, length));
      if (changed.length > 0) yield changed;
    }
    at += length;
  }
  yield* copy(content, at, content.bytes - at, window);
}

async function* copy(content: ByteSource, from: number, length: number, window: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const end = from + length;
  for (let at = from; at < end; at += window.length) yield await content.readInto(window.subarray(0, end - at), at);
}
