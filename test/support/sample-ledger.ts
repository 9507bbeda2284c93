import type { RequestSpec, Step } from './ledger-builder.ts';
import { filled, START_NS } from './make-ledger.ts';

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

const after = (seconds: number): bigint => START_NS + BigInt(Math.round(seconds * 1000)) * 1_000_000n;

/** The secrets of the second lineage in SEALED_STEPS. */
export const ROTATED_TO = { key: filled(32, 0x88), seed: filled(32, 0x99) };

/** The same for a ledger that seals: epochs with and without leaves, over minutes and a restart, a rotation, every kind of record. */
export const SEALED_STEPS: readonly Step[] = [
  { timeNs: after(1), leaves: [{ payload: { level: 'info', message: 'service started', tenant: 'acme' } }] },
  { timeNs: after(2), seal: {} },
  {
    timeNs: after(2.5),
    tag: filled(64, 0x44),
    leaves: [{ payload: { level: 'error', message: 'payment failed', tenant: 'acme' } }, { payload: { message: 'retried' } }],
  },
  { timeNs: after(3.5), seal: {} },
  { timeNs: after(903.5), seal: {} },
  { timeNs: after(904), leaves: [{ type: 7, payload: { monotonicNs: '904000000000', stepMs: -2500, wallNs: '1767323949000000000' } }] },
  {
    timeNs: after(904.2),
    leaves: [
      {
        type: 11,
        payload: {
          byteFirst: 10,
          byteLast: 20,
          detectedNs: '904100000000',
          evidence: 'mtime changed',
          file: 'ledger/checkpoint',
          kind: 'content',
          seqFirst: null,
          seqLast: null,
        },
      },
    ],
  },
  { timeNs: after(904.3), leaves: [{ type: 16, payload: { cosignatures: ['— peer.example/witness AAAAAA=='], size: 5 } }] },
  { timeNs: after(905), seal: { rotateTo: ROTATED_TO } },
  { timeNs: after(905.5), leaves: [{ payload: { level: 'warn', message: 'after the rotation' } }] },
  { timeNs: after(906), seal: { final: true } },
  {
    timeNs: after(1000),
    leaves: [{ type: 5, payload: { action: 'cut', bytes: 17, file: 'x.seg', firstSeq: 9, reason: 'torn', sha256: '7'.repeat(64) } }],
  },
  { timeNs: after(1001), seal: { bootId: '89abcdef-0123-4567-89ab-cdef01234567', monotonicNs: 5_000_000_000n } },
  { timeNs: after(1001.5), leaves: [{ payload: { message: 'in the running epoch' } }] },
];
