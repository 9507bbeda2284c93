import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { ledgerDirectory } from '../../src/verify/ledger-files.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import type { CaseFolder } from './case-folder.ts';

/** The offline verifier's verdict with everything that an operator has: root keys, epoch key, and the checkpoint lock as the anchor. */
export async function offlineVerdict({ dataDir, anchorDir }: CaseFolder): Promise<{ verdict: string; findings: readonly string[] }> {
  const keysDir = join(dataDir, 'keys');
  const report = await verifyLedger({
    files: ledgerDirectory(dataDir),
    hmacKeys: readdirSync(keysDir)
      .filter((name) => /^verification(?:-\d+)?\.key$/.test(name))
      .map((name) => ({ label: name, key: fromHexLine(readFileSync(join(keysDir, name), 'latin1')) })),
    ownEpochKey: readEpochKey(join(keysDir, 'epoch.key')),
    anchors: anchorNotes(anchorDir).map(parseCheckpoint),
    allow: { unanchored: true, unsealed: false },
  });
  return {
    verdict: report.verdict,
    findings: report.findings.map(
      ({ verdict, place, found }) => `${verdict} ${place.file} ${place.seqFirst ?? ''} ${place.byteOffset ?? ''}: ${found}`,
    ),
  };
}

/** docs/formats/ledger.md, Epochs: four lines. */
function readEpochKey(path: string): VerifyLedgerInput['ownEpochKey'] {
  const [, epoch, key, seed] = readFileSync(path, 'latin1').split('\n');
  return { label: path, epoch: Number(epoch), key: fromHexLine(key), seed: fromHexLine(seed) };
}

function fromHexLine(line: string): Uint8Array {
  return Buffer.from(line.trim(), 'hex');
}

/** A lock that was never made public is no anchor. */
function anchorNotes(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.checkpoint'))
    .map((name) => readFileSync(join(directory, name), 'utf8'));
}
