import fastify, { type FastifyInstance } from 'fastify';
import type { Anchors } from './anchor/open-anchors.ts';
import { describeApi } from './http/describe-api.ts';
import { NOT_WATCHED, type WatchStatus } from './kernel/detection.ts';
import type { Secrets } from './config/secrets.ts';
import { registerAnswerBudget } from './http/plugins/answer-budget.ts';
import { registerAuth } from './http/plugins/auth.ts';
import { answerClientError, registerClientErrors } from './http/plugins/client-errors.ts';
import { registerDrain } from './http/plugins/drain.ts';
import { registerProblems, sendProblem, toProblem } from './http/plugins/problems.ts';
import { registerBodyReader } from './http/plugins/read-body.ts';
import { registerBundles } from './http/routes/bundles.ts';
import { registerHealth, type Lifecycle } from './http/routes/health.ts';
import { BODY_BYTES_MAX, EVENT_MEDIA_TYPES, registerIngest } from './http/routes/ingest.ts';
import { registerLedger } from './http/routes/ledger.ts';
import { dropBodies, ProxyChecks, registerProxyChecks, takeEveryMethod, takeProxyChecks } from './http/routes/ratelimit.ts';
import { registerAppChecks } from './http/routes/ratelimit-apps.ts';
import { registerQuery } from './http/routes/query.ts';
import { registerReceipts } from './http/routes/receipts.ts';
import { registerVersions } from './http/routes/versions.ts';
import { registerWitness } from './http/routes/witness.ts';
import { Turns } from './http/turns.ts';
import type { Ledger } from './ledger/ports.ts';
import type { OpenedLimiter } from './limiter/open-limiter.ts';
import type { Observer } from './observe/observer.ts';
import type { Versions } from './versions/ports.ts';

/** A whole request has to arrive in this time: a slow body holds a share of the body budget. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for requests past their time. */
const CONNECTIONS_CHECK_MS = 2_000;
/** Sockets beyond this are refused by the kernel's backlog. */
const CONNECTIONS_MAX = 4096;
/** A connection on which nothing moves for so long, for example because nobody reads the answer, is cut. Building a bundle takes less. */
const IDLE_MS_MAX = 120_000;
const URL_CHARS_MAX = 2048;

export interface AppDependencies {
  readonly ledger: Ledger;
  readonly observer: Observer;
  readonly secrets: Secrets;
  readonly lifecycle: Lifecycle;
  readonly version: string;
  /** Undefined: no witness, and none asked. */
  readonly anchors?: Anchors | undefined;
  /** What the watch over the files says; undefined: nobody watches. */
  readonly watch?: (() => WatchStatus) | undefined;
  /** What is wrong with the archive. */
  readonly archiveTrouble?: (() => string | undefined) | undefined;
  /** Undefined: no limits, and no routes for them. */
  readonly limits?: OpenedLimiter | undefined;
  /** Undefined: no artifacts, and no routes for them. */
  readonly versions?: Versions | undefined;
  /** For tests that must not wait half a minute. */
  readonly requestTimeoutMs?: number;
}

/** Routes and plugins around the given rooms; does not listen. */
export async function buildApp({
  ledger,
  observer,
  secrets,
  lifecycle,
  version,
  anchors,
  watch = () => NOT_WATCHED,
  archiveTrouble = () => undefined,
  limits,
  versions,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: AppDependencies): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: IDLE_MS_MAX,
    forceCloseConnections: 'idle',
    // registerDrain answers in the form of all other errors.
    return503OnClosing: false,
    routerOptions: { maxParamLength: URL_CHARS_MAX },
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(CONNECTIONS_CHECK_MS, requestTimeoutMs),
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, observer),
    frameworkErrors: (error, request, reply) => void sendProblem(toProblem(error), error, request, reply, observer),
    // Unknown query parameters are faults, all faults are listed, nothing is silently dropped.
    ajv: { customOptions: { removeAdditional: false, allErrors: true, coerceTypes: true, useDefaults: true } },
    genReqId: () => crypto.randomUUID(),
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  takeEveryMethod(app);
  registerProblems(app, observer);
  registerClientErrors(app);
  registerDrain(app, lifecycle);
  registerAuth(app, secrets);
  await describeApi(app, version);
  const checks = limits === undefined ? undefined : new ProxyChecks(limits.limiter, limits);
  if (checks !== undefined) await registerLimits(app, checks);
  registerBodyReader(app, EVENT_MEDIA_TYPES, BODY_BYTES_MAX);
  registerAnswerBudget(app);
  app.addHook('onResponse', async (request, reply) => {
    observer.requestAnswered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
  });
  const turns = new Turns();
  registerIngest(app, ledger, observer, turns);
  registerQuery(app, ledger, turns);
  registerLedger(app, ledger, turns, anchors?.rounds, watch);
  registerReceipts(app, ledger, turns);
  registerWitness(app, anchors?.witness, observer);
  registerBundles(app, ledger, observer);
  if (versions !== undefined) registerVersions(app, versions, observer, { paceMs: requestTimeoutMs });
  if (limits !== undefined) registerAppChecks(app, limits.limiter, limits);
  registerHealth(app, ledger, observer, lifecycle, anchors, watch, archiveTrouble, limits, () => versions?.damages() ?? []);
  await app.ready();
  if (checks !== undefined) takeProxyChecks(app, checks, () => secrets.tokenDigest === undefined && !lifecycle.isStopping);
  return app;
}

/** The checks of proxies stand in the way of every request of an app: they go through as few hooks as can be. */
async function registerLimits(app: FastifyInstance, checks: ProxyChecks): Promise<void> {
  await app.register((scope, _options, done) => {
    dropBodies(scope);
    registerProxyChecks(scope, checks);
    done();
  });
}
