import type { LeanFile } from './project.ts';

/** What no Lean file may say. The kernel and the audit find most of it too; this finds it in a second and names the line. */
interface TextRule {
  readonly word: string;
  readonly why: string;
  /** Files that need it. */
  readonly except?: RegExp;
}

/** Evaluates claims for their export; nothing that is proved depends on it. */
const EVALUATES = /^Spec\.lean$/;
/** Programs around the proofs, which need not end. */
const PROGRAMS = /^(?:Audit|Spec|DiffTest\/.*)\.lean$/;

export const TEXT_RULES: readonly TextRule[] = [
  { word: 'sorry', why: 'a proof that is not there' },
  { word: 'axiom', why: 'something taken as true without proof' },
  { word: 'native_decide', why: 'a proof that trusts the compiler' },
  { word: 'debug.skipKernelTC', why: 'declarations that the kernel does not check' },
  { word: 'unsafe', why: 'code that the kernel does not see', except: EVALUATES },
  { word: 'opaque', why: 'a definition that hides what it is', except: EVALUATES },
  { word: 'implemented_by', why: 'code that runs in the place of what is proved', except: EVALUATES },
  { word: 'extern', why: 'code that runs in the place of what is proved' },
  { word: 'partial', why: 'a function of which nothing can be proved', except: PROGRAMS },
];

/** Every breach, as `path:line: word: reason`. Words in comments count: a file that speaks of them is read as one that uses them. */
export function lintText(files: readonly Pick<LeanFile, 'path' | 'text'>[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) =>
        TEXT_RULES.filter(({ word, except }) => hasWord(line, word) && !(except?.test(path) ?? false)).map(
          ({ word, why }) => `${path}:${i + 1}: "${word}": ${why}`,
        ),
      ),
  );
}

function hasWord(line: string, word: string): boolean {
  const escaped = word.replaceAll('.', '\\.');
  return new RegExp(`(?<![\\w.])${escaped}(?![\\w.])`).test(line);
}

/** Theorem files that the root does not import, and imports of the root that lead nowhere. */
export function lintRoot(files: readonly Pick<LeanFile, 'module' | 'imports'>[]): readonly string[] {
  const root = files.find(({ module }) => module === 'Proofs');
  if (root === undefined) return ['there is no Proofs.lean'];
  const theorems = files.map(({ module }) => module).filter((module) => module.startsWith('Thm.'));
  return [
    ...theorems.filter((module) => !root.imports.includes(module)).map((module) => `${module} is not imported by Proofs.lean`),
    ...root.imports
      .filter((module) => !theorems.includes(module))
      .map((module) => `Proofs.lean imports ${module}, which is no theorem file`),
  ];
}
