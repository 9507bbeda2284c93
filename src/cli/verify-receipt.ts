import type { VerifierKey } from '../kernel/note.ts';
import type { Finding } from '../verify/finding.ts';
import { checkReceiptAlone, readReceipt, type HeldReceipt } from '../verify/receipt-check.ts';
import { VERDICT_EXIT_CODES, worstVerdict, type Verdict } from '../verify/verdict.ts';
import { VerifyError } from '../verify/verify-error.ts';
import { EXIT_OK, type CommandIo } from './command.ts';
import type { Faults } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { readInput } from './verify-inputs.ts';

/** Each asks the walk for one more root; who holds more of them gives them in several runs. */
const RECEIPTS_MAX = 1000;

/** --receipt FILE, which may repeat. */
export function readReceiptOptions(faults: Faults, paths: readonly string[] | undefined): HeldReceipt[] {
  const given = paths ?? [];
  if (given.length > RECEIPTS_MAX) faults.add(`--receipt is given more than ${RECEIPTS_MAX} times`);
  return given.slice(0, RECEIPTS_MAX).flatMap((path) => {
    const bytes = readInput(faults, '--receipt', path);
    if (bytes === undefined) return [];
    try {
      return [readReceipt(path, bytes)];
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      faults.add(`--receipt ${error.message}`);
      return [];
    }
  });
}

/** Receipts without a ledger: does each prove by itself what it says? Prints the answer and gives the exit code. */
export function verifyReceiptsAlone(receipts: readonly HeldReceipt[], key: VerifierKey, isJson: boolean, io: CommandIo): number {
  const checked = receipts.map((held) => ({ held, findings: checkReceiptAlone(held, key) }));
  const findings = checked.flatMap((one) => one.findings);
  const verdicts = findings.flatMap(({ verdict }) => (verdict === 'WARNING' ? [] : [verdict]));
  const verdict: Verdict | 'SOUND' = verdicts.length === 0 ? 'SOUND' : worstVerdict(verdicts[0], ...verdicts);
  const exitCode = verdict === 'SOUND' ? EXIT_OK : VERDICT_EXIT_CODES[verdict];
  const notChecked = ['whether any ledger still holds these entries: --data-dir DIR names the one to compare with'];
  if (isJson) {
    const facts = checked.map(({ held: { label, receipt, checkpoint } }) => {
      const { first, last } = receipt;
      return { file: label, origin: checkpoint.origin, first, last, size: checkpoint.size };
    });
    io.stdout.write(`${JSON.stringify({ verdict, exitCode, receipts: facts, findings, notChecked }, null, 2)}\n`);
    return exitCode;
  }
  const lines = checked.map(({ held, findings: [fault] }) =>
    toSafeText(fault === undefined ? whatItProves(held) : whatIsWrong(held, fault)),
  );
  const indented = [...lines, '', 'not checked', ...notChecked].map((line) => (line === '' || line === 'not checked' ? line : `  ${line}`));
  io.stdout.write(`${[`${verdict}: ${MEANINGS[verdict === 'SOUND' ? 'sound' : 'unsound']}`, '', ...indented].join('\n')}\n`);
  return exitCode;
}

/** The whole of what can be said without a ledger. */
const MEANINGS = {
  sound: 'every receipt proves what it says; no ledger was looked at',
  unsound: 'not every receipt proves what it says; no ledger was looked at',
};

function whatItProves({ label, receipt: { first, last }, checkpoint: { origin, size } }: HeldReceipt): string {
  return `${label}: the ledger of ${origin} held entries ${first} to ${last} when it had ${size}`;
}

function whatIsWrong({ label }: HeldReceipt, { verdict, expected, found }: Finding): string {
  return `${label}: ${verdict}, expected ${expected}, found ${found}`;
}
