import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerDirectory } from '../../src/verify/ledger-files.ts';
import { verifyLedger } from '../../src/verify/verify-ledger.ts';

/** The offline verifier's verdict with the ledger's own HMAC key; that keys are not sealed in this format is not asked again. */
export async function offlineVerdict(dataDir: string): Promise<{ verdict: string; findings: readonly string[] }> {
  const key = Buffer.from(readFileSync(join(dataDir, 'keys', 'hmac.key'), 'latin1').trim(), 'hex');
  const report = await verifyLedger({
    files: ledgerDirectory(dataDir),
    hmacKeys: [{ label: 'hmac.key', key }],
    allow: { unanchored: true, unsealed: true },
  });
  return {
    verdict: report.verdict,
    findings: report.findings.map(
      ({ verdict, place, found }) => `${verdict} ${place.file} ${place.seqFirst ?? ''} ${place.byteOffset ?? ''}: ${found}`,
    ),
  };
}
