import { PATHS } from '../bundle/format.ts';
import { equalBytes, toHex } from '../kernel/bytes.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { isSignedBy } from '../kernel/note.ts';
import type { CheckedEntry } from './bundle-entries.ts';
import type { ParsedBundle } from './bundle-files.ts';
import type { VerifyBundleInput } from './bundle-input.ts';
import type { ReportBuilder } from './bundle-report.ts';
import { rootWithin } from './bundle-tree.ts';

/** True when the anchor states size and root of the bundle's own checkpoint. */
export function checkAnchor(
  report: ReportBuilder,
  { anchor }: VerifyBundleInput,
  { key, checkpoint, proof }: ParsedBundle,
  run: readonly CheckedEntry[],
): boolean {
  if (anchor === undefined || key === undefined || checkpoint === undefined || proof === undefined) {
    report.skip('anchor', anchor === undefined ? 'no --anchor is given' : 'key, checkpoint or proof cannot be read');
    report.notChecked.push('whether other signed histories of this ledger exist: needs a checkpoint kept elsewhere (--anchor)');
    return false;
  }
  const place = { file: PATHS.checkpoint };
  const expected = `the anchor’s ${anchor.size} entries with root ${toHex(anchor.root)}`;
  if (anchor.origin !== key.name || !isSignedBy(anchor, key, verifyEd25519)) {
    report.found(
      'KEY_MISMATCH',
      place,
      'an anchor signed by the ledger’s key',
      `one of "${anchor.origin.slice(0, 64)}" without a good signature of it`,
    );
    report.close('anchor', '');
    return false;
  }
  const root = anchor.size === checkpoint.size ? checkpoint.root : rootWithin(run, proof, anchor.size);
  if (root === undefined) {
    report.skip('anchor', `it is of ${anchor.size} entries; only one of ${proof.first + 1} to ${checkpoint.size} can be compared`);
    report.notChecked.push(`the anchor of ${anchor.size} entries: ask for one of ${checkpoint.size}`);
    return false;
  }
  if (!equalBytes(root, anchor.root)) report.found('FORKED', place, expected, `root ${toHex(root)} for that size`);
  const isWhole = anchor.size === checkpoint.size;
  if (!isWhole) report.notChecked.push(`entries from ${anchor.size} on against an anchor: it ends before them`);
  report.close(
    'anchor',
    isWhole
      ? 'the bundle ends in the checkpoint that was kept elsewhere'
      : `entries up to ${anchor.size - 1} are those of the checkpoint that was kept elsewhere`,
  );
  return isWhole;
}
