import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance } from 'fastify';
import type { Secrets } from './config/secrets.ts';
import { registerAuth } from './http/plugins/auth.ts';
import { registerBodyBudget } from './http/plugins/body-budget.ts';
import { registerProblems } from './http/plugins/problems.ts';
import { registerBundles } from './http/routes/bundles.ts';
import { registerHealth, type Lifecycle } from './http/routes/health.ts';
import { BODY_BYTES_MAX, registerIngest } from './http/routes/ingest.ts';
import { registerLedger } from './http/routes/ledger.ts';
import { registerQuery } from './http/routes/query.ts';
import type { Ledger } from './ledger/ports.ts';
import type { Observer } from './observe/observer.ts';

/** A whole request has to arrive in this time: a slow body holds a share of the body budget. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for requests past their time. */
const CONNECTIONS_CHECK_MS = 2_000;
/** Sockets beyond this are refused by the kernel's backlog. */
const CONNECTIONS_MAX = 4096;
const URL_CHARS_MAX = 2048;

export interface AppDependencies {
  readonly ledger: Ledger;
  readonly observer: Observer;
  readonly secrets: Secrets;
  readonly lifecycle: Lifecycle;
  readonly version: string;
  /** For tests that must not wait half a minute. */
  readonly requestTimeoutMs?: number;
}

/** Routes and plugins around the given rooms; does not listen. */
export async function buildApp({ ledger, observer, secrets, lifecycle, version, requestTimeoutMs = REQUEST_TIMEOUT_MS }: AppDependencies): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: URL_CHARS_MAX },
    http: { headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs), connectionsCheckingInterval: Math.min(CONNECTIONS_CHECK_MS, requestTimeoutMs) },
    // Unknown query parameters are faults, all faults are listed, nothing is silently dropped.
    ajv: { customOptions: { removeAdditional: false, allErrors: true, coerceTypes: true, useDefaults: true } },
    genReqId: () => crypto.randomUUID(),
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  registerProblems(app, observer);
  registerAuth(app, secrets);
  registerBodyBudget(app, BODY_BYTES_MAX);
  app.addHook('onResponse', async (request, reply) => {
    observer.requestAnswered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
  });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'post-incident-proofs', version, description: 'A flight recorder for services: tamper-evident events, evidence bundles.', license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: 'http://127.0.0.1:8080' }],
      tags: [
        { name: 'ledger', description: 'Events, checkpoints and proofs' },
        { name: 'bundles', description: 'Evidence for strangers' },
        { name: 'operations', description: 'Probes and metrics' },
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }, {}],
    },
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  registerIngest(app, ledger, observer);
  registerQuery(app, ledger);
  registerLedger(app, ledger);
  registerBundles(app, ledger, observer);
  registerHealth(app, ledger, observer, lifecycle);
  await app.ready();
  return app;
}
