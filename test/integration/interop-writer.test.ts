import { describeInterop } from '../support/interop-cases.ts';
import { readLeavesOf } from '../support/interop.ts';
import { batchOf } from '../support/batch-of.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';

describeInterop('the real writer', async (dataDir) => {
  await using cleanup = new AsyncDisposableStack();
  const ledger = await openLedger({ dataDir });
  cleanup.defer(() => ledger.close());
  for (let i = 0; i < 12; i++) await ledger.append({ events: batchOf([{ level: 'info', message: `request ${i}`, tenant: 'acme' }]) });
  const notes = new Map<number, string>();
  for (const size of [1, 4, 5, 7]) notes.set(size, await ledger.signCheckpoint(size));
  await cleanup.disposeAsync();
  return {
    dataDir,
    leaves: await readLeavesOf(dataDir),
    isSealing: true,
    rootKeyFile: 'keys/verification.key',
    signCheckpoint: (size: number) => notes.get(size) ?? '',
  };
});
