import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';
import { leaveUnhurried } from './plugins/client-errors.ts';

/** A client has to send so many bytes … */
const PACE_BYTES_MIN = 64 * 1024;
/** … for every so many milliseconds that it is waited for: 2 KiB a second. Slower ones would hold a file and a connection for nothing. */
const PACE_MS_MAX = 30_000;
/** What is read and dropped of a refused content, so that a client that sends before it reads still gets its answer. */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * A body of any length, chunk by chunk, no faster than they are taken. It may take as long as it goes on: only the time in which the client
 * is waited for counts, not that of the disk. Throws HttpError: `timeout` for a stalled client, `incomplete` for one that left.
 */
export async function* receiveBody(request: IncomingMessage, paceMsMax = PACE_MS_MAX): AsyncGenerator<Uint8Array, void, undefined> {
  leaveUnhurried(request);
  // Not destroyed where it is left: the answer goes over the same socket.
  const chunks = request.iterator({ destroyOnReturn: false });
  let leftMs = paceMsMax;
  let bytes = 0;
  try {
    for (;;) {
      const startMs = performance.now();
      const { value, done } = await within(leftMs, chunks.next());
      if (done === true) return;
      leftMs -= performance.now() - startMs;
      bytes += value.length;
      if (bytes >= PACE_BYTES_MIN) [leftMs, bytes] = [paceMsMax, 0];
      yield value;
    }
  } finally {
    // Without waiting: that of a stalled client comes to its end when the client goes on, or leaves.
    chunks.return?.().catch(() => undefined);
  }
}

async function within<T>(ms: number, chunk: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new HttpError('timeout', 'the body has stopped coming')), Math.max(0, ms));
  });
  try {
    return await Promise.race([chunk, stalled]);
  } catch (cause) {
    throw cause instanceof HttpError ? cause : new HttpError('incomplete', 'the connection ended inside the body', { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** For a body whose answer is on its way and that nobody reads any more: dropped, up to a bound, then cut. */
export function dropRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DROPPED_BYTES_MAX) request.destroy();
  });
  request.on('error', () => undefined);
  request.resume();
}
