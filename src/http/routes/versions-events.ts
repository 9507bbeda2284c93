import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Observer } from '../../observe/observer.ts';
import type { VersionRecord, Versions } from '../../versions/ports.ts';
import { VersionsError } from '../../versions/versions-error.ts';
import { HttpError } from '../http-error.ts';
import { problemResponse } from '../schemas/common.ts';
import { NameParams, toRecordAnswer } from '../schemas/version.ts';
import { Watchers } from '../watchers.ts';

const schema = {
  operationId: 'followArtifact',
  tags: ['versions'],
  summary: 'Follow the head of an artifact (server-sent events)',
  description:
    'At once the head as `event: head`, then each new one; `id` is the version, `data` the version as JSON. Also for a name that has no version yet. A reader that is slower than the changes gets the newest one.',
  params: NameParams,
  response: {
    200: { description: 'Events, until somebody leaves', content: { 'text/event-stream': { schema: Type.String() } } },
    503: problemResponse('Too many clients follow artifacts; see Retry-After'),
  },
};

export function registerVersionEvents(
  app: FastifyInstance,
  versions: Versions,
  observer: Observer,
  { watchersMax, heartbeatMs }: { readonly watchersMax?: number; readonly heartbeatMs?: number },
): void {
  const watchers = new Watchers((count) => observer.watchersAt(count), watchersMax, heartbeatMs);
  app.addHook('preClose', (done) => {
    watchers.finish();
    done();
  });
  app.get<{ Params: { name: string } }>('/versions/:name/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { name } = request.params;
    const stream = watchers.open();
    let told = 0;
    const tell = (record: VersionRecord): void => {
      if (record.version <= told) return;
      told = record.version;
      stream.tell('head', record.version, JSON.stringify({ name, ...toRecordAnswer(record) }));
    };
    // First the watch, then the head: what comes between the two is told by one of them.
    stream.once('close', versions.watch(name, tell));
    try {
      tell((await versions.summary(name)).head);
    } catch (error) {
      if (!(error instanceof VersionsError && error.code === 'not-found')) {
        stream.destroy();
        throw error;
      }
    }
    // A stop came in between.
    if (stream.destroyed) throw new HttpError('closed', 'the sidecar is shutting down');
    return (
      reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        // Nothing else comes over this connection: a stop does not wait for it once the stream has ended.
        .header('connection', 'close')
        .send(stream)
    );
  });
}
