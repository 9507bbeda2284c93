import { CATALOGUE, findAttack } from '../attack/catalogue.ts';
import { ATTACK_OPTIONS, copyTarget, readViewOptions, targetInPlace } from './attack-options.ts';
import { verifyArguments } from './attack-verify.ts';
import { needsText, verdictsText } from './attack-text.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { nearest } from './nearest.ts';
import { Faults, parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { writeOut } from './write-out.ts';

const VERIFIERS = [
  ['root key', 'root'],
  ['anchor', 'anchor'],
  ['public', 'public'],
] as const;

export const attack: Command = {
  name: 'attack',
  summary: 'tamper with a copy of a ledger, to see what the verifier says',
  usage: `usage: pproofs attack NAME --on DIR [OPTIONS]      ("pproofs attack list" names them)

Copies the data folder, does to the copy what the attack does, and prints where the copy is and what log verify must say of it.
The copy is kept. Beside it, in "kept", lie the checkpoint and the root key of before, as somebody elsewhere would hold them.
The folder itself is changed only with both --in-place and --destroy-evidence; there is no question asked and no way back.

options:
  --on DIR             the data folder
  --keys-dir DIR       where the keys lie (otherwise DIR/keys)
  --copy-to DIR        make the copy in a new folder below DIR (otherwise below the system's folder for temporary files)
  --at SEQ             the entry to aim at (otherwise the middle of the ledger)
  --seed N             for attacks that choose at random (default 1)
  --older DIR          an older copy of the folder, for attacks that set it back
  --archive DIR        the ledger's folder in an archive (with checkpoint and tile), for attacks on that
  --pid PID            a running sidecar, for attacks on the process
  --in-place           attack the folder itself
  --destroy-evidence   said once more, because --in-place cannot be undone
  --json               print {"attack","dataDir","anchorFile","rootKeyFile","leaves","note","expected"}

exit codes: 0 done · 2 usage · 70 error, or not possible on this ledger or machine`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...ATTACK_OPTIONS,
      'in-place': { type: 'boolean' },
      'destroy-evidence': { type: 'boolean' },
    });
    const faults = new Faults();
    const isInPlace = values['in-place'] === true;
    if (isInPlace !== (values['destroy-evidence'] === true)) faults.add('--in-place and --destroy-evidence go together');
    if (isInPlace && values['copy-to'] !== undefined) faults.add('--copy-to and --in-place exclude each other');
    const chosen = positionals.length === 1 ? findAttack(positionals[0]) : undefined;
    if (chosen === undefined) faults.add(unknownName(positionals));
    const options = readViewOptions(values, faults);
    faults.throwIfAny();
    if (chosen === undefined || options === undefined) throw new UsageError('nothing to do');

    const { view, evidence } = isInPlace ? targetInPlace(options) : copyTarget(options, values['copy-to']);
    const { leaves, note } = chosen.apply(view);
    const { dataDir, anchorFile, rootKeyFile } = evidence;
    if (values.json === true) {
      const { expected } = chosen;
      const line = { attack: chosen.name, dataDir, anchorFile, rootKeyFile, leaves, note, expected };
      await writeOut(io.stdout, `${JSON.stringify(line)}\n`);
      return EXIT_OK;
    }
    const rows = [
      ['done', note],
      ['needed', needsText(chosen) || 'write access, nothing else'],
      ['expected', verdictsText(chosen.expected)],
      ...VERIFIERS.flatMap(([word, input]) => {
        const args = verifyArguments(evidence, chosen.on, input);
        return args === undefined ? [] : [[word, `pproofs log verify ${args.map((arg) => shellWord(arg)).join(' ')}`]];
      }),
    ];
    await writeOut(io.stdout, rows.map(([word, text]) => `${word.padEnd(10)}${toSafeText(text)}\n`).join(''));
    return EXIT_OK;
  },
};

/** Quoted where a shell would see more than a word. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function unknownName(positionals: readonly string[]): string {
  if (positionals.length !== 1) return 'exactly one attack has to be named; "pproofs attack list" has them';
  const [name] = positionals;
  const near = nearest(
    name,
    CATALOGUE.map((known) => known.name),
  );
  return `there is no attack "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
}
