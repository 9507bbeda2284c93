import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePrivateKeyPem, rawPublicKey } from '../../src/kernel/ed25519.ts';
import { fromHex } from '../../src/kernel/bytes.ts';
import { readOwnKeys } from '../../src/cli/own-keys.ts';
import { ledgerDirectory } from '../../src/verify/ledger-files.ts';
import { verifyLedger } from '../../src/verify/verify-ledger.ts';
import { makeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';

const GOLDEN = join(import.meta.dirname, '../golden');
/** Frozen with their formats. */
const SEALED_ROOT = '40afaf8f7e462b6f4dfaf2fa86350c56e8e05cb8edb8d4dcfccbfc847c7d28f4';
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

describe('the golden ledger that seals its epochs', () => {
  const dataDir = join(GOLDEN, 'ledger-v2');
  const made = makeLedger({ epochPolicy: 'seal/v1', requests: SEALED_STEPS });

  it('verifies with the keys that lie beside it and the root it was made with', async () => {
    const { hmacKeys, epochKey } = readOwnKeys(join(dataDir, 'keys'));
    const files = ledgerDirectory(dataDir);
    const report = await verifyLedger({ files, hmacKeys, ownEpochKey: epochKey, allow: { unanchored: true, unsealed: false } });
    expect([report.verdict, report.findings, report.facts.root]).toEqual(['OK_UNANCHORED', [], SEALED_ROOT]);
    expect([report.facts.macsChecked, report.facts.signatures]).toEqual([made.leaves.length, 'epoch chain']);
  });

  it('is what the reference writer still makes, byte for byte', () => {
    for (const [path, content] of made.files) {
      expect([path, readFileSync(join(dataDir, path)).equals(content)]).toEqual([path, true]);
    }
    expect(readFileSync(join(GOLDEN, 'README-v2.md'), 'utf8')).toContain(SEALED_ROOT);
  });
});
