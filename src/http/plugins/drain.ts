import type { FastifyInstance } from 'fastify';
import { HttpError } from '../http-error.ts';
import type { Lifecycle } from '../routes/health.ts';

/** Probes are answered to the end: they say that this sidecar is leaving. */
const PROBE_PATHS: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz', '/metrics']);

/** From the first SIGTERM on, what has begun is finished and what comes on connections that are still open is refused. */
export function registerDrain(app: FastifyInstance, lifecycle: Lifecycle): void {
  app.addHook('onRequest', async (request) => {
    if (lifecycle.isStopping && !PROBE_PATHS.has(request.routeOptions.url)) throw new HttpError('closed', 'the sidecar is shutting down');
  });
  // The server closes when its last connection has: none may be kept for later requests.
  app.addHook('onSend', async (_request, reply) => {
    if (lifecycle.isStopping) void reply.header('connection', 'close');
  });
}
