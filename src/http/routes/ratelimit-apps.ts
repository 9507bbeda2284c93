import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { readAppCheck, type CheckFault } from '../../limiter/app-check.ts';
import { retryAfter } from '../../limiter/headers.ts';
import type { CheckRequest, Decision, Limiter } from '../../limiter/limiter.ts';
import { HttpError } from '../http-error.ts';
import { answerDecision, sendReply } from '../limit-answer.ts';
import { problemResponse } from '../schemas/common.ts';
import { CheckFields, DecisionAnswer, LimitsAnswer } from '../schemas/limit-answer.ts';
import type { RateLimitEvents } from './ratelimit.ts';

const US_PER_S = 1_000_000;
/** Decided one after the other without a pause. */
const BATCH_CHECKS_MAX = 1000;
const FAULTS_MAX = 50;

const answers = {
  400: problemResponse('A field is wrong; `faults` lists every one'),
  429: problemResponse('The limit is reached; see Retry-After'),
  503: problemResponse('The table of clients is full; see Retry-After'),
};

const checkSchema = {
  operationId: 'checkRateLimit',
  tags: ['limits'],
  summary: 'Decide one request',
  description: 'For apps. Reverse proxies ask `/ratelimit/check/…`, where only headers count. Fields in the query, or as a JSON body.',
  querystring: CheckFields,
  response: { 200: DecisionAnswer, ...answers },
};

const batchSchema = {
  operationId: 'checkRateLimits',
  tags: ['limits'],
  summary: 'Decide several requests, in their order',
  documentedBody: Type.Array(CheckFields, { minItems: 1, maxItems: BATCH_CHECKS_MAX }),
  response: { 200: Type.Object({ results: Type.Array(DecisionAnswer) }), 400: answers[400] },
};

const limitsSchema = {
  operationId: 'getLimits',
  tags: ['limits'],
  summary: 'The limits in force',
  response: { 200: LimitsAnswer },
};

const explainSchema = {
  operationId: 'explainRateLimit',
  tags: ['limits'],
  summary: 'Which limit would decide, and why; nothing is charged',
  querystring: CheckFields,
  response: { 200: DecisionAnswer, 400: answers[400] },
};

export function registerAppChecks(app: FastifyInstance, limiter: Limiter, events: RateLimitEvents): void {
  const decide = async (check: CheckRequest): Promise<Decision> => {
    const decision = await limiter.check(check);
    events.decided(decision, check.subject);
    return decision;
  };
  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const [one] = readChecks([{ ...fieldsOf(request.query), ...fieldsOf(readJson(request.body)) }], limiter, () => '');
    const decision = await decide(one);
    if (decision.outcome !== 'allowed' && decision.outcome !== 'exempt') return sendReply(reply, answerDecision(decision, 'plain'));
    return sendReply(reply, answerDecision(decision, 'plain', JSON.stringify(toAnswer(decision))));
  };
  app.get('/ratelimit/check', { schema: checkSchema }, check);
  app.post('/ratelimit/check', { schema: { ...checkSchema, operationId: 'postRateLimitCheck' } }, check);
  app.post('/ratelimit/check/batch', { schema: batchSchema }, async (request) => {
    const given = readJson(request.body);
    if (!Array.isArray(given) || given.length === 0 || given.length > BATCH_CHECKS_MAX)
      throw new HttpError('invalid-request', `a batch is an array of 1 to ${BATCH_CHECKS_MAX} checks`);
    const results: object[] = [];
    for (const each of readChecks(given, limiter, (i) => `[${i}]`)) results.push(toAnswer(await decide(each)));
    return { results };
  });
  app.get('/ratelimit/limits', { schema: limitsSchema }, () => limitsAnswer(limiter));
  app.get('/ratelimit/explain', { schema: explainSchema }, async (request) => {
    const [one] = readChecks([fieldsOf(request.query)], limiter, () => '');
    return toAnswer(await limiter.look(one));
  });
}

function readChecks(given: readonly unknown[], limiter: Limiter, place: (index: number) => string): CheckRequest[] {
  const faults: CheckFault[] = [];
  const { limits } = limiter;
  const checks = given.flatMap((each, i) => readAppCheck(each, place(i), limits, faults) ?? []);
  if (faults.length === 0) return checks;
  const shown = faults.slice(0, FAULTS_MAX);
  const detail = shown.map(({ field, reason }) => `${field} ${reason}`).join('; ');
  throw new HttpError('invalid-request', detail, { faults: shown, faultsTotal: faults.length });
}

function fieldsOf(value: unknown): object {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw new HttpError('invalid-request', 'a check is an object with ip, tenant, cost and limit');
}

function readJson(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw new HttpError('invalid-request', `the body is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function toAnswer({ outcome, states }: Decision): object {
  const limits = states.map(({ name, limit, windowUs, remaining, resetUs, isAdmitted, isDryRun, retryAfterUs }) => ({
    name,
    limit,
    windowSeconds: windowUs / US_PER_S,
    remaining,
    resetSeconds: resetUs / US_PER_S,
    isAdmitted,
    isDryRun,
    retryAfterSeconds: Number.isFinite(retryAfterUs) ? retryAfterUs / US_PER_S : null,
  }));
  const wait = outcome === 'denied' ? retryAfter(states) : undefined;
  return { outcome, limits, ...(wait !== undefined && { retryAfterSeconds: wait }) };
}

function limitsAnswer({ limits }: Limiter): object {
  return {
    generation: limits.generation,
    limits: limits.limits.map(({ name, key, limit, windowUs, exact, patterns, onStoreFailure, isDryRun }) => ({
      name,
      key,
      limit,
      windowSeconds: windowUs / US_PER_S,
      overrides: Object.fromEntries([...exact, ...patterns.map((each) => [each.pattern, each.limit] as const)]),
      onStoreFailure,
      dryRun: isDryRun,
    })),
    trustedProxies: limits.proxies.map(({ address, bits }) => `${address.toString()}/${bits}`),
    allow: limits.allowed.map(({ address, bits }) => `${address.toString()}/${bits}`),
    ipv6Prefix: limits.ipv6Bits,
    missingTenant: limits.missingTenant,
  };
}
