import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { retryAfter, stateHeader, toSeconds } from '../limiter/headers.ts';
import type { Decision, LimitState } from '../limiter/limiter.ts';

/** Problem types registered by draft-ietf-httpapi-ratelimit-headers-10, section 6. */
const TYPES = 'https://iana.org/assignments/http-problem-types#';
const QUOTA_EXCEEDED = `${TYPES}quota-exceeded`;
const REDUCED_CAPACITY = `${TYPES}temporary-reduced-capacity`;
/** When a table has room again depends on others' windows: soon, and not at once. */
const FULL_RETRY_S = 1;

/** nginx turns every refusal of auth_request but 401 and 403 into 500: it is told the status apart. */
export type AnswerMode = 'plain' | 'nginx';

/** What goes back to whoever asked. */
export interface LimitAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

export interface LimitProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly 'violated-policies'?: readonly string[];
}

/** 200 when the request may go on, 429 or 503 when not. `body` is JSON for an admitted one. */
export function answerDecision(decision: Decision, mode: AnswerMode, body = ''): LimitAnswer {
  const { outcome, states } = decision;
  const headers = limitHeaders(decision);
  if (outcome === 'allowed' || outcome === 'exempt') {
    if (body !== '') headers.push('content-type', 'application/json; charset=utf-8');
    return { status: 200, headers, body };
  }
  const wait = outcome === 'full' ? FULL_RETRY_S : retryAfter(states);
  if (wait !== undefined) headers.push('retry-after', String(wait));
  return refusal(outcome === 'denied' ? quotaProblem(states) : capacityProblem(REASONS[outcome]), mode, headers);
}

export function refusal(problem: LimitProblem, mode: AnswerMode, headers: string[] = []): LimitAnswer {
  if (mode === 'nginx') headers.push('x-ratelimit-status', String(problem.status));
  headers.push('content-type', 'application/problem+json; charset=utf-8');
  return { status: mode === 'nginx' ? 403 : problem.status, headers, body: JSON.stringify(problem) };
}

export function sendReply(reply: FastifyReply, { status, headers, body }: LimitAnswer): FastifyReply {
  for (let i = 0; i < headers.length; i += 2) void reply.header(headers[i], headers[i + 1]);
  return body === '' ? reply.code(status).send() : reply.code(status).send(body);
}

/** Without Fastify: this stands in the way of every request of an app. */
export function sendRaw(response: ServerResponse, { status, headers, body }: LimitAnswer): void {
  response.writeHead(status, [...headers, 'content-length', String(Buffer.byteLength(body))]);
  response.end(body);
}

function limitHeaders({ states, policy }: Decision): string[] {
  if (policy === '') return [];
  let tightest: LimitState | undefined;
  for (const state of states) if (!state.isDryRun && (tightest === undefined || state.remaining < tightest.remaining)) tightest = state;
  const headers = ['ratelimit-policy', policy, 'ratelimit', stateHeader(states)];
  if (tightest !== undefined) {
    headers.push('x-ratelimit-limit', String(tightest.limit));
    headers.push('x-ratelimit-remaining', String(tightest.remaining));
    headers.push('x-ratelimit-reset', String(toSeconds(tightest.resetUs)));
  }
  return headers;
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
