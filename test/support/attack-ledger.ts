import type { Step } from './ledger-builder.ts';
import { filled, makeLedger, START_NS, type MadeLedger } from './make-ledger.ts';

const SECOND_NS = 1_000_000_000n;
/** Eight epochs cross a minute's border and leave the ledger short. */
const EPOCH_NS = 9n * SECOND_NS;

/** A sealed ledger of the reference writer: epochs of `perEpoch` requests, then a running epoch that is as long. */
export function attackLedger(options: { readonly epochs: number; readonly perEpoch: number; readonly life?: string }): MadeLedger {
  const { epochs, perEpoch, life = '' } = options;
  const requests: Step[] = [];
  let event = 0;
  for (let epoch = 0; epoch <= epochs; epoch++) {
    const opened = START_NS + BigInt(epoch) * EPOCH_NS;
    for (let request = 0; request < perEpoch; request++, event++) {
      const timeNs = opened + (BigInt(request + 1) * EPOCH_NS) / BigInt(perEpoch + 2);
      const payload = { level: event % 7 === 0 ? 'error' : 'info', message: `event ${event}${life}`, tenant: `tenant-${event % 3}` };
      const second = { message: `second of ${event}` };
      const tag = event % 5 === 0 ? filled(64, event % 251) : undefined;
      requests.push({ timeNs, leaves: event % 4 === 0 ? [{ payload }, { payload: second }] : [{ payload }], ...(tag && { tag }) });
    }
    if (epoch < epochs) requests.push({ timeNs: opened + EPOCH_NS - SECOND_NS / 10n, seal: {} });
  }
  return makeLedger({ requests, epochPolicy: 'seal/v1', requestsPerCommit: perEpoch });
}
