import { open, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StreamBuffers } from '../kernel/stream-buffers.ts';
import type { ByteRange } from './byte-range.ts';

/** Bytes read ahead of a client. */
const READ_BYTES = 256 * 1024;

/**
 * The file loses its name here, before a byte is sent: whatever becomes of the client or of us, nothing of it stays. `passed` is told the
 * bytes of each chunk that was taken.
 */
export async function streamPrivately(path: string, range: ByteRange | undefined, passed: (bytes: number) => void): Promise<Readable> {
  const file = await open(path, 'r');
  try {
    await unlink(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  const stream = file.createReadStream({
    highWaterMark: READ_BYTES,
    ...(range === undefined ? {} : { start: range.first, end: range.last }),
  });
  const content = Readable.from(flatly(stream, passed), { objectMode: false });
  // A generator that was never asked for anything does not get to close what it reads.
  content.once('close', () => stream.destroy());
  return content;
}

async function* flatly(stream: AsyncIterable<Buffer>, passed: (bytes: number) => void): AsyncGenerator<Buffer, void, undefined> {
  const buffers = new StreamBuffers();
  for await (const chunk of stream) {
    yield chunk;
    buffers.passed(chunk.length);
    passed(chunk.length);
  }
}
