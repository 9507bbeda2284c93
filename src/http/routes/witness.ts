import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ADD_CHECKPOINT_BYTES_MAX } from '../../anchor/add-checkpoint.ts';
import type { Witness } from '../../anchor/witness.ts';
import type { Observer } from '../../observe/observer.ts';
import { HttpError } from '../http-error.ts';
import { registerBodyReader } from '../plugins/read-body.ts';
import { problemResponse, rawResponse } from '../schemas/common.ts';

/** Bodies of all logs together: an honest fleet sends a few kilobytes every few seconds. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

const addCheckpoint = {
  operationId: 'addCheckpoint',
  tags: ['ledger'],
  summary: 'Cosign a checkpoint of another log (c2sp.org/tlog-witness)',
  description:
    'The body is an old size line, a consistency proof, an empty line and the signed checkpoint. Needs no token: what counts is the signature of a log in PROOFS_WITNESS_LOGS_FILE.',
  documentedBody: { content: { 'text/plain': { schema: Type.String() } } },
  response: {
    200: rawResponse('Cosignature lines', 'text/plain'),
    400: problemResponse('Not an add-checkpoint request'),
    403: problemResponse('No trusted key of that log signed it'),
    404: problemResponse('The log is not known here'),
    409: rawResponse('Size of the checkpoint cosigned last: send a proof from there', 'text/x.tlog.size'),
    413: problemResponse('More than 64 KiB'),
    422: problemResponse('The consistency proof does not hold'),
    503: problemResponse('Too many requests of that log wait'),
  },
};

const witnessKey = {
  operationId: 'getWitnessKey',
  tags: ['ledger'],
  summary: 'Key of the cosignatures that this sidecar gives',
  response: { 200: rawResponse('Verifier key of type 0x04 (c2sp.org/tlog-cosignature)', 'text/plain'), 404: problemResponse('No witness') },
};

export function registerWitness(app: FastifyInstance, witness: Witness | undefined, observer: Observer): void {
  const present = (): Witness => {
    if (witness !== undefined) return witness;
    throw new HttpError('not-found', 'this sidecar is no witness: PROOFS_WITNESS_LOGS_FILE is not set');
  };
  app.get('/witness/key', { schema: witnessKey }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(`${present().verifierKey}\n`),
  );
  // A scope of its own: logs send this body under any media type, or none.
  void app.register(async (scope) => {
    registerBodyReader(scope, ['*'], ADD_CHECKPOINT_BYTES_MAX, HELD_BYTES_MAX);
    scope.post('/add-checkpoint', { schema: addCheckpoint }, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const cosigning = await present().addCheckpoint(body);
      const { origin, size } = cosigning;
      if (cosigning.outcome === 'cosigned') {
        observer.checkpointCosigned(origin, size);
        return reply.type('text/plain; charset=utf-8').send(cosigning.line);
      }
      observer.cosigningRefused(origin, size, cosigning.isFork);
      return reply.code(409).type('text/x.tlog.size').send(`${size}\n`);
    });
  });
}
