import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Observer } from '../../observe/observer.ts';
import type { ArtifactSummary, VersionRecord, Versions } from '../../versions/ports.ts';
import { VersionsError } from '../../versions/versions-error.ts';
import { parseRange, type ByteRange } from '../byte-range.ts';
import { HttpError } from '../http-error.ts';
import { patiently } from '../patiently.ts';
import { Places } from '../places.ts';
import { streamPrivately } from '../private-file.ts';
import { problemResponse } from '../schemas/common.ts';
import { NameParams, VersionParams } from '../schemas/version.ts';
import { isListed, isListedStrongly, toEtag } from '../version-etag.ts';

/** Contents on their way out at one time: each has a copy of its own on the disk until its reader has it. */
const DOWNLOADS_MAX = 64;
/** The content of a version never changes; which one is the head does. */
const CACHE = { version: 'private, max-age=31536000, immutable', head: 'no-cache' } as const;

const bytes = { content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } } };

const answers = {
  200: { description: 'The content; its hash was found to be right before the first byte was sent', ...bytes },
  206: { description: 'The bytes of Range', ...bytes },
  304: { description: 'If-None-Match names this version' },
  404: problemResponse('There is no such artifact or version'),
  410: problemResponse('Retention removed the content'),
  412: problemResponse('If-Match names another version'),
  416: problemResponse('The content has no such bytes'),
  500: problemResponse('Stored bytes are not those that were put: nothing is handed out'),
  503: problemResponse('Too many contents are on their way out; see Retry-After'),
};

const versionSchema = {
  operationId: 'getVersion',
  tags: ['versions'],
  summary: 'Content of a version',
  description: 'ETag, If-None-Match, a single Range and If-Range as in RFC 9110. HEAD answers the same without making the content.',
  params: VersionParams,
  response: answers,
};

const headSchema = {
  ...versionSchema,
  operationId: 'getHead',
  summary: 'Content of the head',
  params: NameParams,
};

type ContentRequest = FastifyRequest<{ Params: { name: string; version?: number } }>;

export function registerVersionContents(app: FastifyInstance, versions: Versions, observer: Observer): void {
  const places = new Places(DOWNLOADS_MAX, 'contents are on their way out');
  const get = async (request: ContentRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { summary, record } = await find(versions, request);
    const etag = announce(reply, record, request.params.version === undefined ? 'head' : 'version');
    if (isUnchanged(request, etag, summary)) return reply.code(304).send();
    const range = rangeOf(request, reply, etag, record.bytes);
    const leave = places.take();
    try {
      const { path } = await patiently(request, () => versions.open(summary.name, record.version));
      const stream = await streamPrivately(path, range, (bytes) => observer.contentMoved('out', bytes));
      stream.once('close', leave);
      if (range !== undefined) void reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${record.bytes}`);
      return reply.header('content-length', range === undefined ? record.bytes : range.last - range.first + 1).send(stream);
    } catch (error) {
      leave();
      throw error;
    }
  };
  const head = async (request: ContentRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { summary, record } = await find(versions, request);
    const etag = announce(reply, record, request.params.version === undefined ? 'head' : 'version');
    if (isUnchanged(request, etag, summary)) return reply.code(304).send();
    if (record.version < summary.oldest && !summary.pins.includes(record.version))
      throw new VersionsError('version-gone', `retention removed the content of version ${record.version} of "${summary.name}"`);
    return reply.header('content-length', record.bytes).send();
  };
  for (const [url, schema] of [
    ['/versions/:name/head', headSchema],
    ['/versions/:name/:version', versionSchema],
  ] as const) {
    app.get(url, { schema, exposeHeadRoute: false }, get);
    app.head(url, { schema: { ...schema, hide: true } }, head);
  }
}

async function find(versions: Versions, request: ContentRequest): Promise<{ summary: ArtifactSummary; record: VersionRecord }> {
  const { name, version } = request.params;
  const summary = await versions.summary(name);
  if (version === undefined || version === summary.head.version) return { summary, record: summary.head };
  if (version < summary.head.version) {
    const record = (await versions.records(name, version + 1, 1)).at(0);
    if (record?.version === version) return { summary, record };
  }
  throw new VersionsError('not-found', `"${name}" has no version ${version}: its head is ${summary.head.version}`);
}

function announce(reply: FastifyReply, record: VersionRecord, what: keyof typeof CACHE): string {
  const etag = toEtag(record);
  void reply
    .type('application/octet-stream')
    .header('x-content-type-options', 'nosniff')
    .header('accept-ranges', 'bytes')
    .header('cache-control', CACHE[what])
    .header('etag', etag);
  return etag;
}

/** RFC 9110, section 13.2.2: If-Match first, then If-None-Match. True for 304. */
function isUnchanged({ headers }: ContentRequest, etag: string, { name, head }: ArtifactSummary): boolean {
  if (headers['if-match'] !== undefined && !isListedStrongly(etag, headers['if-match']))
    throw new VersionsError('version-conflict', `If-Match does not name ${etag} of "${name}"`, { details: { current: head } });
  return headers['if-none-match'] !== undefined && isListed(etag, headers['if-none-match']);
}

function rangeOf({ headers }: ContentRequest, reply: FastifyReply, etag: string, bytes: number): ByteRange | undefined {
  const { range: asked, 'if-range': condition } = headers;
  // An If-Range that is not this very ETag, a date included: the reader has something else, and gets everything.
  if (condition !== undefined && condition !== etag) return undefined;
  const range = parseRange(asked, bytes);
  if (range !== 'unsatisfiable') return range;
  void reply.header('content-range', `bytes */${bytes}`);
  throw new HttpError('bad-range', `the content has ${bytes} bytes`);
}
