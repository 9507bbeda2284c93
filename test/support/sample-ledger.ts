import { filled, START_NS, type RequestSpec } from './make-ledger.ts';

const SECOND_NS = 1_000_000_000n;

/** A small ledger that has something of everything: several minutes, levels, tenants, a tagged request, every described record. */
export const SAMPLE_REQUESTS: readonly RequestSpec[] = [
  {
    timeNs: START_NS + SECOND_NS,
    leaves: [
      { payload: { level: 'info', message: 'service started', source: 'api', time: '2026-01-02T03:04:06Z' } },
      {
        payload: {
          attributes: { b: [1, true, null], a: 'line\nbreak "quoted" é €' },
          level: 'warn',
          message: 'slow query',
          tenant: 'acme',
        },
      },
    ],
  },
  {
    timeNs: START_NS + 2n * SECOND_NS,
    tag: filled(64, 0x44),
    leaves: [{ payload: { level: 'error', message: 'payment failed', tenant: 'acme' } }],
  },
  {
    timeNs: START_NS + 65n * SECOND_NS,
    leaves: [{ payload: { message: '' } }, { payload: Buffer.from('{"message":"kept as sent","time":1767323110000.50}') }],
  },
  {
    timeNs: START_NS + 66n * SECOND_NS,
    leaves: [
      {
        type: 14,
        payload: {
          bodySha256: '5'.repeat(64),
          faults: [{ field: 'level', line: 2, reason: 'unknown level' }],
          faultsTotal: 1,
          rejected: 1,
        },
      },
    ],
  },
  { timeNs: START_NS + 200n * SECOND_NS, leaves: [{ type: 4, payload: { reason: 'closes bundle window' } }] },
  {
    timeNs: START_NS + 200n * SECOND_NS,
    leaves: [{ type: 10, payload: { bytes: 4096, from: '2026-01-02T03:04:00Z', sha256: '6'.repeat(64), to: '2026-01-02T03:06:00Z' } }],
  },
  {
    timeNs: START_NS + 201n * SECOND_NS,
    leaves: [{ type: 5, payload: { action: 'cut', bytes: 17, file: 'x.seg', firstSeq: 9, reason: 'torn', sha256: '7'.repeat(64) } }],
  },
  { timeNs: START_NS + 202n * SECOND_NS, leaves: [{ type: 200, payload: filled(5, 0xff) }] },
];
