import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { WitnessRounds } from '../../anchor/witness-rounds.ts';
import type { WatchStatus } from '../../kernel/detection.ts';
import { toHex } from '../../kernel/bytes.ts';
import { formatTlogProof } from '../../kernel/tlog-proof.ts';
import { formatMoment } from '../../kernel/moment.ts';
import { parseTilePath } from '../../kernel/tile-path.ts';
import type { Ledger } from '../../ledger/ports.ts';
import { HttpError } from '../http-error.ts';
import type { Turns } from '../turns.ts';
import { problemResponse, rawResponse } from '../schemas/common.ts';
import { toWatchAnswer, WatchAnswer } from '../schemas/watch-answer.ts';

/** Full tiles never change; partial ones and the checkpoint do. */
const CACHE_FOREVER = 'public, max-age=31536000, immutable';

const Status = Type.Object(
  {
    origin: Type.String(),
    ledgerId: Type.String(),
    verifierKey: Type.String(),
    size: Type.Integer(),
    root: Type.String({ description: 'Hex.' }),
    lastEntryAt: Type.String(),
    queuedRequests: Type.Integer(),
    queuedBytes: Type.Integer(),
    recoveries: Type.Integer(),
    isDiskFull: Type.Boolean(),
    isCheckpointStale: Type.Boolean(),
    isAnchorReachable: Type.Boolean({ description: 'False while the checkpoint lock cannot be reached.' }),
    unanchoredEntries: Type.Integer({ description: 'Acknowledged entries that no checkpoint in the lock covers yet.' }),
    epochs: Type.Object({
      isSealing: Type.Boolean(),
      running: Type.Integer({ description: 'Number of the running epoch.' }),
      sealedUpTo: Type.Integer({ description: 'Entries below this stand under a seal.' }),
      forwardSecurity: Type.String({ description: '`in force`, or `not in force: ` and why.' }),
    }),
    watch: WatchAnswer,
  },
  { description: 'What the ledger is and how it fares.' },
);

export function registerLedger(
  app: FastifyInstance,
  ledger: Ledger,
  turns: Turns,
  rounds: WitnessRounds | undefined,
  watch: () => WatchStatus,
): void {
  registerCheckpoint(app, ledger, rounds);
  registerStatus(app, ledger, watch);
  registerProof(app, ledger, turns);
  registerTiles(app, ledger, turns);
}

function registerCheckpoint(app: FastifyInstance, ledger: Ledger, rounds: WitnessRounds | undefined): void {
  const schema = {
    operationId: 'getCheckpoint',
    tags: ['ledger'],
    summary: 'Latest signed checkpoint (C2SP note)',
    querystring: Type.Object(
      { witnessed: Type.Optional(Type.Enum(['1'], { description: 'The latest one that witnesses cosigned, with their cosignatures.' })) },
      { additionalProperties: false },
    ),
    response: { 200: rawResponse('tlog-checkpoint', 'text/plain'), 404: problemResponse('No witness has cosigned one since the start') },
  };
  app.get<{ Querystring: { witnessed?: '1' } }>('/checkpoint', { schema }, (request, reply) => {
    const note = request.query.witnessed === undefined ? ledger.head().checkpoint : rounds?.witnessed;
    if (note === undefined) throw new HttpError('not-found', 'no witness has cosigned a checkpoint since the start');
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(note);
  });
}

function registerStatus(app: FastifyInstance, ledger: Ledger, watch: () => WatchStatus): void {
  app.get(
    '/ledger/status',
    { schema: { operationId: 'getLedgerStatus', tags: ['ledger'], summary: 'Size, root and state', response: { 200: Status } } },
    () => {
      const head = ledger.head();
      const { origin, verifierKey, ledgerId } = ledger.identity;
      return {
        origin,
        ledgerId: toHex(ledgerId),
        verifierKey,
        size: head.size,
        root: toHex(head.root),
        lastEntryAt: formatMoment(head.lastTimeNs),
        ...ledger.stats(),
        watch: toWatchAnswer(watch()),
      };
    },
  );
}

function registerProof(app: FastifyInstance, ledger: Ledger, turns: Turns): void {
  const schema = {
    operationId: 'getProof',
    tags: ['ledger'],
    summary: 'Inclusion proof of one entry with the checkpoint it leads to',
    querystring: Type.Object(
      { seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Counter of the entry.' }) },
      { additionalProperties: false },
    ),
    response: {
      200: rawResponse('c2sp.org/tlog-proof@v1', 'text/plain'),
      400: problemResponse('The query is invalid'),
      404: problemResponse('There is no such entry'),
      410: problemResponse('Retention removed the entry'),
    },
  };
  app.get<{ Querystring: { seq: number } }>('/ledger/proof', { schema }, async (request, reply) => {
    const { size, checkpoint } = ledger.head();
    const { seq } = request.query;
    if (seq >= size) throw new HttpError('not-found', `there is no entry ${seq}: the ledger has ${size}`);
    const proof = formatTlogProof({ index: seq, hashes: await turns.take(() => ledger.inclusionProof(seq, size)), checkpoint });
    return reply.type('text/plain; charset=utf-8').send(proof);
  });
}

function registerTiles(app: FastifyInstance, ledger: Ledger, turns: Turns): void {
  const schema = {
    operationId: 'getTile',
    tags: ['ledger'],
    summary: 'C2SP tlog-tiles: hashes at /tile/<L>/<N>[.p/<W>], entries at /tile/entries/<N>[.p/<W>]',
    params: Type.Object({ '*': Type.String() }),
    response: {
      200: rawResponse('Tile or entry bundle', 'application/octet-stream'),
      404: problemResponse('No such tile (yet)'),
      410: problemResponse('Retention removed the entries; tiles of level 1 and above remain'),
    },
  };
  app.get<{ Params: { '*': string } }>('/tile/*', { schema }, async (request, reply) => {
    const path = parseTilePath(request.params['*']);
    const tile = path === undefined ? undefined : await turns.take(() => ledger.tile(path));
    if (path === undefined || tile === undefined) throw new HttpError('not-found', 'there is no such tile, or not yet');
    return reply
      .type('application/octet-stream')
      .header('cache-control', path.width === 256 ? CACHE_FOREVER : 'no-cache')
      .send(tile);
  });
}
