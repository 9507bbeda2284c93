import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { issueReceipt, RECEIPT_LEAVES_MAX } from '../../anchor/issue-receipt.ts';
import type { Ledger } from '../../ledger/ports.ts';
import { HttpError } from '../http-error.ts';
import type { Turns } from '../turns.ts';
import { problemResponse, rawResponse } from '../schemas/common.ts';

const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const schema = {
  operationId: 'getReceipt',
  tags: ['ledger'],
  summary: 'Receipt of a range of entries',
  description:
    'A text that proves later, with the public key alone, that the ledger held these entries: `pproofs log verify --receipt FILE`.',
  querystring: Type.Object({ first: Seq, last: Seq }, { additionalProperties: false }),
  response: {
    200: rawResponse('docs/formats/ledger.md, Anchors', 'text/plain'),
    400: problemResponse('The range is empty or too long'),
    404: problemResponse('There are no such entries'),
    503: problemResponse('The checkpoint lock cannot be reached; see Retry-After'),
  },
};

export function registerReceipts(app: FastifyInstance, ledger: Ledger, turns: Turns): void {
  app.get<{ Querystring: { first: number; last: number } }>('/ledger/receipt', { schema }, async (request, reply) => {
    const { first, last } = request.query;
    if (first > last || last - first >= RECEIPT_LEAVES_MAX) {
      throw new HttpError('invalid-request', `a receipt is of 1 to ${RECEIPT_LEAVES_MAX} entries, not of ${first} to ${last}`);
    }
    assertAnchored(ledger);
    const { size, checkpoint } = ledger.head();
    if (last >= size) throw new HttpError('not-found', `there is no entry ${last}: the ledger has ${size}`);
    return reply.type('text/plain; charset=utf-8').send(await turns.take(() => issueReceipt(ledger, first, last, checkpoint)));
  });
}

/** A receipt is given only for what the checkpoint lock holds. */
export function assertAnchored(ledger: Ledger): void {
  const { isAnchorReachable } = ledger.stats();
  if (!isAnchorReachable) throw new HttpError('unanchored', 'the checkpoint lock cannot be reached: no receipt can be given');
}
