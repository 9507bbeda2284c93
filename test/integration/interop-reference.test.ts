import { describeInterop } from '../support/interop-cases.ts';
import { makeLedger, writeLedger } from '../support/make-ledger.ts';
import { signCheckpoint, treeRoot } from '../support/reference-crypto.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';

describeInterop('the reference writer', (dataDir) => {
  const made = makeLedger({ requests: SAMPLE_REQUESTS });
  writeLedger(made.files, dataDir);
  const { leaves, origin, signingKey } = made;
  return Promise.resolve({
    dataDir,
    leaves,
    signCheckpoint: (size) => signCheckpoint(origin, size, treeRoot(leaves.slice(0, size)), signingKey),
  });
});
