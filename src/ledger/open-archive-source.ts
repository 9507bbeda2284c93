import { equalBytes } from '../kernel/bytes.ts';
import { parsePrivateKeyPem, rawPublicKey } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey } from '../kernel/note.ts';
import { checkpointNote, ownCheckpoint } from './checkpoint.ts';
import { listSegments } from './index-files.ts';
import { readSecret } from './key-files.ts';
import { LedgerError } from './ledger-error.ts';
import { lockLedger } from './lock.ts';
import { openLedgerReader, type OfflineReader } from './open-reader.ts';
import { ledgerPaths } from './paths.ts';

/** A ledger at rest that gives what an archive is made of. */
export interface ArchiveSourceAtRest extends Pick<OfflineReader, 'identity' | 'head' | 'rootAt' | 'tile' | 'sealedEnd'>, Disposable {
  signCheckpoint(size: number): Promise<string>;
  /** Bytes of the full segments from this entry on. */
  sealedBytes(from: number): number;
}

/**
 * Opens a ledger that no sidecar runs on, with its log key. It signs prefixes of what its checkpoint states and nothing else, and only when
 * the entries lead to the root that stands there: a changed ledger gets no signature. Throws LedgerError.
 */
export async function openArchiveSource(dataDir: string, keysDir: string): Promise<ArchiveSourceAtRest> {
  const paths = ledgerPaths(dataDir, keysDir);
  const reader = openLedgerReader(dataDir);
  const lock = lockLedger(paths.lock);
  try {
    const { identity } = reader;
    const signingKey = parsePrivateKeyPem(readSecret(paths.logKey));
    if (formatVerifierKey(nodeHashes, identity.origin, rawPublicKey(signingKey)) !== identity.verifierKey)
      throw new LedgerError('key-mismatch', `${paths.logKey} is not the log key of this ledger`);
    const signed = ownCheckpoint(reader.head().checkpoint, identity);
    if (signed === undefined) throw new LedgerError('tampered', `${paths.checkpoint} holds no checkpoint that this ledger signed`);
    if (signed.size > reader.head().size)
      throw new LedgerError('truncated', `the checkpoint speaks of ${signed.size} entries, but only ${reader.head().size} can be read`);
    if (!equalBytes(await reader.rootAt(signed.size), signed.root))
      throw new LedgerError('tampered', `the first ${signed.size} entries do not have the root that was signed for them`);
    return {
      identity,
      head: () => reader.head(),
      rootAt: (size) => reader.rootAt(size),
      tile: (path) => reader.tile(path),
      sealedEnd: (seq) => {
        const end = reader.sealedEnd(seq);
        return end !== undefined && end <= signed.size ? end : undefined;
      },
      signCheckpoint: async (size) => checkpointNote(identity, signingKey, undefined, size, await reader.rootAt(size)),
      sealedBytes: (from) =>
        listSegments(paths).reduce(
          (sum, { first = 0, bytes = 0 }) => sum + (first >= from && reader.sealedEnd(first) !== undefined ? bytes : 0),
          0,
        ),
      [Symbol.dispose]: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
