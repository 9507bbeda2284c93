import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { parseMoment } from '../../kernel/moment.ts';
import type { Observer } from '../../observe/observer.ts';
import type { VersionCause } from '../../observe/version-events.ts';
import type { ArtifactSummary, Caller, RollbackRequest, Versions } from '../../versions/ports.ts';
import { changeVersion } from '../change-version.ts';
import { patiently } from '../patiently.ts';
import { problemResponse } from '../schemas/common.ts';
import {
  Artifact,
  CallerBody,
  NameParams,
  Plan,
  RollbackBody,
  toArtifactAnswer,
  toRecordAnswer,
  VersionParams,
} from '../schemas/version.ts';
import { toEtag } from '../version-etag.ts';
import { readCaller, readJsonBody, readPrecondition, RequestFaults, requireReason } from '../version-request.ts';

const bodyOf = (schema: typeof CallerBody | typeof RollbackBody): object => ({ content: { 'application/json': { schema } } });
const WHO = 'Who and why: `actor` and `reason` of the body, or the headers X-Actor and X-Reason.';

const rollbackSchema = {
  operationId: 'rollBack',
  tags: ['versions'],
  summary: 'Put the content of an earlier version back, as a new version',
  description: `Needs If-Match with the ETag of the head; a dry run does not. ${WHO}`,
  params: NameParams,
  querystring: Type.Object({}, { additionalProperties: false }),
  documentedBody: bodyOf(RollbackBody),
  response: {
    200: { ...Plan, description: 'Dry run: what would be done, and the hash that came of it' },
    201: { ...Plan, description: 'Done: ETag and Location name the new version' },
    400: problemResponse('Every fault of the request'),
    404: problemResponse('There is no such artifact or version, or none at that time'),
    410: problemResponse('Retention removed the content'),
    412: problemResponse('The head is another version: see `current`'),
    428: problemResponse('If-Match is missing: see `current`'),
    500: problemResponse('Stored bytes are not those that were put: nothing was changed'),
  },
};

/** The small changes: what each does, and what it is called in the ledger and in metrics. */
interface Switch {
  readonly method: 'PUT' | 'DELETE' | 'POST';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly cause: VersionCause;
  readonly needsReason?: true;
  readonly change: (versions: Versions, params: { name: string; version: number }, caller: Caller) => Promise<ArtifactSummary>;
}

const SWITCHES: readonly Switch[] = [
  {
    method: 'POST',
    path: 'confirm',
    operationId: 'confirmVersion',
    summary: 'Keep the head that waits to be confirmed',
    cause: 'confirm',
    change: (versions, { name }, caller) => versions.confirm(name, caller),
  },
  {
    method: 'PUT',
    path: 'hold',
    operationId: 'hold',
    summary: 'Refuse changes by PUT until the hold is released; `reason` is mandatory',
    cause: 'hold',
    needsReason: true,
    change: (versions, { name }, caller) => versions.hold(name, true, caller),
  },
  {
    method: 'DELETE',
    path: 'hold',
    operationId: 'release',
    summary: 'Take changes by PUT again',
    cause: 'release',
    change: (versions, { name }, caller) => versions.hold(name, false, caller),
  },
  {
    method: 'PUT',
    path: 'legal-hold',
    operationId: 'holdLegally',
    summary: 'Keep every version until the legal hold is released; `reason` is mandatory',
    cause: 'legal-hold',
    needsReason: true,
    change: (versions, { name }, caller) => versions.legalHold(name, true, caller),
  },
  {
    method: 'DELETE',
    path: 'legal-hold',
    operationId: 'releaseLegally',
    summary: 'Let retention remove versions again',
    cause: 'legal-release',
    change: (versions, { name }, caller) => versions.legalHold(name, false, caller),
  },
  {
    method: 'PUT',
    path: ':version/pin',
    operationId: 'pin',
    summary: 'Keep a version from retention',
    cause: 'pin',
    change: (versions, { name, version }, caller) => versions.pin(name, version, true, caller),
  },
  {
    method: 'DELETE',
    path: ':version/pin',
    operationId: 'unpin',
    summary: 'Let retention remove a version again',
    cause: 'unpin',
    change: (versions, { name, version }, caller) => versions.pin(name, version, false, caller),
  },
];

export function registerVersionChanges(app: FastifyInstance, versions: Versions, observer: Observer): void {
  registerRollback(app, versions, observer);
  for (const each of SWITCHES) registerSwitch(app, versions, observer, each);
}

function registerRollback(app: FastifyInstance, versions: Versions, observer: Observer): void {
  app.post<{ Params: { name: string } }>('/versions/:name/rollback', { schema: rollbackSchema }, async (request, reply) => {
    const asked = readRollback(request);
    const { name } = asked;
    const work = (): ReturnType<Versions['rollback']> => patiently(request, () => versions.rollback(asked));
    const plan = asked.isDryRun
      ? await work()
      : await changeVersion(observer, 'rollback', name, work, ({ record, to }) => `version ${record?.version} restores ${to.version}`);
    const { record, ...rest } = plan;
    if (record === undefined) return rest;
    return reply
      .code(201)
      .header('etag', toEtag(record))
      .header('location', `/versions/${name}/${record.version}`)
      .send({ ...rest, record: toRecordAnswer(record) });
  });
}

function readRollback(request: FastifyRequest<{ Params: { name: string } }>): RollbackRequest {
  const faults = new RequestFaults();
  const precondition = readPrecondition(request, faults, false);
  const body = readJsonBody(request, faults, RollbackBody);
  const caller = readCaller(request, faults, body);
  if (body !== undefined) requireReason(request, faults, body);
  const to = readTarget(body?.to, faults);
  faults.throwIfAny();
  return {
    name: request.params.name,
    to: to ?? 0,
    reason: caller.reason ?? '',
    actor: caller.actor,
    precondition,
    isDryRun: body?.dryRun ?? false,
    hold: body?.hold ?? false,
    confirmWithinS: body?.confirmWithinS,
  };
}

function readTarget(to: number | string | undefined, faults: RequestFaults): RollbackRequest['to'] | undefined {
  if (typeof to !== 'string') return to;
  const timeNs = parseMoment(to, Date.now());
  if (timeNs !== undefined) return { timeNs };
  return faults.add('body/to', 'is neither a version (a number) nor a time like 2026-01-02T03:04:05Z or 2h');
}

function registerSwitch(app: FastifyInstance, versions: Versions, observer: Observer, each: Switch): void {
  const schema = {
    operationId: each.operationId,
    tags: ['versions'],
    summary: each.summary,
    description: WHO,
    params: each.path.startsWith(':version') ? VersionParams : NameParams,
    querystring: Type.Object({}, { additionalProperties: false }),
    ...(each.method === 'DELETE' ? {} : { documentedBody: bodyOf(CallerBody) }),
    response: {
      200: { ...Artifact, description: 'The artifact as it is now' },
      400: problemResponse('Every fault of the request'),
      404: problemResponse('There is no such artifact or version'),
      ...(each.cause === 'confirm' ? { 409: problemResponse('Nothing waits to be confirmed') } : {}),
    },
  };
  app.route<{ Params: { name: string; version: number } }>({
    method: each.method,
    url: `/versions/:name/${each.path}`,
    schema,
    handler: async (request) => {
      const faults = new RequestFaults();
      const body = readJsonBody(request, faults, CallerBody);
      const caller = readCaller(request, faults, body);
      if (body !== undefined && each.needsReason === true) requireReason(request, faults, body);
      faults.throwIfAny();
      const { params } = request;
      const change = (): Promise<ArtifactSummary> => each.change(versions, params, caller);
      return toArtifactAnswer(await changeVersion(observer, each.cause, params.name, change, ({ head }) => `head is ${head.version}`));
    },
  });
}
