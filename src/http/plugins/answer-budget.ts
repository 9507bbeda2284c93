import type { FastifyInstance } from 'fastify';
import { HttpError } from '../http-error.ts';

/** Answers that clients have not read yet, all together: bounds memory when many read slowly or not at all. */
const UNREAD_BYTES_MAX = 256 * 1024 * 1024;
/** Smaller answers mostly fit the socket's own buffers and are not counted. */
const COUNTED_BYTES_MIN = 64 * 1024;

/** Refuses large answers with 503 while too many stand unread; each gives its share back when its exchange ends, however it ends. */
export function registerAnswerBudget(app: FastifyInstance, unreadBytesMax = UNREAD_BYTES_MAX): void {
  let unreadBytes = 0;
  app.addHook('onSend', async (_request, reply, payload) => {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    if (bytes < COUNTED_BYTES_MIN) return;
    // What has been stored is never answered as refused: its producer would send it again.
    const mayRefuse = reply.statusCode !== 201;
    if (mayRefuse && unreadBytes + bytes > unreadBytesMax)
      throw new HttpError('busy', `${unreadBytes} bytes of answers wait for clients to read them`);
    unreadBytes += bytes;
    reply.raw.once('close', () => {
      unreadBytes -= bytes;
    });
  });
}
