import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Anchors } from '../../anchor/open-anchors.ts';
import type { Ledger } from '../../ledger/ports.ts';
import type { Observer } from '../../observe/observer.ts';
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
    const { blocking, degraded } = reasons(ledger, lifecycle, anchors);
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
    const text = await observer.metrics(ledger.head().size, ledger.stats());
    return reply.type(observer.registry.contentType).send(text);
  });
}

function reasons(ledger: Ledger, lifecycle: Lifecycle, anchors: Anchors | undefined): { blocking: string[]; degraded: string[] } {
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
  ];
  return { blocking, degraded };
}
