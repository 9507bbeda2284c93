import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issueReceipt } from '../../src/anchor/issue-receipt.ts';
import { logVerify } from '../../src/cli/log-verify.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { captureIo } from '../support/cli-io.ts';
import { filled, makeLedger, START_NS, writeLedger, type LedgerSpec, type MadeLedger } from '../support/make-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

const RECEIPTS = 50;
const SECOND_NS = 1_000_000_000n;

/** Every request lasts a tenth of a second and every fifth one ends an epoch; request `rewritten` says something else. */
function requests(count: number, rewritten?: number): LedgerSpec['requests'] {
  return Array.from({ length: count }, (_, i) => {
    const timeNs = START_NS + (BigInt(i + 1) * SECOND_NS) / 10n;
    const message = i === rewritten ? 'nothing happened' : `request ${i}`;
    const leaves = Array.from({ length: 1 + (i % 3) }, (__, part) => ({ payload: { message: `${message}, part ${part}` } }));
    return i % 5 === 4
      ? [
          { timeNs, leaves },
          { timeNs, seal: {} },
        ]
      : [{ timeNs, leaves }];
  }).flat();
}

/** What the ledger was after `count` requests, with whatever keys its owner has: a state without a flaw. */
function ledgerAfter(count: number, rewritten?: number): MadeLedger {
  return makeLedger({ epochPolicy: 'seal/v1', requests: requests(count, rewritten), epochSeed: filled(32, 0x44) });
}

interface Verified {
  readonly exitCode: number;
  readonly verdict: string;
  readonly findings: readonly { readonly verdict: string; readonly expected: string }[];
  readonly facts: { readonly anchoredTo: number | null };
}

async function verify(...args: readonly string[]): Promise<Verified> {
  const io = captureIo();
  const exitCode = await logVerify.run([...args, '--json'], io);
  const report = JSON.parse(io.out()) as Verified;
  expect(report.exitCode).toBe(exitCode);
  return report;
}

/** The receipt of each request, as it was given when the request landed, in files. */
async function giveReceipts(
  dir: string,
): Promise<{ readonly whole: string; readonly receipts: readonly string[]; readonly made: MadeLedger }> {
  const whole = join(dir, 'whole');
  const made = ledgerAfter(RECEIPTS);
  writeLedger(made.files, whole);
  const reader = openLedgerReader(whole);
  const receipts: string[] = [];
  for (let i = 0; i < RECEIPTS; i++) {
    const note = Buffer.from(ledgerAfter(i + 1).files.get('ledger/checkpoint') ?? []).toString();
    const before = ledgerAfter(i).leaves.length;
    const path = join(dir, `receipt-${i}`);
    writeFileSync(path, await issueReceipt(reader, before, before + (i % 3), note));
    receipts.push(path);
  }
  return { whole, receipts, made };
}

describe('fifty receipts', () => {
  it('are all honoured by the ledger that gave them, and anchor it to its end', async () => {
    using dir = tempDir();
    const { whole, receipts, made } = await giveReceipts(dir.path);
    const options = receipts.flatMap((path) => ['--receipt', path]);
    for (const view of [[], ['--public-only']]) {
      const { verdict, findings, facts } = await verify('--data-dir', whole, ...view, ...options);
      expect({ verdict, findings }).toEqual({ verdict: 'OK_ANCHORED', findings: [] });
      expect(facts.anchoredTo).toBe(made.leaves.length);
    }
  });

  it('each refuse the ledger cut below it, although that state has no flaw', async () => {
    using dir = tempDir();
    const { receipts, made } = await giveReceipts(dir.path);
    for (const [i, receipt] of receipts.entries()) {
      const cut = join(dir.path, `cut-${i}`);
      writeLedger(ledgerAfter(i).files, cut);
      expect((await verify('--data-dir', cut)).exitCode).toBe(10);
      for (const view of [[], ['--public-only'], ['--public-only', '--key', made.verifierKey]]) {
        const { verdict, exitCode } = await verify('--data-dir', cut, '--receipt', receipt, ...view);
        expect({ i, verdict, exitCode }).toEqual({ i, verdict: 'TRUNCATED', exitCode: 30 });
      }
    }
  });

  it('each refuse a ledger whose keys were used to write another history', async () => {
    using dir = tempDir();
    const { receipts } = await giveReceipts(dir.path);
    for (const i of [0, 1, 24, 49]) {
      const forked = join(dir.path, `forked-${i}`);
      writeLedger(ledgerAfter(RECEIPTS, i).files, forked);
      expect((await verify('--data-dir', forked)).exitCode).toBe(10);
      for (const receipt of receipts.slice(i, i + 3)) {
        const { verdict } = await verify('--data-dir', forked, '--receipt', receipt);
        expect(verdict).toBe('FORKED');
      }
    }
  });

  it('prove themselves where there is no ledger, with the key alone', async () => {
    using dir = tempDir();
    const { receipts, made } = await giveReceipts(dir.path);
    const before = process.cwd();
    process.chdir(dir.path);
    try {
      const options = receipts.flatMap((path) => ['--receipt', path]);
      expect(await verify(...options, '--key', made.verifierKey)).toMatchObject({ verdict: 'SOUND', exitCode: 0, findings: [] });
      const other = makeLedger({ requests: [], signingSeed: filled(32, 0x77), origin: made.origin });
      expect(await verify('--receipt', receipts[7], '--key', other.verifierKey)).toMatchObject({ verdict: 'KEY_MISMATCH', exitCode: 34 });
    } finally {
      process.chdir(before);
    }
  });
});

describe('a receipt in words', () => {
  it('says what it proves, and that no ledger was looked at', async () => {
    using dir = tempDir();
    const { receipts, made } = await giveReceipts(dir.path);
    const before = process.cwd();
    process.chdir(dir.path);
    try {
      const io = captureIo();
      expect(await logVerify.run(['--receipt', receipts[0], '--key', made.verifierKey], io)).toBe(0);
      expect(io.out()).toContain('SOUND: every receipt proves what it says; no ledger was looked at');
      expect(io.out()).toContain(`the ledger of ${made.origin} held entries 1 to 1 when it had 2`);
      expect(io.out()).toContain('whether any ledger still holds these entries');
    } finally {
      process.chdir(before);
    }
  });

  it('that is no receipt is a mistake on the command line, all of them named', async () => {
    using dir = tempDir();
    const junk = join(dir.path, 'junk');
    writeFileSync(junk, 'no receipt\n');
    const run = logVerify.run(['--receipt', junk, '--receipt', join(dir.path, 'none')], captureIo());
    await expect(run).rejects.toThrow(/"\S+junk" is no receipt: .*; --receipt "\S+none" does not exist/);
  });
});
