/** `npm run proofs:canaries`: plants what no check may let through, and fails unless each one is refused, by Lean where Lean should. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertPinned } from '../host/prepare.ts';
import { checkProofs } from './check-proofs.ts';
import { CLAIMS_DIR } from './claims.ts';
import { readProject } from './project.ts';
import { lintText } from './text-lint.ts';

interface Canary {
  readonly name: string;
  /** Edits of files of the project; a file that is not there is empty before. */
  readonly plant: Readonly<Record<string, (text: string) => string>>;
  /** The text lint has to refuse it too. */
  readonly isInText: boolean;
  /** What Lean, the audit, the replay or the map has to say. */
  readonly refusal: RegExp;
}

const projectDir = join(import.meta.dirname, '..');
const rootDir = join(projectDir, '..');
const CANARY = 'Thm/Canary.lean';

/** A planted theorem file, which the root imports like any other. */
function theoremFile(text: string): Canary['plant'] {
  return { [CANARY]: () => text, 'Proofs.lean': (root) => `import Thm.Canary\n${root}` };
}

const CANARIES: readonly Canary[] = [
  {
    name: 'a proof that is not there',
    plant: theoremFile('theorem Canary.cheat : 1 = 2 := by sorry\n'),
    isInText: true,
    refusal: /declaration uses .sorry/,
  },
  {
    name: 'an axiom of our own',
    plant: theoremFile('axiom Canary.mine : 1 = 2\ntheorem Canary.cheat : 1 = 2 := Canary.mine\n'),
    isInText: true,
    refusal: /"Canary\.mine" is an axiom of our own/,
  },
  {
    name: 'a proof that trusts the compiler',
    plant: theoremFile('theorem Canary.cheat : (List.range 10).length = 10 := by native_decide\n'),
    isInText: true,
    refusal: /"Canary\.cheat" rests on "(?:Lean\.ofReduceBool|Lean\.trustCompiler)"|unknown declaration .Canary\.cheat\._nativeDecide/,
  },
  {
    name: 'a declaration that the kernel did not check',
    plant: theoremFile(
      'import Lean\nopen Lean\nset_option debug.skipKernelTC true in\nrun_cmd Elab.Command.liftCoreM <| addDecl (.thmDecl ' +
        '{ name := `Canary.false, levelParams := [], type := mkConst ``False, value := mkConst ``True.intro })\n' +
        'theorem Canary.cheat : 1 = 2 := Canary.false.elim\n',
    ),
    isInText: true,
    refusal: /declaration type mismatch|\(kernel\)/,
  },
  {
    name: 'a statement that says less than it did',
    plant: {
      'Thm/Merkle.lean': (text) =>
        text.replace('theorem verify_complete [DecidableEq H]', 'theorem verify_complete [DecidableEq H] (_h : 1 = 1)'),
    },
    isInText: false,
    refusal: /the statement of "Merkle\.verify_complete" is not the one of MAP\.md/,
  },
  {
    name: 'a definition below a statement that is another one than it was',
    plant: { 'Model/Merkle.lean': (text) => text.replace('  empty : H\n', '  empty : H\n  spare : H\n') },
    isInText: false,
    refusal: /the statement of "Merkle\.verify_sound" is not the one of MAP\.md/,
  },
  {
    name: 'a claim about a theorem that is not there',
    plant: { 'Claims.lean': (text) => text.replace('thm% Merkle.verify_sound', 'thm% Merkle.verify_souls') },
    isInText: false,
    refusal: /Claims\.lean:\d+:\d+: error: [^]*Merkle\.verify_souls/,
  },
];

/** What is said of the canary, by the layer that should say it; an exception is a refusal like another. */
async function judge(canary: Canary): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-canary-'));
  try {
    const copy = join(dir, 'proofs');
    cpSync(projectDir, copy, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.cache|host|check)$/.test(path) });
    cpSync(join(rootDir, CLAIMS_DIR), join(dir, CLAIMS_DIR), { recursive: true });
    for (const [path, edit] of Object.entries(canary.plant)) {
      const before = path === CANARY ? '' : readFileSync(join(copy, path), 'utf8');
      const after = edit(before);
      if (after === before) throw new Error(`nothing was planted in ${path}`);
      writeFileSync(join(copy, path), after);
    }
    if (lintText(readProject(copy)).length > 0 !== canary.isInText) return ['the text lint does not see it as expected'];
    const options = { projectDir: copy, rootDir: dir, isFresh: false, isWriting: false, skipsTextLint: true, report: () => {} };
    return (await checkProofs({ ...options, cacheDir: copyOfCache(dir) })).problems;
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The prepared Lean is shared; results are copied, because what is planted must not stay. */
function copyOfCache(dir: string): string {
  const from = join(projectDir, '.cache');
  const to = join(dir, 'cache');
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name === 'results') cpSync(join(from, name), join(to, name), { recursive: true });
    else symlinkSync(join(from, name), join(to, name));
  }
  return to;
}

/** A package of which one file has another content. */
function judgePackage(): readonly string[] {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-canary-'));
  try {
    for (const file of ['lean.js', 'lean.wasm', 'lean-lib.tar.gz']) writeFileSync(join(dir, file), 'not Lean\n');
    assertPinned(dir);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

let letThrough = 0;
function tell(name: string, refusals: readonly string[], expected: RegExp, begunMs: number): void {
  const refusal = refusals.find((text) => expected.test(text));
  if (refusal === undefined) letThrough++;
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
  console.log(`${refusal === undefined ? 'LET THROUGH' : 'refused'}  ${seconds.padStart(5)} s  ${name}`);
  console.log(`                  ${(refusal ?? `instead: ${refusals.join(' | ') || 'no problem'}`).split('\n', 1)[0].slice(0, 160)}`);
}

const sound = await checkProofs({ projectDir, rootDir, isFresh: false, isWriting: false, report: (line) => console.error(line) });
if (!sound.isProved) throw new Error(`the proofs do not hold without a canary either: ${sound.problems.join('; ')}`);
const packageMs = performance.now();
tell('a modified Lean package', judgePackage(), /the Lean package was modified: SHA-256 of "lean\.js" is/, packageMs);
for (const canary of CANARIES) {
  const begunMs = performance.now();
  tell(canary.name, await judge(canary), canary.refusal, begunMs);
}
console.log(letThrough === 0 ? `all ${CANARIES.length + 1} canaries were refused` : `${letThrough} canaries were let through`);
if (letThrough > 0) process.exitCode = 1;
