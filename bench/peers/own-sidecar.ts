import { CountedBatch } from '../counted-batch.ts';
import { postBatches } from '../http-batches.ts';
import { benchSidecar } from '../measure.ts';
import { BATCH_ENTRIES, CONNECTIONS, ENTRY_BYTES, type Peer } from './peer.ts';

const WARM_UP_S = 3;

export const OWN_SIDECAR: Peer = {
  name: 'post-incident-proofs',
  conditions:
    'HTTP, JSON validated; answered after fdatasync; HMAC chain with keys that evolve each second, Merkle tree, signed checkpoint at each commit',
  async run(seconds) {
    await using sidecar = await benchSidecar();
    const load = { url: `${sidecar.url}/events`, contentType: 'application/x-ndjson', connections: CONNECTIONS, newBatch };
    await postBatches({ ...load, seconds: WARM_UP_S });
    return await postBatches({ ...load, seconds });
  },
};

function newBatch(): CountedBatch {
  return new CountedBatch(
    Array.from({ length: BATCH_ENTRIES }, (_, i) => {
      const event = { level: 'info', tenant: `team-${i % 7}`, attributes: { user: i, path: '/api/v1/items' }, message: '##########' };
      const missing = ENTRY_BYTES - JSON.stringify(event).length;
      return `${JSON.stringify({ ...event, message: event.message + 'm'.repeat(missing) })}\n`;
    }),
  );
}
