import { linkSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keygen } from '../../src/cli/keygen.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { parseVerifierKey } from '../../src/kernel/note.ts';
import { forwardSecurity } from '../../src/ledger/forward-security.ts';
import { rootKeysHere } from '../../src/ledger/key-files.ts';
import { loadKeys } from '../../src/ledger/keys.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import { prepareRotation } from '../../src/ledger/rotate-keys.ts';
import { batchOf } from '../support/batch-of.ts';
import { captureIo } from '../support/cli-io.ts';
import { epochFaults, leavesOf } from '../support/epoch-oracle.ts';
import { startWriter } from '../support/writer-in-hand.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-keygen-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('makes all keys, readable by their owner alone, and prints the verifier key that belongs to them', async () => {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir } });
  expect(await keygen.run([], io)).toBe(0);
  expect(readdirSync(join(dir, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification.key']);
  for (const name of readdirSync(join(dir, 'keys'))) expect(statSync(join(dir, 'keys', name)).mode & 0o777).toBe(0o600);
  const key = parseVerifierKey(nodeHashes, io.out());
  expect(Buffer.from(key.publicKey)).toEqual(Buffer.from(loadKeys(ledgerPaths(dir)).publicKey));
});

test('neither stdout nor stderr shows a secret', async () => {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir } });
  await keygen.run(['--json'], io);
  const shown = io.out() + io.err();
  const secrets = ['verification.key', 'epoch.key'].flatMap((name) => readFileSync(join(dir, 'keys', name), 'utf8').match(/[0-9a-f]{64}/g));
  // K_0 in both files, and the seed of the signing keys.
  expect(new Set(secrets).size).toBe(2);
  for (const secret of secrets) expect(shown).not.toContain(secret);
  expect(shown).not.toContain('PRIVATE');
  expect(JSON.parse(io.out())).toEqual({
    keysDir: join(dir, 'keys'),
    rootKey: join(dir, 'keys/verification.key'),
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

describe('--escrow', () => {
  test('puts the root key there and nowhere else, and the ledger runs without it', async () => {
    const escrow = join(dir, 'usb-stick.key');
    expect(await keygen.run(['--escrow', escrow], captureIo({ env: { PROOFS_DATA_DIR: dir } }))).toBe(0);
    expect(readdirSync(join(dir, 'keys'))).toEqual(['epoch.key', 'log.key']);
    const ledger = await openLedger({ dataDir: dir });
    await ledger.append({ events: batchOf([{ message: 'written without the root key' }]) });
    expect(ledger.stats().epochs.forwardSecurity).toBe('in force');
    await ledger.close();
    expect(epochFaults(dir, [Buffer.from(readFileSync(escrow, 'utf8').trim(), 'hex')])).toEqual([]);
  });

  test('refuses a file that exists, and makes no ledger key then', async () => {
    const escrow = join(dir, 'usb-stick.key');
    writeFileSync(escrow, 'something of mine', { mode: 0o600 });
    await expect(keygen.run(['--escrow', escrow], captureIo({ env: { PROOFS_DATA_DIR: dir } }))).rejects.toMatchObject({ code: 'bad-key' });
    expect(readFileSync(escrow, 'utf8')).toBe('something of mine');
    expect(readdirSync(join(dir, 'keys'))).toEqual(['epoch.key']);
  });
});

test.each([['epoch.key'], ['epoch.key', 'verification.key'], ['epoch.key', 'epoch.key.new', 'verification.key.new']])(
  'completes what a killed keygen left: %s',
  async (...left) => {
    await keygen.run([], captureIo({ env: { PROOFS_DATA_DIR: dir } }));
    const rootKey = readFileSync(join(dir, 'keys/verification.key'), 'utf8');
    for (const name of readdirSync(join(dir, 'keys'))) if (!left.includes(name)) rmSync(join(dir, 'keys', name));
    for (const name of left.filter((file) => file.endsWith('.new'))) writeFileSync(join(dir, 'keys', name), 'half');
    expect(await keygen.run([], captureIo({ env: { PROOFS_DATA_DIR: dir } }))).toBe(0);
    expect(readFileSync(join(dir, 'keys/verification.key'), 'utf8')).toBe(rootKey);
    expect(readdirSync(join(dir, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification.key']);
  },
);

describe('--rotate', () => {
  const io = () => captureIo({ env: { PROOFS_DATA_DIR: dir, PROOFS_ANCHOR: 'off' } });
  const keyFile = (...path: string[]): Buffer => Buffer.from(readFileSync(join(dir, ...path), 'utf8').trim(), 'hex');

  async function appendOne(message: string): Promise<void> {
    const ledger = await openLedger({ dataDir: dir });
    await ledger.append({ events: batchOf([{ message }]) });
    await ledger.close();
  }

  test('begins a new lineage, keeps the old root key under the name of its first epoch, twice over', async () => {
    await appendOne('under the first');
    const first = io();
    expect(await keygen.run(['--rotate', '--json'], first)).toBe(0);
    const { firstEpoch } = JSON.parse(first.out()) as { firstEpoch: number };
    await appendOne('under the second');
    const escrow = join(dir, 'third.key');
    expect(await keygen.run(['--rotate', '--escrow', escrow], io())).toBe(0);
    await appendOne('under the third');
    expect(readdirSync(join(dir, 'keys'))).toEqual(['epoch.key', 'log.key', 'verification-0.key', `verification-${firstEpoch}.key`]);
    const roots = [keyFile('keys', 'verification-0.key'), keyFile('keys', `verification-${firstEpoch}.key`), keyFile('third.key')];
    expect(epochFaults(dir, roots)).toEqual([]);
  });

  test('leaves no copy of the root key when one was killed while it published it', async () => {
    await appendOne('before');
    const paths = ledgerPaths(dir);
    prepareRotation(paths, undefined).wipe();
    linkSync(`${paths.verificationKey}.next`, `${paths.verificationKey}.next.new`);
    expect(rootKeysHere(paths)).toEqual(['epoch.key.next', 'verification.key', 'verification.key.next', 'verification.key.next.new']);
    expect(await keygen.run(['--rotate'], io())).toBe(0);
    expect(readdirSync(paths.keys)).toEqual(['epoch.key', 'log.key', 'verification-0.key', 'verification.key']);
  });

  test('a start removes the half made root key of a rotation that never went on', async () => {
    await appendOne('before');
    const paths = ledgerPaths(dir);
    for (const ending of ['new', 'tmp']) writeFileSync(`${paths.verificationKey}.next.${ending}`, 'half');
    await appendOne('after');
    expect(readdirSync(paths.keys)).toEqual(['epoch.key', 'log.key', 'verification.key']);
  });

  test('run again after a kill behind the seal, finishes that rotation: no root key serves two lineages', async () => {
    await appendOne('before');
    const paths = ledgerPaths(dir);
    const onStep = (step: string): void => {
      if (step === 'epoch-key') throw new Error('killed');
    };
    const killed = await startWriter(dir, { wall: () => BigInt(Date.now()) * 1_000_000n, onStep });
    killed.rotate(prepareRotation(paths, undefined));
    await killed.died;
    const again = io();
    expect(await keygen.run(['--rotate', '--json'], again)).toBe(0);
    const rotations = leavesOf(dir).filter(({ type }) => type === LEAF_TYPES.keyRotate);
    expect(rotations).toHaveLength(1);
    expect(JSON.parse(Buffer.from(rotations[0].payload).toString())).toMatchObject({
      firstEpoch: (JSON.parse(again.out()) as { firstEpoch: number }).firstEpoch,
    });
    await appendOne('after');
    expect(readdirSync(paths.keys)).toEqual(['epoch.key', 'log.key', 'verification-0.key', 'verification.key']);
    expect(epochFaults(dir, [keyFile('keys', 'verification-0.key'), keyFile('keys', 'verification.key')])).toEqual([]);
  });

  test('with --escrow, after one without it was killed, leaves no root key here', async () => {
    await appendOne('before');
    const paths = ledgerPaths(dir);
    prepareRotation(paths, undefined).wipe();
    linkSync(`${paths.verificationKey}.next`, `${paths.verificationKey}.next.new`);
    renameSync(paths.verificationKey, join(dir, 'first.key'));
    const escrow = join(dir, 'second.key');
    expect(await keygen.run(['--rotate', '--escrow', escrow], io())).toBe(0);
    expect(readdirSync(paths.keys)).toEqual(['epoch.key', 'log.key']);
    expect(forwardSecurity(true, paths)).toBe('in force');
    await appendOne('after');
    expect(epochFaults(dir, [keyFile('first.key'), keyFile('second.key')])).toEqual([]);
  });

  test('with --escrow, keeps a pending root key that is not the one of the rotation, and refuses', async () => {
    await appendOne('before');
    const paths = ledgerPaths(dir);
    prepareRotation(paths, undefined).wipe();
    const other = `${'ab'.repeat(32)}\n`;
    writeFileSync(`${paths.verificationKey}.next`, other);
    const escrow = join(dir, 'second.key');
    await expect(keygen.run(['--rotate', '--escrow', escrow], io())).rejects.toMatchObject({ code: 'bad-key' });
    expect(readFileSync(`${paths.verificationKey}.next`, 'utf8')).toBe(other);
  });

  test('refuses a ledger that somebody writes, one that is not there, and one that was changed; nothing new is left then', async () => {
    await expect(keygen.run(['--rotate'], io())).rejects.toMatchObject({ code: 'io' });
    const ledger = await openLedger({ dataDir: dir });
    await expect(keygen.run(['--rotate'], io())).rejects.toMatchObject({ code: 'locked' });
    await ledger.close();
    const { size } = openLedgerReader(dir).head();
    const segment = join(dir, 'ledger/segments/00000000000000000000.seg');
    const bytes = readFileSync(segment);
    bytes[200] ^= 1;
    writeFileSync(segment, bytes);
    await expect(keygen.run(['--rotate'], io())).rejects.toMatchObject({ code: 'tampered' });
    expect(readFileSync(segment)).toEqual(bytes);
    expect(size).toBe(2);
    expect(readdirSync(join(dir, 'keys'))).not.toContain('verification-0.key');
  });
});
