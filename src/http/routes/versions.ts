import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { parseMoment } from '../../kernel/moment.ts';
import type { Observer } from '../../observe/observer.ts';
import type { Versions } from '../../versions/ports.ts';
import { patiently } from '../patiently.ts';
import { Places } from '../places.ts';
import { problemResponse } from '../schemas/common.ts';
import {
  Artifact,
  Diff,
  History,
  Name,
  NameParams,
  Record,
  toArtifactAnswer,
  toRecordAnswer,
  Verified,
  Version,
} from '../schemas/version.ts';
import { RequestFaults } from '../version-request.ts';
import { registerVersionChanges } from './versions-change.ts';
import { registerVersionContents } from './versions-content.ts';
import { registerVersionEvents } from './versions-events.ts';
import { registerVersionUpload } from './versions-upload.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
/** Contents that are compared or checked at one time: each keeps the disk busy for as long as it takes. */
const CHECKS_MAX = 8;

const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT }));

const listSchema = {
  operationId: 'listArtifacts',
  tags: ['versions'],
  summary: 'Artifacts, by name',
  querystring: Type.Object(
    { after: Type.Optional(Type.String({ maxLength: 128, description: '`next` of the answer before.' })), limit: Limit },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object(
      { artifacts: Type.Array(Artifact), next: Type.Union([Type.String(), Type.Null()]) },
      { description: 'Artifacts, and where to go on (null at the end)' },
    ),
    400: problemResponse('The query is invalid'),
  },
};

const historySchema = {
  operationId: 'getArtifact',
  tags: ['versions'],
  summary: 'An artifact and its versions, newest first; or the version that was its head at a time',
  params: NameParams,
  querystring: Type.Object(
    {
      at: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339, a date, or "2h" ago: answers the head of that time only.' })),
      before: Type.Optional({ ...Version, description: '`next` of the answer before.' }),
      limit: Limit,
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The artifact with a page of its versions; with `at` one version',
      content: { 'application/json': { schema: Type.Union([History, Record]) } },
    },
    400: problemResponse('The name or the query is invalid'),
    404: problemResponse('There is no such artifact, or there was none at that time'),
  },
};

const diffSchema = {
  operationId: 'compareVersions',
  tags: ['versions'],
  summary: 'What differs between two versions',
  params: NameParams,
  querystring: Type.Object({ from: Version, to: Version }, { additionalProperties: false }),
  response: {
    200: Diff,
    400: problemResponse('The name or the query is invalid'),
    404: problemResponse('There is no such version'),
    410: problemResponse('Retention removed the content of one of them'),
  },
};

const verifySchema = {
  operationId: 'verifyArtifact',
  tags: ['versions'],
  summary: 'Make and hash every version that retention left',
  params: Type.Object({ name: Name }),
  response: {
    200: { ...Verified, description: 'What was found; `damages` is empty when all is well' },
    404: problemResponse('There is no such artifact'),
  },
};

export interface VersionsOptions {
  /** How long a client that uploads may pause. */
  readonly paceMs?: number;
  /** For tests that must not wait for the real ones. */
  readonly heartbeatMs?: number;
  readonly watchersMax?: number;
}

export function registerVersions(app: FastifyInstance, versions: Versions, observer: Observer, options: VersionsOptions = {}): void {
  registerList(app, versions);
  registerHistory(app, versions);
  registerChecks(app, versions);
  registerVersionUpload(app, versions, observer, options.paceMs);
  registerVersionContents(app, versions, observer);
  registerVersionChanges(app, versions, observer);
  registerVersionEvents(app, versions, observer, options);
}

function registerList(app: FastifyInstance, versions: Versions): void {
  app.get<{ Querystring: { after?: string; limit: number } }>('/versions', { schema: listSchema }, async ({ query }) => {
    // One more than is answered: whether there are more is known without asking twice.
    const found = await versions.list(query.after ?? '', query.limit + 1);
    const page = found.slice(0, query.limit);
    return { artifacts: page.map(toArtifactAnswer), next: found.length > page.length ? (page.at(-1)?.name ?? null) : null };
  });
}

function registerHistory(app: FastifyInstance, versions: Versions): void {
  app.get<{ Params: { name: string }; Querystring: { at?: string; before?: number; limit: number } }>(
    '/versions/:name',
    { schema: historySchema },
    async ({ params: { name }, query: { at, before, limit } }, reply) => {
      // Shapes differ, and both are made here: they are written as they are.
      const send = (answer: object): typeof reply => reply.type('application/json').send(JSON.stringify(answer));
      if (at !== undefined) return send(toRecordAnswer(await versions.at(name, parseTime(at, before))));
      const summary = await versions.summary(name);
      const records = await versions.records(name, before ?? summary.head.version + 1, limit);
      const last = records.at(-1)?.version ?? 1;
      return send({ ...toArtifactAnswer(summary), versions: records.map(toRecordAnswer), next: last > 1 ? last : null });
    },
  );
}

function parseTime(at: string, before: number | undefined): bigint {
  const faults = new RequestFaults();
  const timeNs = parseMoment(at, Date.now());
  if (timeNs === undefined) faults.add('querystring/at', 'is not a time like 2026-01-02T03:04:05Z, 2026-01-02 or 2h');
  if (before !== undefined) faults.add('querystring/before', 'has no meaning beside "at", which finds one version');
  faults.throwIfAny();
  return timeNs ?? 0n;
}

function registerChecks(app: FastifyInstance, versions: Versions): void {
  const places = new Places(CHECKS_MAX, 'comparisons and checks go on');
  const diff = { schema: diffSchema, exposeHeadRoute: false };
  app.get<{ Params: { name: string }; Querystring: { from: number; to: number } }>('/versions/:name/diff', diff, async (request) => {
    const { from, to } = request.query;
    const found = await places.during(() => patiently(request, () => versions.diff(request.params.name, from, to)));
    return { ...found, from: toRecordAnswer(found.from), to: toRecordAnswer(found.to) };
  });
  app.post<{ Params: { name: string } }>('/versions/:name/verify', { schema: verifySchema }, (request) =>
    places.during(() => patiently(request, () => versions.verify(request.params.name))),
  );
}
