import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Attack } from '../attack/attack.ts';
import { AttackError } from '../attack/attack-error.ts';
import { CATALOGUE } from '../attack/catalogue.ts';
import type { ViewOptions } from '../attack/ledger-view.ts';
import { countedRuns, liveText, type LiveRun } from '../attack/live/live-run.ts';
import { LiveStriker } from '../attack/live/live-striker.ts';
import { attackLive } from './attack-live.ts';
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
const RUNS_MAX = 1000;

interface Row {
  readonly attack: string;
  readonly expected: Attack['expected'];
  /** What was said, or why the attack could not be done. */
  readonly said: Readonly<Record<VerifierInput, string>> | { readonly notDone: string };
  readonly place: string;
  readonly isAsExpected: boolean;
  /** Milliseconds until a sidecar said so, in words, and the single runs. */
  readonly live?: { readonly text: string; readonly runs: readonly LiveRun[] };
}

export const attackAll: Command = {
  name: 'attack all',
  summary: 'every attack on a copy each, what log verify says of it, and how fast a sidecar notices',
  usage: `usage: pproofs attack all --on DIR [OPTIONS]

Makes a fresh copy for each attack of the list, verifies it three times (with the root key, with the public key and a checkpoint of
before, with the public key alone) and prints what was expected, what was said and where. Copies are removed unless --copy-to is given.
With --live each attack is done again to fresh copies with a sidecar of their own, and the line ends with the milliseconds until
/metrics of that sidecar said so: median / 99th percentile / greatest (runs). Below zero: noticed before the attack was finished.

options:
  --on DIR         the data folder
  --keys-dir DIR   where the keys lie (otherwise DIR/keys)
  --copy-to DIR    keep the copies, in new folders below DIR
  --at SEQ         the entry to aim at (otherwise the middle of the ledger)
  --seed N         for attacks that choose at random (default 1)
  --older DIR      an older copy of the folder, for attacks that set it back
  --archive DIR    the ledger's folder in an archive, for attacks on that
  --pid PID        a running sidecar, for attacks on the process
  --only TEXT      only attacks with this in their name
  --live           start sidecars on copies and measure how fast they notice
  --runs N         so many of each with --live (default 5)
  --json           one JSON object per attack

exit codes: 0 every verdict was the expected one, and with --live every attack was noticed that must be · 2 usage · 3 not so · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      ...ATTACK_OPTIONS,
      only: { type: 'string', default: '' },
      live: { type: 'boolean' },
      runs: { type: 'string', default: '5' },
    });
    const faults = new Faults();
    const runs = faults.integer('--runs', values.runs, 1, RUNS_MAX) ?? 1;
    const chosen = CATALOGUE.filter(({ name }) => name.includes(values.only));
    if (chosen.length === 0) faults.add(`no attack has "${values.only}" in its name; pproofs attack list names them`);
    if (positionals.length > 0) faults.add(`unexpected "${positionals[0]}"`);
    const options = readViewOptions(values, faults);
    faults.throwIfAny();
    if (options === undefined) throw new UsageError('nothing to do');
    let isAsExpected = true;
    await using striker = values.live === true ? new LiveStriker() : undefined;
    for (const attack of chosen) {
      io.signal.throwIfAborted();
      const verified = await runOne(attack, options, values['copy-to'], io);
      const row = striker === undefined ? verified : await withLive(attack, verified, () => attackLive(attack, options, striker), runs);
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

/** What needs the archive alone, or could not be done to a copy, is not tried on a sidecar either. */
async function withLive(attack: Attack, row: Row, strike: () => Promise<LiveRun>, count: number): Promise<Row> {
  if (attack.on === 'archive' || 'notDone' in row.said) return row;
  const runs: LiveRun[] = [];
  while (runs.length < count) runs.push(await strike());
  const seen = countedRuns(runs).filter(({ notPossible }) => notPossible === undefined);
  const isMissed = attack.live === 'detected' && seen.some(({ latencyMs }) => latencyMs === undefined);
  const isFalse = attack.live === 'quiet' && seen.some(({ latencyMs }) => latencyMs !== undefined);
  return { ...row, isAsExpected: row.isAsExpected && !isMissed && !isFalse, live: { text: liveText(attack, runs), runs } };
}

function rowText(row: Row): string {
  const said = 'notDone' in row.said ? `not done: ${row.said.notDone}` : verdictsText(row.said);
  const wrong = row.isAsExpected ? '' : `   EXPECTED ${verdictsText(row.expected)}`;
  const live = row.live === undefined ? '' : `   live ${row.live.text}`;
  return toSafeText(`${row.attack.padEnd(NAME_CHARS)}${said}${row.place === '' ? '' : `   ${row.place}`}${live}${wrong}`) + '\n';
}
