import { Type } from 'typebox';
import type { TimedDetection, WatchStatus } from '../../kernel/detection.ts';
import { formatMoment } from '../../kernel/moment.ts';

const Range = Type.Union([
  Type.Null(),
  Type.Object({ first: Type.Integer(), last: Type.Union([Type.Integer(), Type.Null()]) }, { description: 'Both inclusive.' }),
]);

/** The watch over the files, in /ledger/status. */
export const WatchAnswer = Type.Object(
  {
    state: Type.Enum(['off', 'watching', 'polling', 'dead']),
    isTampered: Type.Boolean({ description: 'Latched until the next start.' }),
    detections: Type.Integer(),
    findings: Type.Array(
      Type.Object({
        kind: Type.String(),
        file: Type.String(),
        bytes: Range,
        seqs: Range,
        detectedAt: Type.String(),
        evidence: Type.String(),
      }),
      { description: 'The first ones since the start.' },
    ),
    earlierTampers: Type.Array(Type.Integer(), {
      description: 'Counters of tamper records of earlier starts, as far as segments were read.',
    }),
    lagSeconds: Type.Number(),
    cycleSeconds: Type.Optional(Type.Number()),
  },
  { description: 'Live detection of changes to the files.' },
);

export function toWatchAnswer({ findings, cpuSeconds: _, ...status }: WatchStatus): unknown {
  const toAnswer = ({ detectedNs: __, timeNs, ...finding }: TimedDetection): unknown => ({ ...finding, detectedAt: formatMoment(timeNs) });
  return { ...status, findings: findings.map(toAnswer) };
}
