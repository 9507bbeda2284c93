import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Attack } from '../attack/attack.ts';
import { AttackError } from '../attack/attack-error.ts';
import { CATALOGUE } from '../attack/catalogue.ts';
import type { ViewOptions } from '../attack/ledger-view.ts';
import { ATTACK_OPTIONS, copyTarget, readViewOptions } from './attack-options.ts';
import { placeText, verdictsText } from './attack-text.ts';
import { verifyEvidence, type VerifierAnswer, type VerifierInput } from './attack-verify.ts';
import { EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { writeOut } from './write-out.ts';

/** Some verifier did not say what it must. */
const EXIT_UNEXPECTED = 3;
const INPUTS: readonly VerifierInput[] = ['root', 'anchor', 'public'];
const NAME_CHARS = 24;

interface Row {
  readonly attack: string;
  readonly expected: Attack['expected'];
  /** What was said, or why the attack could not be done. */
  readonly said: Readonly<Record<VerifierInput, string>> | { readonly notDone: string };
  readonly place: string;
  readonly isAsExpected: boolean;
}

export const attackAll: Command = {
  name: 'attack all',
  summary: 'every attack on a copy each, and what log verify says of it',
  usage: `usage: pproofs attack all --on DIR [OPTIONS]

Makes a fresh copy for each attack of the list, verifies it three times (with the root key, with the public key and a checkpoint of
before, with the public key alone) and prints what was expected, what was said and where. Copies are removed unless --copy-to is given.
How fast a running sidecar notices each attack stands in docs/attacks.md.

options:
  --on DIR         the data folder
  --keys-dir DIR   where the keys lie (otherwise DIR/keys)
  --copy-to DIR    keep the copies, in new folders below DIR
  --at SEQ         the entry to aim at (otherwise the middle of the ledger)
  --seed N         for attacks that choose at random (default 1)
  --older DIR      an older copy of the folder, for attacks that set it back
  --archive DIR    the ledger's folder in an archive, for attacks on that
  --pid PID        a running sidecar, for attacks on the process
  --json           one JSON object per attack

exit codes: 0 every verdict was the expected one · 2 usage · 3 some verdict was another · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, ATTACK_OPTIONS);
    const faults = new Faults();
    if (positionals.length > 0) faults.add(`unexpected "${positionals[0]}"`);
    const options = readViewOptions(values, faults);
    faults.throwIfAny();
    if (options === undefined) throw new UsageError('nothing to do');
    let isAsExpected = true;
    for (const attack of CATALOGUE) {
      io.signal.throwIfAborted();
      const row = await runOne(attack, options, values['copy-to'], io);
      isAsExpected &&= row.isAsExpected;
      await writeOut(io.stdout, values.json === true ? `${JSON.stringify(row)}\n` : rowText(row));
    }
    return isAsExpected ? EXIT_OK : EXIT_UNEXPECTED;
  },
};

async function runOne(attack: Attack, options: ViewOptions, parent: string | undefined, io: CommandIo): Promise<Row> {
  const { name, expected } = attack;
  const { view, evidence } = copyTarget(options, parent);
  let undo: (() => void) | undefined;
  try {
    ({ undo } = attack.apply(view));
    const answers: Partial<Record<VerifierInput, VerifierAnswer>> = {};
    for (const input of INPUTS) answers[input] = await verifyEvidence(evidence, attack.on, input, io);
    const said = {
      root: answers.root?.verdict ?? 'no root key',
      anchor: answers.anchor?.verdict ?? '',
      public: answers.public?.verdict ?? '',
    };
    const isAsExpected = INPUTS.every((input) => answers[input] === undefined || said[input] === expected[input]);
    return { attack: name, expected, said, place: placeText(answers.root ?? answers.public), isAsExpected };
  } catch (error) {
    if (!(error instanceof AttackError) || error.code !== 'not-possible') throw error;
    return { attack: name, expected, said: { notDone: error.message }, place: '', isAsExpected: true };
  } finally {
    undo?.();
    if (parent === undefined) rmSync(dirname(evidence.dataDir), { recursive: true, force: true });
  }
}

function rowText(row: Row): string {
  const said = 'notDone' in row.said ? `not done: ${row.said.notDone}` : verdictsText(row.said);
  const wrong = row.isAsExpected ? '' : `   EXPECTED ${verdictsText(row.expected)}`;
  return toSafeText(`${row.attack.padEnd(NAME_CHARS)}${said}${row.place === '' ? '' : `   ${row.place}`}${wrong}`) + '\n';
}
