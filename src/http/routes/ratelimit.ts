import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AddressError } from '../../limiter/address.ts';
import { COST_MAX } from '../../limiter/app-check.ts';
import type { Decision, Limiter } from '../../limiter/limiter.ts';
import type { Subject } from '../../limiter/limits.ts';
import { subjectOfProxy } from '../../limiter/subject.ts';
import { TenantError } from '../../limiter/tenant.ts';
import { answerDecision, refuse, type AnswerMode } from '../limit-answer.ts';

const REQUEST_ID_CHARS_MAX = 200;

/** What a proxy may ask: `X-RateLimit-Cost` and `X-RateLimit-Request-Id` of one that is trusted. */
interface ProxyCheck {
  readonly cost: number;
  readonly requestId: string | undefined;
}

class CheckError extends Error {}

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
  app.all('/ratelimit/check/*', check);
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
