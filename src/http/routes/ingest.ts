import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Json } from '../../kernel/canonical-json.ts';
import { REQUEST_TAG_BYTES } from '../../kernel/leaf.ts';
import { parseEvents, type Fault, type ParsedEvents } from '../../ingest/parse-events.ts';
import { issueReceipt } from '../../anchor/issue-receipt.ts';
import type { Appended, Ledger } from '../../ledger/ports.ts';
import type { Observer } from '../../observe/observer.ts';
import { HttpError } from '../http-error.ts';
import { problemResponse } from '../schemas/common.ts';
import { EVENTS_BODY } from '../schemas/event.ts';
import type { Turns } from '../turns.ts';
import { assertAnchored } from './receipts.ts';

/** Bounds the memory of one request; 10,000 events of 800 bytes fit. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** A rejected-input leaf states this many faults; the count is always whole. */
const FAULTS_RECORDED_MAX = 50;
/** Bytes of one text in a rejected-input leaf, as JSON: 50 faults of two texts stay below the 65,415 bytes of a payload, whatever the script. */
const FAULT_TEXT_BYTES_MAX = 600;

const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
/** Bodies of any other type are refused with 415. */
export const EVENT_MEDIA_TYPES = ['application/json', ...NDJSON_TYPES];
/** Bits of the mode byte in the request digest (docs/formats/ledger.md). */
const MODE = { reject: 0, skip: 1 } as const;
const FRAMING = { json: 0, ndjson: 2 } as const;

const Accepted = Type.Object(
  {
    accepted: Type.Integer({ description: 'Events stored.' }),
    first: Type.Union([Type.Integer(), Type.Null()], { description: 'Counter of the first of them.' }),
    last: Type.Union([Type.Integer(), Type.Null()], { description: 'Counter of the last of them.' }),
    checkpoint: Type.String({ description: 'Signed checkpoint that covers them (C2SP note).' }),
    receipt: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        description:
          'With `receipt=1`: proves later that the ledger held them (docs/formats/ledger.md). null: the checkpoint lock was lost meanwhile; ask `/ledger/receipt` later.',
      }),
    ),
    rejected: Type.Optional(Type.Integer({ description: 'Lines refused under onInvalid=skip.' })),
    faults: Type.Optional(Type.Array(Type.Object({ line: Type.Integer(), field: Type.String(), reason: Type.String() }))),
    faultsTotal: Type.Optional(Type.Integer()),
  },
  { description: 'Stored: on disk before this answer was sent.' },
);

const Query = Type.Object(
  {
    onInvalid: Type.Optional(
      Type.Enum(['reject', 'skip'], { description: 'skip: take the good lines, answer the faults, record what was refused.' }),
    ),
    receipt: Type.Optional(
      Type.Enum(['1'], { description: 'Answer a receipt too; nothing is stored while none can be given (503 unanchored).' }),
    ),
  },
  { additionalProperties: false },
);

const schema = {
  operationId: 'storeEvents',
  tags: ['ledger'],
  summary: 'Store events; answers once they are on disk',
  description:
    'One JSON event, an array of events, or NDJSON (up to 8 MiB, 10,000 events). Our event shape (docs/events.md) or pino lines. With an `Idempotency-Key` header a retried request lands once; the answer then carries `Idempotency-Replayed: true`.',
  consumes: ['application/json', 'application/x-ndjson'],
  querystring: Query,
  headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ description: '1 to 255 visible ASCII characters.' })) }),
  documentedBody: EVENTS_BODY,
  response: {
    201: Accepted,
    400: problemResponse('Every fault of the request; nothing was stored'),
    413: problemResponse('More than 8 MiB or 10,000 events, or an event beyond what an entry takes'),
    415: problemResponse('Neither JSON nor NDJSON'),
    422: problemResponse('The Idempotency-Key came with another request before'),
    503: problemResponse('Too much is waiting; see Retry-After'),
    507: problemResponse('The disk is full'),
  },
};

export function registerIngest(app: FastifyInstance, ledger: Ledger, observer: Observer, turns: Turns): void {
  app.post<{ Querystring: { onInvalid?: 'reject' | 'skip'; receipt?: '1' } }>('/events', { schema }, async (request, reply) => {
    const wantsReceipt = request.query.receipt !== undefined;
    if (wantsReceipt) assertAnchored(ledger);
    const onInvalid = request.query.onInvalid ?? 'reject';
    const key = idempotencyKey(request);
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0].trim().toLowerCase();
    const framing = NDJSON_TYPES.includes(mediaType) ? 'ndjson' : 'json';
    const parsed = parseEvents(body, framing, { onInvalid });
    if (parsed.isTooLarge || (parsed.faultsTotal > 0 && onInvalid === 'reject')) {
      observer.eventsAccepted(0, parsed.rejected);
      throw new HttpError(parsed.isTooLarge ? 'too-large' : 'invalid-events', `${parsed.faultsTotal} fault(s); nothing was stored`, {
        faults: parsed.faults,
        faultsTotal: parsed.faultsTotal,
      });
    }
    const accepted = parsed.batch.ends.length;
    const appended = await ledger.append({
      events: parsed.batch,
      requestTag: key === undefined ? undefined : requestTag(key, body, onInvalid, framing),
      record: parsed.rejected > 0 ? { type: 'rejectedInput', payload: rejectedInput(parsed, body) } : undefined,
    });
    if (appended.isReplay) void reply.header('idempotency-replayed', 'true');
    else observer.eventsAccepted(accepted, parsed.rejected);
    const refused = parsed.rejected > 0 ? { rejected: parsed.rejected, faults: parsed.faults, faultsTotal: parsed.faultsTotal } : {};
    return reply.code(201).send({
      accepted,
      first: accepted === 0 ? null : appended.first,
      last: accepted === 0 ? null : appended.first + accepted - 1,
      checkpoint: appended.checkpoint,
      ...(wantsReceipt ? { receipt: await receiptOf(appended, ledger, observer, turns) } : {}),
      ...refused,
    });
  });
}

/** The events are stored: whatever keeps a receipt from being made now must not make their producer send them again. */
async function receiptOf(appended: Appended, ledger: Ledger, observer: Observer, turns: Turns): Promise<string | null> {
  if (!appended.isAnchored) return null;
  try {
    const receipt = await turns.take(() => issueReceipt(ledger, appended.first, appended.last, appended.checkpoint));
    observer.receiptGiven();
    return receipt;
  } catch (error) {
    observer.receiptFailed(error);
    return null;
  }
}

/** Visible ASCII, 1 to 255 characters: what every HTTP client can send unchanged. */
function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new HttpError('invalid-request', 'the Idempotency-Key must be 1 to 255 visible ASCII characters', {
    faults: [{ field: 'headers/idempotency-key', reason: 'must be 1 to 255 visible ASCII characters' }],
    faultsTotal: 1,
  });
}

/** SHA-256(key) ‖ SHA-256(mode ‖ body), as docs/formats/ledger.md puts it into the first leaf. */
function requestTag(key: string, body: Uint8Array, onInvalid: 'reject' | 'skip', framing: 'json' | 'ndjson'): Uint8Array {
  const keyDigest = createHash('sha256').update(key).digest();
  const bodyDigest = createHash('sha256')
    .update(Uint8Array.of(MODE[onInvalid] | FRAMING[framing]))
    .update(body)
    .digest();
  // A buffer of its own: a small Buffer is a view of a pool, and the message to the writer would clone all of it.
  const tag = new Uint8Array(REQUEST_TAG_BYTES);
  tag.set(keyDigest);
  tag.set(bodyDigest, keyDigest.length);
  return tag;
}

function rejectedInput(parsed: ParsedEvents, body: Uint8Array): Json {
  const recorded = parsed.faults
    .slice(0, FAULTS_RECORDED_MAX)
    .map(({ line, field, reason }: Fault) => ({ line, field: shorten(field), reason: shorten(reason) }));
  return {
    bodySha256: createHash('sha256').update(body).digest('hex'),
    faults: recorded,
    faultsTotal: parsed.faultsTotal,
    rejected: parsed.rejected,
  };
}

function shorten(text: string): string {
  let bytes = 0;
  let end = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(JSON.stringify(char)) - 2;
    if (bytes > FAULT_TEXT_BYTES_MAX) return `${text.slice(0, end)}…`;
    end += char.length;
  }
  return text;
}
