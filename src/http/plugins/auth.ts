import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Secrets } from '../../config/secrets.ts';
import { HttpError } from '../http-error.ts';

/**
 * Routes that give nothing away and must answer without a secret: probes, documentation, and what other logs ask of a witness
 * (c2sp.org/tlog-witness knows no authentication beside the signature of the checkpoint).
 */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json', '/docs', '/add-checkpoint', '/witness/key']);
const OPEN_PREFIX = '/docs/';

/** With a token configured, every request but those of OPEN_ROUTES has to carry it. */
export function registerAuth(app: FastifyInstance, secrets: Secrets): void {
  const { tokenDigest } = secrets;
  if (tokenDigest === undefined) return;
  app.addHook('onRequest', async (request) => {
    // The route that was found, not the path that was sent: no spelling of an address can lead past this.
    const route = request.routeOptions.url ?? '';
    if (OPEN_ROUTES.has(route) || route.startsWith(OPEN_PREFIX)) return;
    const given = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    // Digests have one length, so the comparison takes the same time for every wrong token.
    if (!timingSafeEqual(createHash('sha256').update(given).digest(), tokenDigest))
      throw new HttpError('unauthorized', 'the bearer token is missing or wrong');
  });
}
