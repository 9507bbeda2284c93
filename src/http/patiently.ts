import type { FastifyRequest } from 'fastify';

/** Making, comparing or hashing contents of gigabytes takes longer than a connection may otherwise stand idle. */
const WORK_MS_MAX = 30 * 60_000;

/** Does the work without the connection being cut for its silence. */
export async function patiently<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const { socket } = request.raw;
  socket.setTimeout(WORK_MS_MAX);
  try {
    return await work();
  } finally {
    socket.setTimeout(request.server.server.timeout);
  }
}
