import { METHODS, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { assertInvariant } from '../../kernel/errors.ts';
import { AddressError } from '../../limiter/address.ts';
import { COST_MAX } from '../../limiter/app-check.ts';
import type { Decision, Limiter } from '../../limiter/limiter.ts';
import type { Subject } from '../../limiter/limits.ts';
import { ProxySubjects, type ProxySubject } from '../../limiter/subject.ts';
import { TenantError } from '../../limiter/tenant.ts';
import { answerDecision, refusal, sendRaw, sendReply, type AnswerMode, type LimitAnswer } from '../limit-answer.ts';
import { openExchange } from '../plugins/client-errors.ts';
import { problemResponse } from '../schemas/common.ts';

const REQUEST_ID_CHARS_MAX = 200;

/** What a proxy may ask: `X-RateLimit-Cost` and `X-RateLimit-Request-Id` of one that is trusted. */
interface ProxyCheck {
  readonly cost: number;
  readonly requestId: string | undefined;
}

/** What anybody else may ask. */
const STRANGER: ProxyCheck = { cost: 1, requestId: undefined };

class CheckError extends Error {}

const proxySchema = {
  operationId: 'checkProxiedRequest',
  tags: ['limits'],
  summary: 'Decide a request that a reverse proxy holds',
  description:
    'With any method. Path, query and body are the client’s own and count for nothing: identity comes from X-Forwarded-For, X-Tenant-Id, X-RateLimit-Cost and X-RateLimit-Request-Id of proxies that the limits file trusts. With `X-RateLimit-Mode: nginx` every refusal is 403, and X-RateLimit-Status says which.',
  params: Type.Object({ '*': Type.String() }),
  response: {
    200: { description: 'The request may go on; RateLimit and RateLimit-Policy say how the limits stand' },
    400: problemResponse('The trusted proxy sent no address, or an identity that cannot be read'),
    403: problemResponse('A refusal in nginx mode; see X-RateLimit-Status'),
    429: problemResponse('A limit is reached; see Retry-After'),
    503: problemResponse('Less is admitted for the time being; see Retry-After'),
  },
};

export interface RateLimitEvents {
  decided(decision: Decision, subject: Subject): void;
}

/** Decides what a proxy asks, from the headers alone, whatever path, query or body the client sent. */
export class ProxyChecks {
  readonly #limiter: Limiter;
  readonly #events: RateLimitEvents;
  readonly #subjects = new ProxySubjects();

  constructor(limiter: Limiter, events: RateLimitEvents) {
    this.#limiter = limiter;
    this.#events = events;
  }

  answer({ headers, socket }: IncomingMessage): LimitAnswer | Promise<LimitAnswer> {
    const mode = modeOf(headers);
    let subject: ProxySubject;
    let decision: Decision | Promise<Decision>;
    try {
      const claims = {
        peer: socket.remoteAddress ?? '',
        forwardedFor: joined(headers['x-forwarded-for']),
        tenant: joined(headers['x-tenant-id']),
      };
      subject = this.#subjects.of(claims, this.#limiter.limits);
      const { cost, requestId } = subject.isVouched ? readCheck(headers) : STRANGER;
      decision = this.#limiter.check({ subject, cost, requestId });
    } catch (error) {
      if (!(error instanceof AddressError) && !(error instanceof TenantError) && !(error instanceof CheckError)) throw error;
      const type = 'urn:post-incident-proofs:error:invalid-request';
      return refusal({ type, title: 'the request is invalid', status: 400, detail: error.message }, mode);
    }
    if (decision instanceof Promise) return decision.then((late) => this.#tell(late, subject, mode));
    return this.#tell(decision, subject, mode);
  }

  #tell(decision: Decision, subject: Subject, mode: AnswerMode): LimitAnswer {
    this.#events.decided(decision, subject);
    return answerDecision(decision, mode);
  }
}

/** The routes of the checks, for the API's description and for whatever takeProxyChecks leaves to Fastify. */
export function registerProxyChecks(app: FastifyInstance, checks: ProxyChecks): void {
  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendReply(reply, await checks.answer(request.raw));
  for (const method of app.supportedMethods) {
    // One of them is documented; the others are the same.
    const route = { method, url: '/ratelimit/check/*', schema: method === 'GET' ? proxySchema : { hide: true }, handler: check };
    if (method !== 'HEAD') app.route({ ...route, exposeHeadRoute: method === 'GET' });
  }
}

const PATH = '/ratelimit/check/';
/** Of apps, whose bodies are read. */
const BATCH = /^\/ratelimit\/check\/batch(?:[?#]|$)/;

/**
 * Answers the checks before Fastify sees them, which would take as long as everything else together. `mayTake` is asked each time: where a
 * token is wanted, or the sidecar is stopping, the hooks of Fastify have their say. A body that comes along is dropped by Node.
 */
export function takeProxyChecks(app: FastifyInstance, checks: ProxyChecks, mayTake: () => boolean): void {
  const { server } = app;
  const [others, ...more] = server.listeners('request') as RequestListener[];
  assertInvariant(more.length === 0, 'Fastify listens for requests once');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { url = '' } = request;
    if (!url.startsWith(PATH) || BATCH.test(url) || !mayTake()) {
      others(request, response);
      return;
    }
    // What fails here should not; the routes fail in the same way, and know how to say so.
    const give = (): void => others(request, response);
    let answer: LimitAnswer | Promise<LimitAnswer>;
    try {
      answer = checks.answer(request);
    } catch {
      give();
      return;
    }
    if (answer instanceof Promise) {
      openExchange(request, response);
      answer.then((late) => sendRaw(response, late), give);
    } else sendRaw(response, answer);
  });
}

/** Proxies ask with the client's own method: all that Node reads become known. A body that comes along is dropped unread. */
export function takeEveryMethod(app: FastifyInstance): void {
  for (const method of METHODS)
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true });
}

export function dropBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null, undefined);
  });
}

function modeOf(headers: IncomingHttpHeaders): AnswerMode {
  return headers['x-ratelimit-mode'] === 'nginx' ? 'nginx' : 'plain';
}

function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}

function readCheck(headers: IncomingHttpHeaders): ProxyCheck {
  const cost = joined(headers['x-ratelimit-cost']);
  if (cost !== undefined && (!/^[1-9]\d{0,6}$/.test(cost) || Number(cost) > COST_MAX))
    throw new CheckError(`X-RateLimit-Cost "${cost.slice(0, 40)}" is not a whole number from 1 to ${COST_MAX}`);
  const requestId = joined(headers['x-ratelimit-request-id']);
  if (requestId !== undefined && (requestId === '' || requestId.length > REQUEST_ID_CHARS_MAX))
    throw new CheckError(`X-RateLimit-Request-Id has not 1 to ${REQUEST_ID_CHARS_MAX} characters`);
  return { cost: cost === undefined ? 1 : Number(cost), requestId };
}
