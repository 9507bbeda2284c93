import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../../kernel/error-codes.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { Observer } from '../../observe/observer.ts';
import { VersionsError, type VersionsErrorDetails } from '../../versions/versions-error.ts';
import { HttpError } from '../http-error.ts';
import { formatProblem, problemStatus, type CurrentHead, type Problem } from '../problem.ts';
import { toEtag } from '../version-etag.ts';
import { wasAnswered } from './client-errors.ts';

/** Seconds after which a refused producer may try again: a few group commits. */
const RETRY_AFTER_S = 1;
const RETRIED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['queue-full', 'busy', 'closed', 'failed', 'disk-full', 'unanchored']);

/** RFC 9457 answers for everything that goes wrong, from the one table of codes. */
export function registerProblems(app: FastifyInstance, observer: Observer): void {
  app.setErrorHandler((error: FastifyError | Error, request, reply) => sendProblem(toProblem(error), error, request, reply, observer));
  app.setNotFoundHandler((request, reply) => {
    // Without the query: secrets are put there by mistake, and this text goes to the log.
    const path = request.url.split('?', 1)[0].slice(0, 200);
    const problem = { code: 'not-found', detail: `there is no ${request.method} "${path}"` } as const;
    return sendProblem(problem, undefined, request, reply, observer);
  });
}

export function sendProblem(
  problem: Problem,
  cause: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  observer: Observer,
): FastifyReply {
  const status = problemStatus(problem);
  if (problem.code === 'internal') observer.log.error({ err: cause, requestId: request.id }, 'internal error');
  if (!wasAnswered(request)) observer.requestRefused(problem.code, status, problem.detail, request.id);
  // Fastify closes after a refused body, and a close while the client still sends is a reset that can swallow the answer. The rest
  // of the body is read and dropped instead (plugins/read-body.ts bounds it).
  if (!request.raw.complete) reply.removeHeader('connection');
  if (RETRIED.has(problem.code)) void reply.header('retry-after', String(RETRY_AFTER_S));
  if (problem.current !== undefined) void reply.header('etag', problem.current.etag);
  if (problem.code === 'unauthorized') void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).type('application/problem+json').send(formatProblem(problem, request.id));
}

const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-request',
};

export function toProblem(error: FastifyError | Error): Problem {
  if (error instanceof HttpError) return { code: error.code, detail: error.message, faults: error.faults, faultsTotal: error.faultsTotal };
  if (error instanceof VersionsError) return { code: error.code, detail: error.message, current: toCurrent(error.details.current) };
  if (error instanceof CodedError && isErrorCode(error.code) && 'status' in ERROR_CODES[error.code])
    return { code: error.code, detail: error.message };
  if ('validation' in error && error.validation !== undefined) {
    const faults = error.validation.map((fault) => ({
      field: `${error.validationContext ?? 'request'}${fault.instancePath}${missing(fault.params)}`,
      reason: fault.message ?? 'invalid',
    }));
    return {
      code: 'invalid-request',
      detail: faults.map((fault) => `${fault.field} ${fault.reason}`).join('; '),
      faults,
      faultsTotal: faults.length,
    };
  }
  const code = 'code' in error && typeof error.code === 'string' ? FASTIFY_CODES[error.code] : undefined;
  if (code === 'unsupported-media-type') return { code, detail: 'send application/json, or events as application/x-ndjson' };
  // Fastify's own message quotes the address with its query, which may hold a secret.
  if ('code' in error && error.code === 'FST_ERR_BAD_URL')
    return { code: 'invalid-request', detail: 'the address is not valid percent-encoding' };
  if (code !== undefined) return { code, detail: error.message };
  if ('statusCode' in error && error.statusCode === 400) return { code: 'invalid-request', detail: error.message };
  return { code: 'internal', detail: 'something went wrong here; see the log' };
}

function toCurrent(head: VersionsErrorDetails['current']): CurrentHead | undefined {
  return head === undefined ? undefined : { version: head.version, sha256: head.sha256, etag: toEtag(head) };
}

function missing(params: Record<string, unknown>): string {
  const name = params['additionalProperty'] ?? params['missingProperty'];
  return typeof name === 'string' ? `/${name}` : '';
}
