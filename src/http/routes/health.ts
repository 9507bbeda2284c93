import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Anchors } from '../../anchor/open-anchors.ts';
import type { WatchStatus } from '../../kernel/detection.ts';
import type { Ledger } from '../../ledger/ports.ts';
import type { LimiterStatus, OpenedLimiter } from '../../limiter/open-limiter.ts';
import type { Observer } from '../../observe/observer.ts';
import type { Damage } from '../../versions/ports.ts';
import { rawResponse } from '../schemas/common.ts';

export interface Lifecycle {
  /** True from the first SIGTERM on. */
  readonly isStopping: boolean;
}

const Readiness = Type.Object(
  { status: Type.Enum(['ready', 'degraded', 'unavailable']), reasons: Type.Array(Type.String()) },
  { description: 'Whether events are taken, and what is wrong.' },
);

export function registerHealth(
  app: FastifyInstance,
  ledger: Ledger,
  observer: Observer,
  lifecycle: Lifecycle,
  anchors: Anchors | undefined,
  watch: () => WatchStatus,
  archiveTrouble: () => string | undefined,
  limits: Pick<OpenedLimiter, 'counts' | 'status' | 'topDenied'> | undefined,
  damagedVersions: () => readonly Damage[],
): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['operations'],
        summary: 'The process answers',
        response: { 200: Type.Object({ status: Type.Literal('alive') }, { description: 'It does.' }) },
      },
    },
    () => ({
      status: 'alive' as const,
    }),
  );
  const ready = {
    operationId: 'getReadiness',
    tags: ['operations'],
    summary: 'The sidecar takes events; says what is degraded',
    response: { 200: Readiness, 503: Readiness },
  };
  app.get('/readyz', { schema: ready }, (_request, reply) => {
    const { blocking, degraded } = reasons(ledger, lifecycle, anchors, watch(), archiveTrouble(), limits?.status(), damagedVersions());
    const status = blocking.length > 0 ? 'unavailable' : degraded.length > 0 ? 'degraded' : 'ready';
    return reply.code(blocking.length > 0 ? 503 : 200).send({ status, reasons: [...blocking, ...degraded] });
  });
  const metrics = {
    operationId: 'getMetrics',
    tags: ['operations'],
    summary: 'Prometheus metrics',
    response: { 200: rawResponse('Prometheus text format', 'text/plain') },
  };
  app.get('/metrics', { schema: metrics }, async (_request, reply) => {
    const text = await observer.metrics(ledger.head().size, ledger.stats(), watch(), limits, damagedVersions().length);
    return reply.type(observer.registry.contentType).send(text);
  });
}

/** The watch speaks four times a second; after this long something holds it up. */
const WATCH_LAG_SECONDS_MAX = 5;
/** Damaged places that are named one by one. */
const DAMAGES_SHOWN = 10;

function reasons(
  ledger: Ledger,
  lifecycle: Lifecycle,
  anchors: Anchors | undefined,
  watch: WatchStatus,
  archiveTrouble: string | undefined,
  limits: LimiterStatus | undefined,
  damagedVersions: readonly Damage[],
): { blocking: string[]; degraded: string[] } {
  const stats = ledger.stats();
  const blocking = [
    ...(lifecycle.isStopping ? ['shutting down'] : []),
    ...(stats.isDiskFull ? ['the disk is full: events are refused with 507'] : []),
  ];
  const degraded = [
    ...(stats.isCheckpointStale ? ['the published checkpoint is older than the ledger: the disk is nearly full'] : []),
    ...(stats.recoveries > 0 ? [`this start had to repair ${stats.recoveries} thing(s); see the recovery entries`] : []),
    ...(stats.isAnchorReachable
      ? []
      : [`the checkpoint lock cannot be reached: ${stats.unanchoredEntries} entries are in no lock, receipts are refused`]),
    ...(anchors?.warnings() ?? []),
    ...watchReasons(watch),
    ...(archiveTrouble === undefined ? [] : [`full segments are not being archived: ${archiveTrouble}`]),
    ...(limits?.store?.isReady === false ? ['the shared store of the limits cannot be asked: each limit says what holds meanwhile'] : []),
    ...damagedVersions.slice(0, DAMAGES_SHOWN).map(({ place, what }) => ['versions', place, what].filter((part) => part !== '').join(': ')),
    ...(damagedVersions.length > DAMAGES_SHOWN ? [`versions: ${damagedVersions.length - DAMAGES_SHOWN} more are damaged`] : []),
  ];
  return { blocking, degraded };
}

function watchReasons({ state, isTampered, detections, findings, lagSeconds }: WatchStatus): string[] {
  const first = findings.at(0);
  return [
    ...(isTampered && first !== undefined
      ? [
          `the files of the ledger were changed by somebody else: ${first.kind} in ${first.file}, ${detections} finding(s); see /ledger/status`,
        ]
      : []),
    ...(state === 'dead' ? ['the watch over the files has died'] : []),
    ...(state !== 'off' && state !== 'dead' && lagSeconds > WATCH_LAG_SECONDS_MAX
      ? [`the watch over the files has not looked for ${Math.round(lagSeconds)} seconds`]
      : []),
  ];
}
