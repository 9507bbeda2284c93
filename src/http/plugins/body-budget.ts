import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpError } from '../http-error.ts';

/** Bodies being received at one time, by their announced lengths: bounds memory whatever clients do. */
const RECEIVING_BYTES_MAX = 256 * 1024 * 1024;

/** Refuses request bodies with 503 while too many are under way; a vanished or slow client gives its share back when its socket closes. */
export function registerBodyBudget(app: FastifyInstance, bodyBytesMax: number): void {
  let receivingBytes = 0;
  app.addHook('onRequest', async (request, reply) => {
    const bytes = announcedBytes(request, bodyBytesMax);
    if (bytes === 0) return;
    if (receivingBytes + bytes > RECEIVING_BYTES_MAX) throw new HttpError('queue-full', `${receivingBytes} bytes are being received already`);
    receivingBytes += bytes;
    reply.raw.once('close', () => {
      receivingBytes -= bytes;
    });
  });
}

function announcedBytes(request: FastifyRequest, bodyBytesMax: number): number {
  if (request.headers['transfer-encoding'] !== undefined) return bodyBytesMax;
  const length = Number(request.headers['content-length'] ?? 0);
  return Number.isSafeInteger(length) && length > 0 ? Math.min(length, bodyBytesMax) : 0;
}
