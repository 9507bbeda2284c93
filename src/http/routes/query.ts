import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { fromUtf8 } from '../../kernel/bytes.ts';
import { CodedError } from '../../kernel/errors.ts';
import { LEAF_TYPES, type Leaf } from '../../kernel/leaf.ts';
import { LEVELS } from '../../kernel/levels.ts';
import { formatMoment, parseMoment } from '../../kernel/moment.ts';
import type { Ledger, LedgerReader } from '../../ledger/ports.ts';
import { compileFilter, type EventFilterQuery } from '../event-filter.ts';
import { HttpError, type RequestFault } from '../http-error.ts';
import type { Turns } from '../turns.ts';
import { problemResponse } from '../schemas/common.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
/** Leaves looked at for one answer, about half a second; a filter that matches little gets a cursor to go on with. */
const SCANNED_LEAVES_MAX = 200_000;
/** Bytes of one answer; the cursor goes on behind it. */
const ANSWER_BYTES_MAX = 1024 * 1024;

interface EventQuery extends EventFilterQuery {
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

const Query = Type.Object(
  {
    from: Type.Optional(Type.String({ description: 'Received at or after: RFC 3339, a date, or "24h" ago.' })),
    to: Type.Optional(Type.String({ description: 'Received before.' })),
    level: Type.Optional(Type.Enum(LEVELS.slice(1), { description: 'This level and above.' })),
    tenant: Type.Optional(Type.String({ maxLength: 128 })),
    q: Type.Optional(Type.String({ maxLength: 1024, description: 'Text in any value of the event; capitals do not matter.' })),
    cursor: Type.Optional(Type.String({ pattern: '^\\d{1,16}$', description: '`next` of the answer before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);

const StoredEvent = Type.Object({
  seq: Type.Integer(),
  receivedAt: Type.String({ description: "The server's time, RFC 3339 with nanoseconds." }),
  event: Type.Object({}, { additionalProperties: true, description: 'As stored: canonical, numbers as sent.' }),
});

const schema = {
  operationId: 'readEvents',
  tags: ['ledger'],
  summary: 'Read events, oldest first',
  description: 'With `Accept: application/x-ndjson` one event a line; the cursor is then in the `Proofs-Next-Cursor` header.',
  querystring: Query,
  response: {
    200: {
      description: 'Events, and the cursor to go on with (null at the end)',
      content: {
        'application/json': { schema: Type.Object({ events: Type.Array(StoredEvent), next: Type.Union([Type.String(), Type.Null()]) }) },
      },
    },
    400: problemResponse('The query is invalid'),
    410: problemResponse('Retention removed the entries at the cursor'),
  },
};

export function registerQuery(app: FastifyInstance, ledger: Ledger, turns: Turns): void {
  app.get<{ Querystring: EventQuery }>('/events', { schema }, async (request, reply) => {
    const { lines, next } = await turns.take(() => select(ledger.acknowledged, request.query));
    if (request.headers.accept?.includes('application/x-ndjson') === true) {
      if (next !== undefined) void reply.header('proofs-next-cursor', String(next));
      return reply.type('application/x-ndjson').send(lines.map((line) => `${line}\n`).join(''));
    }
    return reply.type('application/json').send(`{"events":[${lines.join(',')}],"next":${next === undefined ? 'null' : `"${next}"`}}`);
  });
}

async function select(ledger: LedgerReader, query: EventQuery): Promise<{ lines: string[]; next: number | undefined }> {
  const { fromNs, toNs } = parseWindow(query);
  const matches = compileFilter(query);
  const limit = query.limit ?? LIMIT_DEFAULT;
  const first = await firstLeaf(ledger, fromNs, query.cursor);
  const lines: string[] = [];
  let bytes = 0;
  for await (const leaf of kept(ledger, first)) {
    if (typeof leaf === 'number') return { lines, next: leaf };
    // Times never decrease along the ledger.
    if (leaf.timeNs >= toNs) break;
    if (leaf.timeNs < fromNs) continue;
    if (lines.length >= limit || leaf.seq - first >= SCANNED_LEAVES_MAX || bytes >= ANSWER_BYTES_MAX) return { lines, next: leaf.seq };
    if (leaf.type !== LEAF_TYPES.event) continue;
    const payload = fromUtf8(leaf.payload);
    if (!matches(payload)) continue;
    bytes += payload.length;
    lines.push(toLine(leaf, payload));
  }
  return { lines, next: undefined };
}

/** A cursor leads past what retention removed, also when the window begins in it. */
async function firstLeaf(ledger: LedgerReader, fromNs: bigint, cursor: string | undefined): Promise<number> {
  try {
    return Math.max(await ledger.firstAtOrAfter(fromNs), Number(cursor ?? 0));
  } catch (error) {
    if (cursor === undefined || !isPruned(error)) throw error;
    return Number(cursor);
  }
}

function isPruned(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'pruned';
}

/** Leaves from `first` on, up to those that retention removed: then the number of the first of them, unless it is the very first asked for. */
async function* kept(ledger: LedgerReader, first: number): AsyncGenerator<Leaf | number> {
  let next = first;
  try {
    for await (const leaf of ledger.leaves(first, Number.MAX_SAFE_INTEGER)) {
      yield leaf;
      next = leaf.seq + 1;
    }
  } catch (error) {
    // With what was found so far the answer is right; its cursor leads to the 410 that says where the rest is.
    if (!isPruned(error) || next === first) throw error;
    yield next;
  }
}

/** The payload is put in verbatim: parsing it would lose digits of large numbers. */
function toLine(leaf: Leaf, payload: string): string {
  return `{"seq":${leaf.seq},"receivedAt":"${formatMoment(leaf.timeNs)}","event":${payload}}`;
}

function parseWindow(query: EventQuery): { fromNs: bigint; toNs: bigint } {
  const faults: RequestFault[] = [];
  const moment = (field: 'from' | 'to', otherwise: bigint): bigint => {
    const text = query[field];
    const timeNs = text === undefined ? otherwise : parseMoment(text, Date.now());
    if (timeNs === undefined)
      faults.push({
        field: `querystring/${field}`,
        reason: `"${String(text).slice(0, 64)}" is not a time like 2026-01-02T03:04:05Z, 2026-01-02 or 24h`,
      });
    return timeNs ?? otherwise;
  };
  const window = { fromNs: moment('from', 0n), toNs: moment('to', 1n << 64n) };
  if (faults.length > 0) throw new HttpError('invalid-request', 'the window cannot be read', { faults, faultsTotal: faults.length });
  return window;
}
