import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Secrets } from '../../config/secrets.ts';
import { HttpError } from '../http-error.ts';

/** Probes and documentation give nothing away and must answer without a secret. */
const OPEN_PATHS = ['/healthz', '/readyz', '/openapi.json', '/docs'];

/** With a token configured, every request but probes and documentation has to carry it. */
export function registerAuth(app: FastifyInstance, secrets: Secrets): void {
  const { tokenDigest } = secrets;
  if (tokenDigest === undefined) return;
  app.addHook('onRequest', async (request) => {
    const path = request.url.split('?', 1)[0];
    if (OPEN_PATHS.some((open) => path === open || path.startsWith(`${open}/`))) return;
    const given = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    // Digests have one length, so the comparison takes the same time for every wrong token.
    if (!timingSafeEqual(createHash('sha256').update(given).digest(), tokenDigest))
      throw new HttpError('unauthorized', 'the bearer token is missing or wrong');
  });
}
