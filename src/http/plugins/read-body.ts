import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpError } from '../http-error.ts';

/** Bytes of bodies held at one time, from their arrival to the end of their answer: bounds memory whatever clients do. */
const HELD_BYTES_MAX = 256 * 1024 * 1024;
/** What is read and dropped of a refused body, so that a client that sends before it reads still gets its answer. */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Bodies of these media types arrive as one Buffer. What counts is what has arrived, never what was announced: a slow client holds
 * no more than it has sent, and a vanished one gives that back at once.
 */
export function registerBodyReader(
  app: FastifyInstance,
  mediaTypes: readonly string[],
  bodyBytesMax: number,
  heldBytesMax = HELD_BYTES_MAX,
): void {
  let heldBytes = 0;
  const heldBy = new WeakMap<IncomingMessage, number>();
  const hold = (request: IncomingMessage, bytes: number): boolean => {
    if (heldBytes + bytes > heldBytesMax) return false;
    heldBytes += bytes;
    heldBy.set(request, (heldBy.get(request) ?? 0) + bytes);
    return true;
  };
  app.addHook('onRequest', async (request, reply) => {
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding !== 'identity')
      throw new HttpError('unsupported-media-type', `content-encoding "${encoding.slice(0, 64)}" is not taken: send the body as it is`);
    reply.raw.once('close', () => {
      heldBytes -= heldBy.get(request.raw) ?? 0;
      heldBy.delete(request.raw);
    });
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...mediaTypes], (_request: FastifyRequest, payload: IncomingMessage) => readBody(payload, bodyBytesMax, hold));
}

function readBody(payload: IncomingMessage, bytesMax: number, hold: (request: IncomingMessage, bytes: number) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isRefused = false;
    const refuse = (error: HttpError): void => {
      isRefused = true;
      chunks.length = 0;
      bytes = 0;
      reject(error);
    };
    if (Number(payload.headers['content-length'] ?? 0) > bytesMax) refuse(tooLarge(bytesMax));
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (isRefused) {
        if (bytes > DROPPED_BYTES_MAX) payload.destroy();
      } else if (bytes > bytesMax) refuse(tooLarge(bytesMax));
      else if (hold(payload, chunk.length)) chunks.push(chunk);
      else refuse(new HttpError('queue-full', 'too many bodies are being received'));
    });
    payload.once('end', () => resolve(Buffer.concat(chunks, isRefused ? 0 : bytes)));
    payload.once('error', (cause) => reject(new HttpError('incomplete', 'the connection ended inside the body', { cause })));
  });
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError('too-large', `the body has more than ${bytesMax} bytes`);
}
