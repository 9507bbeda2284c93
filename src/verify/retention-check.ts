import type { HeadContext } from './head-check.ts';
import type { Finding } from './finding.ts';
import type { LedgerFiles } from './ledger-files.ts';
import { indexName, PRUNED_INDEX_BYTES_MAX, readPrunedIndex, type PrunedSegment } from './pruned-index.ts';
import { VerifyError } from './verify-error.ts';

/** What is left of the removed segment that began with leaf `first`; undefined when nothing usable is. */
export function readPruned(files: LedgerFiles, first: number, report: (finding: Finding) => void): PrunedSegment | undefined {
  const file = `ledger/pruned/${indexName(first)}`;
  const place = { file, seqFirst: first };
  let bytes: Uint8Array | undefined;
  try {
    bytes = files.readPruned?.(indexName(first), PRUNED_INDEX_BYTES_MAX + 1);
  } catch (error) {
    if (!(error instanceof VerifyError) || error.code !== 'not-a-file') throw error;
    report({ verdict: 'TAMPERED', place, expected: 'a regular file', found: error.message });
  }
  if (bytes === undefined) return undefined;
  const index = readPrunedIndex(bytes, first);
  if (typeof index !== 'string') return index;
  report({ verdict: 'TAMPERED', place, expected: 'the index of a removed segment', found: index });
  return undefined;
}

/** Leaves that are not there because retention removed them: a config leaf further on has to say so. */
export function checkPruned({ walk, findings }: HeadContext): void {
  const { prunedFrom, prunedTo } = walk.state.epoch;
  for (const { from, to } of walk.gaps) {
    if (prunedTo !== undefined && to <= prunedTo) continue;
    const found = prunedFrom === undefined ? 'none' : `one that ends with leaf ${(prunedTo ?? 0) - 1}`;
    findings.add({
      verdict: 'TAMPERED',
      place: { file: 'ledger/segments', seqFirst: from, seqLast: to - 1 },
      expected: 'a config leaf that says that these leaves were removed',
      found,
    });
  }
}

/** Names that neither the index nor the remains of removed segments have: told, but no part of the ledger. */
export function warnOfForeignNames(files: LedgerFiles, report: (finding: Finding) => void): void {
  for (const folder of ['index', 'pruned'] as const) {
    for (const name of files.listDerived?.(folder) ?? []) {
      if (/^\d{20}\.idx$/.test(name)) continue;
      const found = 'another name; not part of the ledger, not read';
      report({ verdict: 'WARNING', place: { file: `ledger/${folder}/${name}` }, expected: 'index files only', found });
    }
  }
}
