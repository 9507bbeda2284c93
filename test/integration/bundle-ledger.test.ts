import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assembleBundle } from '../../src/bundle/assemble.ts';
import { PATHS } from '../../src/bundle/format.ts';
import { parseWindow } from '../../src/bundle/window.ts';
import { checkEnvelope } from '../../src/bundle/timeline/app/check.ts';
import { fromEnvelope, toEnvelope } from '../../src/bundle/timeline/envelope.ts';
import { fromHex } from '../../src/kernel/bytes.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import type { Ledger } from '../../src/ledger/ports.ts';
import { parseManifest } from '../../src/verify/bundle-manifest.ts';
import { parseProof } from '../../src/verify/bundle-tree.ts';
import { verifyBundle } from '../../src/verify/bundle-verify.ts';
import { textOf, unpack } from '../support/bundle-fixture.ts';
import { batchOf } from '../support/memory-ledger.ts';

let dataDir: string;

beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'proofs-bundle-ledger-'))));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function countBundleRecords(ledger: Ledger): Promise<number> {
  let count = 0;
  for await (const leaf of ledger.leaves(0, ledger.head().size)) if (leaf.type === LEAF_TYPES.bundle) count++;
  return count;
}

const rootKey = (): Uint8Array => fromHex(readFileSync(join(dataDir, 'keys/verification.key'), 'utf8').trimEnd()) ?? new Uint8Array(0);

it('gives the same bytes of a closed window before and after a restart, recorded once', async () => {
  const first = await openLedger({ dataDir });
  for (let i = 0; i < 20; i++) await first.append({ events: batchOf({ level: 'warn', message: `try ${i}` }, { message: 'ok' }) });
  const window = parseWindow({ window: '1h' }, Date.now());
  const before = await assembleBundle(first, window);
  expect(before.entries).toBeGreaterThanOrEqual(41);
  await first.close();

  const second = await openLedger({ dataDir });
  await second.append({ events: batchOf({ message: 'after the restart' }) });
  const after = await assembleBundle(second, window);
  expect(after.sha256).toBe(before.sha256);
  expect(await countBundleRecords(second)).toBe(1);
  const anchor = parseCheckpoint(await second.signCheckpoint(before.window.last + 2));
  expect(
    verifyBundle({ bytes: after.bytes, anchor, macKeys: { hmacKeys: [{ label: 'verification.key', key: rootKey() }], epochKeys: [] } }),
  ).toMatchObject({
    verdict: 'OK_ANCHORED',
    exitCode: 0,
    findings: [],
  });
  await second.close();
});

it('holds what was acknowledged just before it was asked for', async () => {
  const ledger = await openLedger({ dataDir });
  for (let i = 0; i < 10; i++) {
    await ledger.append({ events: batchOf({ message: `last words ${i}` }) });
    const bundle = await assembleBundle(ledger, parseWindow({ window: '24h' }, Date.now()));
    expect(textOf(unpack(bundle.bytes), PATHS.events)).toContain(`last words ${i}`);
    await sleep(i);
  }
  await ledger.close();
});

it('carries a timeline whose own checks find the entries proved', async () => {
  const ledger = await openLedger({ dataDir });
  for (let i = 0; i < 5; i++) await ledger.append({ events: batchOf({ level: 'error', message: `boom ${i}` }) });
  const { bytes } = await assembleBundle(ledger, parseWindow({ window: '1h' }, Date.now()));
  const files = unpack(bytes);
  const manifest = parseManifest(files.get(PATHS.manifest) ?? new Uint8Array(0));
  const proof = parseProof(files.get(PATHS.proof) ?? new Uint8Array(0));
  const envelope = toEnvelope({
    origin: manifest.origin,
    ledgerId: manifest.ledgerId,
    verifierKey: textOf(files, PATHS.verifierKey).trimEnd(),
    from: manifest.window.from,
    to: manifest.window.to,
    checkpoint: textOf(files, PATHS.checkpoint),
    proof: {
      first: proof?.first ?? -1,
      size: proof?.size ?? 0,
      hashes: (proof?.hashes ?? []).map((hash) => Buffer.from(hash).toString('hex')),
    },
    edgesNdjson: textOf(files, PATHS.edges),
    eventsNdjson: textOf(files, PATHS.events),
    toolVersion: manifest.toolVersion,
  });
  const verdict = await checkEnvelope(fromEnvelope(envelope), () => undefined);
  expect(verdict).toMatchObject({ state: 'good', total: manifest.window.entries, good: manifest.window.entries });
  await ledger.close();
});
