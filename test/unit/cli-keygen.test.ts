import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keygen } from '../../src/cli/keygen.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseVerifierKey } from '../../src/kernel/note.ts';
import { loadKeys } from '../../src/ledger/keys.ts';
import { captureIo } from '../support/cli-io.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-keygen-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('makes both keys, readable by their owner alone, and prints the verifier key that belongs to them', async () => {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir } });
  expect(await keygen.run([], io)).toBe(0);
  for (const name of ['hmac.key', 'log.key']) expect(statSync(join(dir, 'keys', name)).mode & 0o777).toBe(0o600);
  const key = parseVerifierKey(nodeHashes, io.out());
  expect(Buffer.from(key.publicKey)).toEqual(Buffer.from(loadKeys(dir).publicKey));
});

test('neither stdout nor stderr shows a secret', async () => {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir } });
  await keygen.run(['--json'], io);
  const shown = io.out() + io.err();
  const secret = readFileSync(join(dir, 'keys/hmac.key'), 'utf8').trim();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain('PRIVATE');
  expect(JSON.parse(io.out())).toEqual({
    keysDir: join(dir, 'keys'),
    verifierKey: expect.stringMatching(/^post-incident-proofs\//) as string,
  });
});

test('--keys-dir goes before PROOFS_KEYS_DIR', async () => {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir, PROOFS_KEYS_DIR: join(dir, 'from-env') } });
  expect(await keygen.run(['--keys-dir', join(dir, 'given')], io)).toBe(0);
  expect(statSync(join(dir, 'given/log.key')).isFile()).toBe(true);
  expect(await keygen.run([], io)).toBe(0);
  expect(statSync(join(dir, 'from-env/log.key')).isFile()).toBe(true);
});

test.each(['hmac.key', 'log.key'])('replaces nothing when %s exists', async (name) => {
  const io = captureIo({ env: { PROOFS_KEYS_DIR: dir } });
  writeFileSync(join(dir, name), 'mine');
  expect(await keygen.run([], io)).toBe(73);
  expect(readFileSync(join(dir, name), 'utf8')).toBe('mine');
  expect(io.out()).toBe('');
  expect(io.err()).toContain('nothing was changed');
});
