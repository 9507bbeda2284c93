import { METHODS, type IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AddressError } from '../../limiter/address.ts';
import { COST_MAX } from '../../limiter/app-check.ts';
import type { Decision, Limiter } from '../../limiter/limiter.ts';
import type { Subject } from '../../limiter/limits.ts';
import { subjectOfProxy } from '../../limiter/subject.ts';
import { TenantError } from '../../limiter/tenant.ts';
import { answerDecision, refuse, type AnswerMode } from '../limit-answer.ts';
import { problemResponse } from '../schemas/common.ts';

const REQUEST_ID_CHARS_MAX = 200;

/** What a proxy may ask: `X-RateLimit-Cost` and `X-RateLimit-Request-Id` of one that is trusted. */
interface ProxyCheck {
  readonly cost: number;
  readonly requestId: string | undefined;
}

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

/** The checks of reverse proxies: identity comes from headers alone, whatever path, query or body the client sent. */
export function registerProxyChecks(app: FastifyInstance, limiter: Limiter, events: RateLimitEvents): void {
  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { headers } = request.raw;
    const mode = modeOf(headers);
    let subject: Subject;
    let decision: Decision | Promise<Decision>;
    try {
      const client = subjectOfProxy(
        {
          peer: request.raw.socket.remoteAddress ?? '',
          forwardedFor: joined(headers['x-forwarded-for']),
          tenant: joined(headers['x-tenant-id']),
        },
        limiter.limits,
      );
      subject = client;
      decision = limiter.check({ subject, ...(client.isVouched ? readCheck(headers) : { cost: 1 }) });
    } catch (error) {
      if (!(error instanceof AddressError) && !(error instanceof TenantError) && !(error instanceof CheckError)) throw error;
      return refuse(
        reply,
        { type: 'urn:post-incident-proofs:error:invalid-request', title: 'the request is invalid', status: 400, detail: error.message },
        mode,
      );
    }
    const made = decision instanceof Promise ? await decision : decision;
    events.decided(made, subject);
    return answerDecision(reply, made, mode);
  };
  for (const method of app.supportedMethods) {
    // One of them is documented; the others are the same.
    const route = { method, url: '/ratelimit/check/*', schema: method === 'GET' ? proxySchema : { hide: true }, handler: check };
    if (method !== 'HEAD') app.route({ ...route, exposeHeadRoute: method === 'GET' });
  }
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
