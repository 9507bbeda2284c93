import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePrivateKeyPem, rawPublicKey } from '../../src/kernel/ed25519.ts';
import { fromHex } from '../../src/kernel/bytes.ts';
import { ledgerDirectory } from '../../src/verify/ledger-files.ts';
import { verifyLedger } from '../../src/verify/verify-ledger.ts';
import { makeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';

const GOLDEN = join(import.meta.dirname, '../golden');
/** Frozen with format v1. */
const ROOT = 'f59b963d4951d5fed1df657efda20fa764c3d01acbd04249570501c46184e0d1';

describe('the golden ledger of format v1', () => {
  it('verifies with the root it was made with', async () => {
    const dataDir = join(GOLDEN, 'ledger-v1');
    const key = fromHex(readFileSync(join(dataDir, 'keys/hmac.key'), 'latin1').trim()) ?? new Uint8Array(0);
    const report = await verifyLedger({
      files: ledgerDirectory(dataDir),
      hmacKeys: [{ label: 'golden', key }],
      allow: { unanchored: true, unsealed: true },
    });
    expect([report.verdict, report.exitCode, report.findings, report.facts.root]).toEqual(['OK_UNANCHORED', 0, [], ROOT]);
  });

  it('is what the reference writer still makes, byte for byte', () => {
    for (const [path, content] of makeLedger({ requests: SAMPLE_REQUESTS }).files) {
      expect([path, readFileSync(join(GOLDEN, 'ledger-v1', path)).equals(content)]).toEqual([path, true]);
    }
  });

  it('holds the log key whose public half its README prints', () => {
    const pem = readFileSync(join(GOLDEN, 'ledger-v1/keys/log.key'));
    const encoded = Buffer.from([1, ...rawPublicKey(parsePrivateKeyPem(pem))]).toString('base64');
    const readme = readFileSync(join(GOLDEN, 'README.md'), 'utf8');
    expect(readme).toContain(encoded);
    expect(readme).toContain(ROOT);
  });
});
