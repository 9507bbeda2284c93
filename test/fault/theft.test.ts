import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { rawPublicKey } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { runProgram } from '../support/run-program.ts';
import { tempDir } from '../support/temp-dir.ts';
import { live, makeActive, type AttackState } from './attack-states.ts';
import { postEvents } from './attack-load.ts';

/**
 * The machine is stolen in epoch n, with every file on its disk: entries, checkpoint, watermark, log key, and the keys of epoch n. The root
 * key was moved elsewhere when the ledger was made. What the thief then makes of the epochs before n, four verifiers judge.
 */
const CRIMES = ['full-rewrite', 'delete-past', 'back-date-past', 'truncate-regrow'];
const PREPARE_MS_MAX = 120_000;

const directory = tempDir();
afterAll(() => directory[Symbol.dispose]());
const at = (name: string): string => join(directory.path, name);

let state: AttackState;
let verifierKey = '';
const witness = generateKeyPairSync('ed25519').privateKey;
const WITNESS_NAME = 'witness.example/w1';

beforeAll(async () => {
  mkdirSync(at('ledger'));
  state = await makeActive(at('ledger'));
  // The genuine checkpoint of this moment: one verifier kept it, a witness cosigned it. Then the ledger grew on.
  copyFileSync(join(state.dataDir, 'ledger', 'checkpoint'), at('older.checkpoint'));
  await live(state.dataDir, (sidecar) => postEvents(sidecar.url, 100, 'after the checkpoint'));
  copyFileSync(join(state.dataDir, 'keys', 'verification.key'), at('verification.key'));
  rmSync(join(state.dataDir, 'keys', 'verification.key'));
  writeFileSync(at('witnessed.checkpoint'), cosigned(readFileSync(at('older.checkpoint'), 'utf8'), witness));
  verifierKey = new LedgerView({ dataDir: state.dataDir }).identity().publicKey;
}, PREPARE_MS_MAX);

function keyId(type: number, publicKey: Uint8Array): Buffer {
  return Buffer.from(nodeHashes.sha256(Buffer.from(`${WITNESS_NAME}\n`), Buffer.of(type), publicKey).subarray(0, 4));
}

/** c2sp.org/tlog-cosignature, cosignature/v1, written here from its text. */
function cosigned(note: string, key: KeyObject): string {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_800_000_000n);
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1800000000\n${text}`), key);
  return `${note}— ${WITNESS_NAME} ${Buffer.concat([keyId(4, rawPublicKey(key)), time, signature]).toString('base64')}\n`;
}

function witnessKey(): string {
  const publicKey = rawPublicKey(witness);
  return `${WITNESS_NAME}+${keyId(4, publicKey).toString('hex')}+${Buffer.concat([Buffer.of(4), publicKey]).toString('base64')}`;
}

interface Report {
  readonly verdict: string;
  readonly exitCode: number;
  readonly findings: readonly { readonly verdict: string; readonly place: { readonly seqFirst?: number; readonly seqLast?: number } }[];
  readonly notChecked: readonly string[];
}

/** `log verify` in a process of its own, as anybody would run it. */
async function verify(dataDir: string, ...args: readonly string[]): Promise<Report> {
  const { code, out, err } = await runProgram(['log', 'verify', '--data-dir', dataDir, '--json', ...args]).result;
  const report = JSON.parse(out) as Report;
  expect(code, err).toBe(report.exitCode);
  return report;
}

const VERIFIERS = {
  A: () => ['--hmac-key', at('verification.key')],
  B: () => ['--public-only', '--key', verifierKey, '--anchor', at('older.checkpoint')],
  C: () => ['--public-only', '--key', verifierKey, '--anchor', at('witnessed.checkpoint'), '--witness', witnessKey()],
  D: () => ['--public-only', '--key', verifierKey],
};

test('before the theft all four are content', async () => {
  const reports = await Promise.all(Object.values(VERIFIERS).map((args) => verify(state.dataDir, ...args())));
  expect(reports.map(({ verdict }) => verdict)).toEqual(['OK_UNANCHORED', 'OK_UNANCHORED', 'OK_UNANCHORED', 'OK_UNANCHORED']);
});

describe.each(CRIMES)('%s by a thief of every file', (crime) => {
  let dataDir = '';
  let leaves = { first: 0, last: 0 };
  beforeAll(async () => {
    dataDir = at(crime);
    cpSync(state.dataDir, dataDir, { recursive: true });
    const size = new LedgerView({ dataDir }).size();
    const args = ['attack', crime, '--on', dataDir, '--in-place', '--destroy-evidence', '--at', String(Math.floor(size / 3)), '--json'];
    const { code, out, err } = await runProgram(args).result;
    expect(code, err).toBe(0);
    ({ leaves } = JSON.parse(out) as { leaves: typeof leaves });
  }, PREPARE_MS_MAX);

  test('A, who holds the root key, refuses it and names the entries', async () => {
    const { verdict, findings } = await verify(dataDir, ...VERIFIERS.A());
    expect(verdict).toBe('TAMPERED');
    const touches = findings.some(({ place: { seqFirst, seqLast } }) => {
      return seqFirst !== undefined && seqFirst <= leaves.last && (seqLast ?? seqFirst) >= leaves.first;
    });
    expect(touches, JSON.stringify([leaves, findings])).toBe(true);
  });

  test('B, who holds the public key and one older checkpoint, refuses it', async () => {
    expect((await verify(dataDir, ...VERIFIERS.B())).verdict).toBe('FORKED');
  });

  test('C, who holds the public key and what one witness cosigned, refuses it', async () => {
    expect((await verify(dataDir, ...VERIFIERS.C())).verdict).toBe('FORKED');
  });

  test('D, who holds the public key alone, says OK_UNANCHORED and what that cannot exclude', async () => {
    const { verdict, exitCode, notChecked } = await verify(dataDir, ...VERIFIERS.D());
    expect([verdict, exitCode]).toEqual(['OK_UNANCHORED', 10]);
    expect(notChecked.some((text) => /intruder on the host.*log\.key.*could have rewritten everything/.test(text))).toBe(true);
    expect(notChecked.some((text) => text.includes('rollback'))).toBe(true);
  });
});
