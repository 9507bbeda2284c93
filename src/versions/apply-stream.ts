import type { ByteSource } from './byte-source.ts';
import { WINDOW_BYTES } from './disk.ts';
import { applyOps, PatchRefused, consumes, type Op } from './patch.ts';

/** applyOps on a content of any size: the new content, window by window. Throws PatchRefused where an op does not fit. */
export async function* applyStream(
  ops: AsyncIterable<Op> | Iterable<Op>,
  content: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const op of ops) {
    const length = consumes(op);
    if (at + length > content.bytes) throw new PatchRefused('does-not-fit', `the content ends before the ${op.kind} at ${at}`);
    if (op.kind === 'copy') yield* copy(content, at, length);
    else {
      const changed = applyOps([op], await content.read(at, length));
      if (changed.length > 0) yield changed;
    }
    at += length;
  }
  yield* copy(content, at, content.bytes - at);
}

async function* copy(content: ByteSource, from: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = from; at < from + length; at += WINDOW_BYTES) yield await content.read(at, Math.min(WINDOW_BYTES, from + length - at));
}
