import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Claim } from './claims.ts';
import { listDefinitions, listTheorems } from './lean-text.ts';
import { theoremsOfMap, type Tie } from './map.ts';
import { type LeanFile, readProject, sourceHash } from './project.ts';
import type { ProofReport } from './report.ts';
import { lintRoot, lintText } from './text-lint.ts';

export interface CommittedFiles {
  /** The Lean project, with MAP.md, report.json and ties.json. */
  readonly projectDir: string;
  /** The exported claims. */
  readonly specsDir: string;
  /** The repository that ties and claims speak of. */
  readonly rootDir: string;
}

/**
 * What is wrong with the committed files, as far as one sees without Lean: so that a change which makes the proofs speak of something else
 * fails on every machine, at once, and not only where Lean runs.
 */
export function committedProblems({ projectDir, specsDir, rootDir }: CommittedFiles): readonly string[] {
  const files = readProject(projectDir);
  const report = JSON.parse(readFileSync(join(projectDir, 'report.json'), 'utf8')) as ProofReport;
  const map = theoremsOfMap(readFileSync(join(projectDir, 'MAP.md'), 'utf8'));
  const ties = JSON.parse(readFileSync(join(projectDir, 'ties.json'), 'utf8')) as readonly Tie[];
  return [
    ...lintText(files),
    ...lintRoot(files),
    ...reportProblems(report, sourceHash(projectDir)),
    ...mapProblems(files, map, report),
    ...tieProblems(files, ties, rootDir),
    ...claimProblems(files, readClaims(specsDir), rootDir),
  ];
}

function reportProblems(report: ProofReport, sourceHash: string): readonly string[] {
  const problems: string[] = [];
  if (report.sourceHash !== sourceHash) problems.push('report.json is about other proofs than these (npm run proofs -- --write)');
  if (!report.isProved) problems.push('report.json says that not everything is proved');
  return problems;
}

function theoremsOf(files: readonly LeanFile[]): ReadonlyMap<string, string> {
  const inFolder = files.filter(({ path }) => path.startsWith('Thm/'));
  return new Map(inFolder.flatMap(({ text }) => listTheorems(text).map(({ name, sentence }) => [name, sentence] as const)));
}

/** Both ways: every main theorem stands in the map, and the map names nothing else. */
function mapProblems(files: readonly LeanFile[], map: ReadonlyMap<string, string>, report: ProofReport): readonly string[] {
  const theorems = theoremsOf(files);
  const hashes = new Map(report.files.flatMap((file) => file.theorems.map(({ name, statementHash }) => [name, statementHash] as const)));
  const missing = [...theorems].filter(([name, sentence]) => sentence !== '' && !map.has(name));
  const gone = [...map.keys()].filter((name) => (theorems.get(name) ?? '') === '');
  const other = [...map].filter(([name, hash]) => hashes.get(name)?.startsWith(hash) !== true);
  return [
    ...missing.map(([name]) => `the theorem "${name}" is not in MAP.md`),
    ...gone.map((name) => `MAP.md names "${name}", which is no theorem with a sentence`),
    ...other.map(([name]) => `the statement of "${name}" in MAP.md is not the one of report.json`),
  ];
}

function tieProblems(files: readonly LeanFile[], ties: readonly Tie[], rootDir: string): readonly string[] {
  const models = files.filter(({ path }) => path.startsWith('Model/'));
  const definitions = new Set(models.flatMap(({ text }) => listDefinitions(text)));
  return ties.flatMap(({ spec, typescript, test }) => {
    const problems: string[] = [];
    const isField =
      definitions.has(spec.slice(0, spec.lastIndexOf('.'))) && models.some(({ text }) => text.includes(`  ${fieldOf(spec)} : `));
    if (!definitions.has(spec) && !isField) problems.push(`ties.json: no model defines "${spec}"`);
    const [path, name] = typescript.split('#');
    const source = existsSync(join(rootDir, path)) ? readFileSync(join(rootDir, path), 'utf8') : '';
    if (!new RegExp(`^export (?:async )?(?:function|class|const) ${name}\\b`, 'm').test(source))
      problems.push(`ties.json: "${path}" does not export "${name}"`);
    if (!existsSync(join(rootDir, test))) problems.push(`ties.json: there is no "${test}"`);
    return problems;
  });
}

function fieldOf(spec: string): string {
  return spec.slice(spec.lastIndexOf('.') + 1);
}

function readClaims(specsDir: string): readonly Claim[] {
  return globSync('*.json', { cwd: specsDir })
    .toSorted()
    .map((file) => {
      const claim = JSON.parse(readFileSync(join(specsDir, file), 'utf8')) as Claim;
      if (claim.id !== basename(file, '.json')) throw new Error(`${file} holds the claim "${claim.id}"`);
      return claim;
    });
}

function claimProblems(files: readonly LeanFile[], claims: readonly Claim[], rootDir: string): readonly string[] {
  const theorems = theoremsOf(files);
  const metrics = readFileSync(join(rootDir, 'docs/metrics.md'), 'utf8');
  const source = files.find(({ module }) => module === 'Claims')?.text ?? '';
  const written = [...source.matchAll(/^ {2}id := "([^"]+)"$/gm)].map((match) => match[1]);
  const exported = claims.map(({ id }) => id);
  return [
    ...written.filter((id) => !exported.includes(id)).map((id) => `the claim "${id}" was not exported`),
    ...exported.filter((id) => !written.includes(id)).map((id) => `"${id}" was exported and is no claim`),
    ...claims.flatMap((claim) => [
      ...claim.theorems.filter((name) => !theorems.has(name)).map((name) => `claim "${claim.id}": there is no theorem "${name}"`),
      ...claim.implementation
        .filter((path) => !existsSync(join(rootDir, path)))
        .map((path) => `claim "${claim.id}": there is no "${path}"`),
      ...(metrics.includes(`\`${claim.metric}\``) ? [] : [`claim "${claim.id}": there is no metric "${claim.metric}"`]),
    ]),
  ];
}
