import { describeInterop } from '../support/interop-cases.ts';
import type { InteropLedger } from '../support/interop.ts';
import { makeLedger, writeLedger, type LedgerSpec } from '../support/make-ledger.ts';
import { signCheckpoint, treeRoot } from '../support/reference-crypto.ts';
import { SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';

function interopLedger(spec: LedgerSpec, dataDir: string): Promise<InteropLedger> {
  const made = makeLedger(spec);
  writeLedger(made.files, dataDir);
  const { leaves, origin, signingKey } = made;
  const isSealing = spec.epochPolicy === 'seal/v1';
  return Promise.resolve({
    dataDir,
    leaves,
    isSealing,
    rootKeyFile: isSealing ? 'keys/verification-0.key' : 'keys/hmac.key',
    signCheckpoint: (size) => signCheckpoint(origin, size, treeRoot(leaves.slice(0, size)), signingKey),
  });
}

describeInterop('the reference writer', (dataDir) => interopLedger({ requests: SAMPLE_REQUESTS }, dataDir));
describeInterop('the reference writer that seals its epochs', (dataDir) =>
  interopLedger({ requests: SEALED_STEPS, epochPolicy: 'seal/v1' }, dataDir),
);
