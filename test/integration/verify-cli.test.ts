import { chmodSync, symlinkSync, renameSync, rmSync, writeFileSync, readFileSync, mkdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { logVerify } from '../../src/cli/log-verify.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { batchOf } from '../support/batch-of.ts';
import { captureIo } from '../support/cli-io.ts';
import { makeLedger, segmentPath, writeLedger } from '../support/make-ledger.ts';
import { signCheckpoint, treeRoot } from '../support/reference-crypto.ts';
import { SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

const made = makeLedger({ requests: SAMPLE_REQUESTS });

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<{ exitCode: number; out: string; err: string }> {
  const io = captureIo({ env });
  const exitCode = await logVerify.run(args, io);
  return { exitCode, out: io.out(), err: io.err() };
}

async function report(args: readonly string[]): Promise<LedgerReport> {
  const { exitCode, out } = await run([...args, '--json']);
  const parsed = JSON.parse(out) as LedgerReport;
  expect(parsed.exitCode).toBe(exitCode);
  return parsed;
}

describe('log verify', () => {
  it('takes the folder from the environment, reads the key beside it and says in words what it did and did not check', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    const { exitCode, out } = await run([], { PROOFS_DATA_DIR: dir.path });
    expect(exitCode).toBe(21);
    expect(out).toMatch(/^UNSEALED: intact, but /);
    expect(out).toContain(`MACs        ${made.leaves.length} checked`);
    expect(out).toContain('--anchor FILE');
    const lenient = await run(['--data-dir', dir.path, '--allow-unsealed', '--allow-unanchored']);
    expect([lenient.exitCode, lenient.out.split(':')[0]]).toEqual([0, 'OK_UNANCHORED']);
  });

  it('names the changed entry, its file and byte, and exits with 31', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    const path = join(dir.path, segmentPath(0));
    const content = readFileSync(path);
    content[content.indexOf('payment failed')] = 0x50;
    writeFileSync(path, content);
    const { exitCode, out } = await run(['--data-dir', dir.path]);
    expect(exitCode).toBe(31);
    expect(out).toMatch(/TAMPERED at ledger\/segments\/0{20}\.seg, leaf 3, byte \d+/);
    expect((await run(['--data-dir', dir.path, '--public-only'])).exitCode).toBe(31);
  });

  it('is anchored by a checkpoint kept elsewhere, and finds the rollback that contradicts it', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    const anchor = join(dir.path, 'kept.note');
    writeFileSync(anchor, readFileSync(join(dir.path, 'ledger/checkpoint')));
    const args = ['--data-dir', dir.path, '--anchor', anchor, '--key', made.verifierKey, '--allow-unsealed'];
    expect((await report(args)).verdict).toBe('OK_ANCHORED');
    writeFileSync(anchor, signCheckpoint(made.origin, 99, treeRoot([]), made.signingKey));
    expect((await report(args)).verdict).toBe('ROLLED_BACK');
  });

  it('warns of key files that others can read, without another verdict', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    chmodSync(join(dir.path, 'keys/hmac.key'), 0o644);
    const { verdict, findings } = await report(['--data-dir', dir.path, '--allow-unsealed']);
    expect([verdict, findings[0].verdict, findings[0].place.file]).toEqual(['OK_UNANCHORED', 'WARNING', 'keys/hmac.key']);
  });

  it('says KEY_MISMATCH when the key file beside the ledger is no key, and takes a stranger’s view without one', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    writeFileSync(join(dir.path, 'keys/hmac.key'), 'not a key\n');
    expect((await report(['--data-dir', dir.path])).verdict).toBe('KEY_MISMATCH');
    rmSync(join(dir.path, 'keys/hmac.key'));
    const stranger = await report(['--data-dir', dir.path, '--allow-unsealed']);
    expect([stranger.verdict, typeof stranger.facts.macsChecked]).toEqual(['OK_UNANCHORED', 'string']);
  });

  it('refuses links and pipes in the place of files, and does not hang on them', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    const segment = join(dir.path, segmentPath(0));
    renameSync(segment, join(dir.path, 'elsewhere.seg'));
    symlinkSync(join(dir.path, 'elsewhere.seg'), segment);
    const linked = await report(['--data-dir', dir.path]);
    expect(linked.exitCode).toBeGreaterThanOrEqual(31);
    expect(linked.findings.some(({ found }) => found.includes('link'))).toBe(true);
    renameSync(join(dir.path, 'ledger/checkpoint'), join(dir.path, 'note'));
    execFileSync('mkfifo', [join(dir.path, 'ledger/checkpoint')]);
    expect((await report(['--data-dir', dir.path])).findings.some(({ found }) => found.includes('not a regular file'))).toBe(true);
  });

  it.each<[string, string[]]>([
    ['there is no ledger here', []],
    ['unknown option', ['--nope']],
    ['exclude each other', ['--public-only', '--hmac-key', 'x']],
    ['"x" does not exist', ['--hmac-key', 'x']],
    ['a verifier key looks like', ['--key', 'nonsense']],
    ['does not exist', ['--anchor', 'nowhere']],
  ])('says "%s" for bad words', async (message, args) => {
    using dir = tempDir();
    const failure = await logVerify.run(['--data-dir', dir.path, ...args], captureIo()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toContain(message);
  });

  it('gathers all faults of the command line', async () => {
    const failure = await logVerify.run(['--key', 'nonsense', '--anchor', 'nowhere'], captureIo()).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/verifier key.*; .*does not exist/);
  });

  it('keeps hostile names off the terminal', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    writeFileSync(join(dir.path, 'ledger/segments/\u{1b}[2Jx'), '');
    const { out } = await run(['--data-dir', dir.path]);
    expect(out).toContain('\u{FFFD}[2Jx');
    expect(out).not.toContain('\u{1b}');
  });

  it('reports a folder that cannot be a ledger as an error of its own', async () => {
    using dir = tempDir();
    mkdirSync(join(dir.path, 'ledger'));
    writeFileSync(join(dir.path, 'ledger/segments'), 'a file');
    const { exitCode, err } = await run(['--data-dir', dir.path]);
    expect([exitCode, err.includes('not a folder')]).toEqual([70, true]);
  });
});

describe('a ledger of the real writer', () => {
  it('verifies while it is being written and after it was closed', { timeout: 60_000 }, async () => {
    using dir = tempDir();
    const ledger = await openLedger({ dataDir: dir.path });
    const args = ['--data-dir', dir.path];
    for (let i = 0; i < 20; i++) {
      const append = ledger.append({
        events: batchOf(Array.from({ length: 50 }, (_, n) => ({ message: `line ${i}.${n}`, level: 'info', tenant: `t${n % 3}` }))),
      });
      if (i % 5 === 0) expect((await report(args)).verdict).toBe('OK_UNANCHORED');
      await append;
    }
    await ledger.close();
    const { verdict, findings, facts } = await report(args);
    expect([verdict, findings, facts.macsChecked, facts.leavesByType.event]).toEqual(['OK_UNANCHORED', [], facts.size, 1000]);
    expect([facts.isFinallySealed, facts.signatures, facts.epochs?.sealedLeaves]).toEqual([true, 'epoch chain', facts.size]);
    const stranger = await report([...args, '--public-only']);
    expect([stranger.verdict, stranger.facts.signatures]).toEqual(['OK_UNANCHORED', 'epoch chain']);
    // Days later the root key lies elsewhere: what remains on the machine checks the end of the ledger.
    rmSync(join(dir.path, 'keys/verification.key'));
    const onHost = await report(args);
    expect([onHost.verdict, onHost.findings]).toEqual(['OK_UNANCHORED', []]);
    expect(onHost.notChecked[0]).toMatch(/^MACs of epochs? 0(…\d+)? not checked: needs the verification key$/);
  });
});

describe('a ledger of several segments', () => {
  const many = makeLedger({
    requests: Array.from({ length: 140 }, (_, i) => ({
      timeNs: 1_767_323_045_000_000_000n + BigInt(i) * 1_000_000_000n,
      leaves: Array.from({ length: 500 }, () => ({ payload: { message: `m${i}` } })),
    })),
    requestsPerCommit: 200,
  });
  const second = segmentPath(65_536);

  async function verdictAfter(change: (path: (name: string) => string) => void): Promise<LedgerReport> {
    using dir = tempDir();
    writeLedger(many.files, dir.path);
    change((name) => join(dir.path, name));
    return await report(['--data-dir', dir.path, '--allow-unsealed']);
  }

  it('verifies, and names what was done to its files', { timeout: 60_000 }, async () => {
    const whole = await verdictAfter(() => undefined);
    expect([whole.verdict, whole.findings, whole.facts.segments, whole.facts.size]).toEqual(['OK_UNANCHORED', [], 2, many.leaves.length]);
    const swapped = await verdictAfter((path) => {
      renameSync(path(segmentPath(0)), path('x'));
      renameSync(path(second), path(segmentPath(0)));
      renameSync(path('x'), path(second));
    });
    expect(swapped.verdict).toBe('TAMPERED');
    const removed = await verdictAfter((path) => renameSync(path(second), path('x')));
    expect([removed.verdict, removed.findings[0].place.seqFirst, removed.findings[0].place.seqLast]).toEqual([
      'TRUNCATED',
      65_536,
      many.leaves.length - 1,
    ]);
    const headless = await verdictAfter((path) => renameSync(path(segmentPath(0)), path('x')));
    expect([headless.verdict, headless.findings[0].place.seqFirst, headless.findings[0].place.seqLast]).toEqual(['TAMPERED', 0, 65_535]);
    const cut = await verdictAfter((path) =>
      writeFileSync(path(segmentPath(0)), readFileSync(path(segmentPath(0))).subarray(0, 4_000_000)),
    );
    expect(cut.verdict).toBe('TAMPERED');
    expect(cut.findings[0].place).toMatchObject({ file: segmentPath(0), seqLast: 65_535 });
    const edited = await verdictAfter((path) => {
      const content = readFileSync(path(second));
      content[100_000] ^= 1;
      writeFileSync(path(second), content);
    });
    expect([edited.verdict, edited.findings.length, edited.findings[0].place.file]).toEqual(['TAMPERED', 1, second]);
  });
});

describe('the golden ledger that seals its epochs', () => {
  it('is opened by the real writer, which goes on in its running epoch', async () => {
    using dir = tempDir();
    const sealed = makeLedger({ epochPolicy: 'seal/v1', requests: SEALED_STEPS });
    writeLedger(sealed.files, dir.path);
    const ledger = await openLedger({ dataDir: dir.path });
    await ledger.append({ events: batchOf([{ message: 'years later' }]) });
    await ledger.close();
    const { verdict, findings, facts } = await report(['--data-dir', dir.path]);
    expect([verdict, findings, facts.macsChecked, facts.isFinallySealed]).toEqual(['OK_UNANCHORED', [], facts.size, true]);
    expect(facts.epochs?.running).toBeGreaterThan(sealed.runningEpoch);
  });
});

describe('the golden ledger', () => {
  it('is opened by the real writer, which goes on where it ends', async () => {
    using dir = tempDir();
    writeLedger(made.files, dir.path);
    const ledger = await openLedger({ dataDir: dir.path });
    const { first } = await ledger.append({ events: batchOf([{ message: 'years later' }]) });
    await ledger.close();
    // The minute of the last leaf is closed first, and sealing begins.
    expect(first).toBe(made.leaves.length + 2);
    const { verdict, facts, notChecked } = await report(['--data-dir', dir.path]);
    expect([verdict, facts.leavesByType.config, facts.leavesByType.epochSeal]).toEqual(['OK_UNANCHORED', 1, 1]);
    expect(notChecked.join('\n')).toMatch(/leaves 0…\d+ were written before the ledger began to seal/);
  });
});
