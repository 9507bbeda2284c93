/** `node http-app.run.ts empty|fastify-rate-limit [REDIS URL]`: an app with one route, for comparison. Prints its port. */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyPluginCallback, type FastifyRequest } from 'fastify';
import { Redis } from 'ioredis';
import { loadPeer } from './peers.ts';

const [kind, redisUrl] = process.argv.slice(2);
const app = fastify({ logger: false });
if (kind === 'fastify-rate-limit') {
  const plugin = loadPeer('@fastify/rate-limit') as { default: FastifyPluginCallback<Record<string, unknown>> };
  await app.register(plugin.default, {
    max: 50,
    timeWindow: 1000,
    cache: 100_000,
    keyGenerator: (request: FastifyRequest) => request.headers['x-forwarded-for'],
    ...(redisUrl === undefined ? {} : { redis: new Redis(redisUrl, { enableAutoPipelining: true }) }),
  });
}
app.get('/ratelimit/check/*', (_request, reply) => reply.code(200).send());
await app.listen({ host: '127.0.0.1', port: 0 });
console.log((app.server.address() as AddressInfo).port);
