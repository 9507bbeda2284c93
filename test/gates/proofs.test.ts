import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { committedProblems } from '../../proofs/check/committed.ts';
import { lintText, TEXT_RULES } from '../../proofs/check/text-lint.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const project = join(root, 'proofs');
const specs = join(root, 'grafana/specs');

/** The project without what only runs Lean, and the exported claims, to be spoiled. */
function copyOfProject() {
  const dir = tempDir();
  const files = { projectDir: join(dir.path, 'proofs'), specsDir: join(dir.path, 'specs'), rootDir: root };
  cpSync(project, files.projectDir, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.cache|host|check)$/.test(path) });
  cpSync(specs, files.specsDir, { recursive: true });
  const edit = (path: string, change: (text: string) => string): void => {
    const before = readFileSync(join(dir.path, path), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`nothing was planted in ${path}`);
    writeFileSync(join(dir.path, path), after);
  };
  return {
    edit,
    remove: (path: string): void => rmSync(join(dir.path, path)),
    problems: (): readonly string[] => committedProblems(files),
    [Symbol.dispose]: (): void => dir[Symbol.dispose](),
  };
}

const STALE = 'report.json is about other proofs than these (npm run proofs -- --write)';

describe('proofs gate, without Lean', () => {
  it('finds nothing in the repository', () => {
    expect(committedProblems({ projectDir: project, specsDir: specs, rootDir: root })).toEqual([]);
  });

  it.each(TEXT_RULES.map(({ word }) => word))('refuses the word %s in a Lean file', (word) => {
    expect(lintText([{ path: 'Thm/A.lean', text: `theorem a : True :=\n  ${word}\n` }])).toEqual([
      expect.stringMatching(`^Thm/A\\.lean:2: "${word.replaceAll('.', '\\.')}": `),
    ]);
  });

  it('takes the word as a word: a name that holds it is another one', () => {
    expect(lintText([{ path: 'Thm/A.lean', text: 'theorem axioms_external_sorrys : True := partially.unsafely\n' }])).toEqual([]);
  });

  it('lets only the files that need them say the words that run programs', () => {
    expect(lintText([{ path: 'Spec.lean', text: 'unsafe def a := 1\n' }])).toEqual([]);
    expect(lintText([{ path: 'Audit.lean', text: 'unsafe def a := 1\n' }])).toHaveLength(1);
  });

  it('refuses a report about other proofs', () => {
    using copy = copyOfProject();
    copy.edit('proofs/Model/Ledger.lean', (text) => `${text}\n-- another line\n`);
    expect(copy.problems()).toEqual([STALE]);
  });

  it('refuses a report about other settings of Lean', () => {
    using copy = copyOfProject();
    copy.edit('proofs/lean-toolchain', (text) => text.replace('v4.', 'v5.'));
    expect(copy.problems()).toEqual([STALE]);
  });

  it('refuses a report of proofs that failed', () => {
    using copy = copyOfProject();
    copy.edit('proofs/report.json', (text) => text.replace('"isProved": true', '"isProved": false'));
    expect(copy.problems()).toEqual(['report.json says that not everything is proved']);
  });

  it('refuses a theorem file that the root does not import', () => {
    using copy = copyOfProject();
    copy.edit('proofs/Proofs.lean', (text) => text.replace('import Thm.Merkle\n', ''));
    expect(copy.problems()).toEqual(['Thm.Merkle is not imported by Proofs.lean', STALE]);
  });

  it('refuses a theorem that the map does not name, and one that it names and nobody proves', () => {
    using copy = copyOfProject();
    copy.edit('proofs/Thm/Merkle.lean', (text) => text.replace('theorem verify_sound', 'theorem verify_is_sound'));
    expect(copy.problems()).toEqual([
      STALE,
      'the theorem "Merkle.verify_is_sound" is not in MAP.md',
      'MAP.md names "Merkle.verify_sound", which is no theorem with a sentence',
      'claim "merkle-inclusion": there is no theorem "Merkle.verify_sound"',
    ]);
  });

  it('refuses a statement hash in the map that is not the one that was checked', () => {
    using copy = copyOfProject();
    copy.edit('proofs/MAP.md', (text) =>
      text.replace(/(`Merkle\.verify_sound`<br>.*?\| `)[0-9a-f]{16}/, (_, before: string) => `${before}${'0'.repeat(16)}`),
    );
    expect(copy.problems()).toEqual(['the statement of "Merkle.verify_sound" in MAP.md is not the one of report.json']);
  });

  it('refuses a tie to a function or a test that is not there', () => {
    using copy = copyOfProject();
    copy.edit('proofs/ties.json', (text) =>
      text
        .replace('Merkle.root', 'Merkle.stem')
        .replace('merkle.ts#inclusionPath', 'merkle.ts#pathOfInclusion')
        .replace('test/unit/bundle-chain.test.ts', 'test/unit/bundle-change.test.ts'),
    );
    expect(copy.problems()).toEqual([
      'ties.json: there is no "test/unit/bundle-change.test.ts"',
      'ties.json: no model defines "Merkle.stem"',
      'ties.json: "src/kernel/merkle.ts" does not export "pathOfInclusion"',
    ]);
  });

  it('refuses an exported claim with a theorem, a file or a metric that is not there', () => {
    using copy = copyOfProject();
    copy.edit('specs/merkle-inclusion.json', (text) =>
      text.replace('Merkle.verify_complete', 'Merkle.no_such').replace('merkle.ts', 'oak.ts').replace('_tampered', '_tempered'),
    );
    expect(copy.problems()).toEqual([
      'claim "merkle-inclusion": there is no theorem "Merkle.no_such"',
      'claim "merkle-inclusion": there is no "src/kernel/oak.ts"',
      'claim "merkle-inclusion": there is no metric "proofs_ledger_tempered"',
    ]);
  });

  it('refuses a claim that was not exported', () => {
    using copy = copyOfProject();
    copy.remove('specs/merkle-inclusion.json');
    expect(copy.problems()).toEqual(['the claim "merkle-inclusion" was not exported']);
  });
});
