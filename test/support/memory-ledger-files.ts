import { VerifyError } from '../../src/verify/verify-error.ts';
import type { LedgerFiles } from '../../src/verify/ledger-files.ts';

const SEGMENTS = 'ledger/segments/';

/** A ledger folder in memory: path below DATA_DIR → content. */
export function memoryLedgerFiles(files: ReadonlyMap<string, Uint8Array>): LedgerFiles {
  return {
    listSegments() {
      const names = [...files.keys()].filter((path) => path.startsWith(SEGMENTS)).map((path) => path.slice(SEGMENTS.length));
      return names.toSorted().map((name) => ({ name, isRegular: true }));
    },
    openSegment(name) {
      const content = files.get(SEGMENTS + name);
      if (content === undefined) throw new VerifyError('unreadable', `no segment "${name}"`);
      return {
        bytes: content.length,
        read(target, position) {
          const part = content.subarray(position, position + target.length);
          target.set(part);
          return part.length;
        },
        close: () => undefined,
      };
    },
    readSmall: (name, bytesMax) => files.get(`ledger/${name}`)?.subarray(0, bytesMax),
    readPruned: (name, bytesMax) => files.get(`ledger/pruned/${name}`)?.subarray(0, bytesMax),
    listDerived(folder) {
      const prefix = `ledger/${folder}/`;
      return [...files.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
    },
  };
}
