import type { FastifyReply } from 'fastify';
import { rateLimitHeaders, retryAfter, toSeconds } from '../limiter/headers.ts';
import type { Decision, LimitState } from '../limiter/limiter.ts';

/** Problem types registered by draft-ietf-httpapi-ratelimit-headers-10, section 6. */
const TYPES = 'https://iana.org/assignments/http-problem-types#';
const QUOTA_EXCEEDED = `${TYPES}quota-exceeded`;
const REDUCED_CAPACITY = `${TYPES}temporary-reduced-capacity`;
/** When a table has room again depends on others' windows: soon, and not at once. */
const FULL_RETRY_S = 1;

/** nginx turns every refusal of auth_request but 401 and 403 into 500: it is told the status apart. */
export type AnswerMode = 'plain' | 'nginx';

/** Answers a decision: 200 when the request may go on, 429 or 503 when not. */
export function answerDecision(reply: FastifyReply, decision: Decision, mode: AnswerMode, body?: string): FastifyReply {
  const { outcome, states } = decision;
  if (states.length > 0) setLimitHeaders(reply, states);
  if (outcome === 'allowed' || outcome === 'exempt')
    return body === undefined ? reply.code(200).send() : reply.code(200).type('application/json').send(body);
  const problem = outcome === 'denied' ? quotaProblem(states) : capacityProblem(REASONS[outcome]);
  const wait = outcome === 'full' ? FULL_RETRY_S : retryAfter(states);
  if (wait !== undefined) void reply.header('retry-after', String(wait));
  return refuse(reply, problem, mode);
}

interface LimitProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly 'violated-policies'?: readonly string[];
}

export function refuse(reply: FastifyReply, problem: LimitProblem, mode: AnswerMode): FastifyReply {
  if (mode === 'nginx') void reply.header('x-ratelimit-status', String(problem.status));
  return reply
    .code(mode === 'nginx' ? 403 : problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(problem));
}

function setLimitHeaders(reply: FastifyReply, states: readonly LimitState[]): void {
  const { policy, limit } = rateLimitHeaders(states);
  if (policy === '') return;
  void reply.header('ratelimit-policy', policy).header('ratelimit', limit);
  const tightest = states.filter(({ isDryRun }) => !isDryRun).reduce((a, b) => (b.remaining < a.remaining ? b : a));
  void reply
    .header('x-ratelimit-limit', String(tightest.limit))
    .header('x-ratelimit-remaining', String(tightest.remaining))
    .header('x-ratelimit-reset', String(toSeconds(tightest.resetUs)));
}

function quotaProblem(states: readonly LimitState[]): LimitProblem {
  const violated = states.filter(({ isDryRun, isAdmitted }) => !isDryRun && !isAdmitted);
  const names = violated.map(({ name }) => name);
  const detail = violated.map(({ name, limit, windowUs }) => `limit "${name}" admits ${limit} in ${toSeconds(windowUs)} s`).join('; ');
  return { type: QUOTA_EXCEEDED, title: 'the limit is reached', status: 429, detail, 'violated-policies': names };
}

const REASONS = {
  full: 'the table of clients is full of ones whose windows are running; nothing was charged',
  reduced: 'the shared store of the limits cannot be asked, and this node alone may admit no more; the limit itself may not be reached',
};

function capacityProblem(detail: string): LimitProblem {
  return { type: REDUCED_CAPACITY, title: 'less than usual is admitted for the time being', status: 503, detail };
}
