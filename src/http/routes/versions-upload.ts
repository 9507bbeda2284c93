import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Observer } from '../../observe/observer.ts';
import type { Versions } from '../../versions/ports.ts';
import { changeVersion } from '../change-version.ts';
import { patiently } from '../patiently.ts';
import { Places } from '../places.ts';
import { problemResponse } from '../schemas/common.ts';
import { CONFIRM_S_MAX, NameParams, Record, toRecordAnswer } from '../schemas/version.ts';
import { dropRest, receiveBody } from '../upload.ts';
import { toEtag } from '../version-etag.ts';
import { readCaller, readIdempotencyKey, readPrecondition, RequestFaults } from '../version-request.ts';

/** Contents on their way in at one time: each has a file of its own on the disk. */
const UPLOADS_MAX = 32;

const putHeaders = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: '`*`: there must be no such artifact yet.' })),
  'if-match': Type.Optional(Type.String({ description: 'ETag of the head that the change is based on.' })),
  'idempotency-key': Type.Optional(Type.String({ description: '1 to 255 visible ASCII characters.' })),
  'x-actor': Type.Optional(Type.String({ description: 'Who; up to 500 characters, UTF-8.' })),
  'x-reason': Type.Optional(Type.String({ description: 'Why; up to 500 characters, UTF-8.' })),
});

const schema = {
  operationId: 'putVersion',
  tags: ['versions'],
  summary: 'Store the next version of an artifact; answers once it is on disk',
  description:
    'The body is the content, of any media type and length. The first version needs `If-None-Match: *`, later ones `If-Match` with the ETag of the head. With an `Idempotency-Key` a retried request lands once.',
  params: NameParams,
  querystring: Type.Object(
    {
      confirmWithin: Type.Optional(
        Type.Integer({ minimum: 1, maximum: CONFIRM_S_MAX, description: 'Seconds: unconfirmed by then, the version before comes back.' }),
      ),
    },
    { additionalProperties: false },
  ),
  documentedBody: { content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } } },
  response: {
    200: { ...Record, description: 'Stored before, under this Idempotency-Key' },
    201: { ...Record, description: 'Stored: ETag and Location name it' },
    400: problemResponse('Every fault of the request; nothing was stored'),
    408: problemResponse('The content has stopped coming'),
    409: problemResponse('The settings take no more'),
    412: problemResponse('The head is another version: see `current`'),
    413: problemResponse('The content is longer than the settings allow'),
    422: problemResponse('The Idempotency-Key came with another request before'),
    423: problemResponse('A hold refuses changes'),
    428: problemResponse('Neither If-Match nor If-None-Match: see `current`'),
    503: problemResponse('Too many contents are on their way in; see Retry-After'),
    507: problemResponse('The disk is full'),
  },
};

export function registerVersionUpload(app: FastifyInstance, versions: Versions, observer: Observer, paceMs: number | undefined): void {
  const places = new Places(UPLOADS_MAX, 'contents are on their way in');
  // A scope of its own: this body is never held in memory, whatever its media type.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.addHook('onResponse', async (request) => dropRest(request.raw));
    // For the description only: what is wrong with them is gathered with everything else.
    const headers = { ...schema, headers: putHeaders };
    scope.put<{ Params: { name: string }; Querystring: { confirmWithin?: number } }>(
      '/versions/:name',
      { schema: headers },
      async (request, reply) => {
        const { name } = request.params;
        const faults = new RequestFaults();
        const asked = {
          name,
          precondition: readPrecondition(request, faults, true),
          idempotencyKey: readIdempotencyKey(request, faults),
          confirmWithinS: request.query.confirmWithin,
          ...readCaller(request, faults),
        };
        if (request.headers['content-range'] !== undefined) faults.add('headers/content-range', 'is not taken: send the whole content');
        faults.throwIfAny();
        const store = async (): ReturnType<Versions['put']> => {
          const staged = await versions.stage(receiveBody(request.raw, paceMs));
          observer.contentMoved('in', staged.bytes);
          return patiently(request, () => versions.put(asked, staged));
        };
        const { record, isReplay } = await places.during(() =>
          changeVersion(observer, 'put', name, store, ({ record, isReplay }) =>
            isReplay ? undefined : `version ${record.version}, ${record.bytes} bytes`,
          ),
        );
        if (isReplay) void reply.header('idempotency-replayed', 'true');
        return reply
          .code(isReplay ? 200 : 201)
          .header('etag', toEtag(record))
          .header('location', `/versions/${name}/${record.version}`)
          .send(toRecordAnswer(record));
      },
    );
  });
}
