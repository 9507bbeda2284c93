import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditFile, AuditedTheorem, Engine } from './engine.ts';
import { toSentence } from './lean-text.ts';
import { fileKeys, inDependencyOrder, type LeanFile } from './project.ts';
import type { ResultStore, StoredResult, TheoremResult } from './results.ts';

/** What theorems may rest on, besides nothing: the three axioms of Lean itself. */
const AXIOMS_ALLOWED: readonly string[] = ['Classical.choice', 'Quot.sound', 'propext'];

/** The files whose elaboration has a target of its own; they come last, so that the process is warm. */
export const LEDGER_FILES = /^(?:Model|Thm)\.(?:Ledger|Framing)/;

/** Modules with something to prove or to prove it about. */
const PROVED = /^(?:Model|Thm|Data)\./;

export interface Verification {
  readonly problems: readonly string[];
  readonly files: readonly { readonly file: LeanFile; readonly result: StoredResult; readonly isFresh: boolean }[];
  /** As `#export_claims` writes them. */
  readonly claims: string;
  readonly replayed: number;
  readonly replayMs: number;
  readonly auditMs: number;
}

interface Known {
  result: StoredResult;
  isFresh: boolean;
}

/** Everything Lean has to say, as far as it was not said before about the same files. */
export async function verify(
  files: readonly LeanFile[],
  engine: Engine,
  store: ResultStore,
  report: (line: string) => void,
): Promise<Verification> {
  const keys = fileKeys(files, engine.toolchain);
  const keyOf = (module: string): string => keys.get(module) ?? '';
  const ordered = inDependencyOrder(files, LEDGER_FILES);
  const known = new Map<string, Known>();
  const problems: string[] = [];
  for (const file of ordered) {
    const before = store.read(file, keyOf(file.module));
    if (before !== undefined) known.set(file.module, { result: before, isFresh: false });
    else if (file.imports.every((name) => known.has(name) || !keys.has(name))) {
      const { problems: found, importMs, elaborationMs } = await engine.check(file);
      problems.push(...found);
      report(`${found.length === 0 ? 'checked' : 'FAILED '} ${file.module} (${Math.round(elaborationMs)} ms)`);
      if (found.length > 0) continue;
      const result = { key: keyOf(file.module), importMs, elaborationMs };
      store.write(file, result);
      known.set(file.module, { result, isFresh: true });
    } else problems.push(`${file.path}: not checked, because a file that it imports failed`);
  }
  const nothing = { replayed: 0, replayMs: 0, auditMs: 0 };
  const auditKey = `${keyOf('Audit')} ${keyOf('Spec')}`;
  const audited = problems.length > 0 ? nothing : await audit(ordered, known, auditKey, engine, store, report);
  if (problems.length === 0) problems.push(...axiomProblems(known));
  const claims = problems.length > 0 ? '[]' : await exportClaims(keyOf('Claims'), engine, store);
  const checked = ordered.flatMap((file) => {
    const entry = known.get(file.module);
    return entry === undefined ? [] : [{ file, ...entry }];
  });
  return { problems, files: checked, claims, ...audited };
}

/** Statements, axioms and replay of the files that were not audited with this audit yet. */
async function audit(
  ordered: readonly LeanFile[],
  known: Map<string, Known>,
  key: string,
  engine: Engine,
  store: ResultStore,
  report: (line: string) => void,
): Promise<Pick<Verification, 'replayed' | 'replayMs' | 'auditMs'>> {
  const stale = ordered.filter(({ module }) => PROVED.test(module) && known.get(module)?.result.audit?.key !== key);
  if (stale.length === 0) return { replayed: 0, replayMs: 0, auditMs: 0 };
  report(`auditing and replaying ${stale.length} files`);
  const begunMs = performance.now();
  const names = stale.map(({ module }) => module).join(' ');
  // The audited files are imported by name as well: a model that no theorem speaks of is not in the root.
  const imports = stale.map(({ module }) => `import ${module}\n`).join('');
  const written = await runAndRead(
    engine,
    store,
    (path) => `import Audit\nimport Proofs\n${imports}#audit "${path}" ${names} replay ${names}\n`,
  );
  const { modules, meanings, replayed, replayMs } = JSON.parse(written) as AuditFile;
  const hashes = new Map(Object.entries(meanings).map(([name, text]) => [name, sha256(text)]));
  for (const { module, declaredAxioms, theorems } of modules) {
    const file = stale.find((candidate) => candidate.module === module);
    const entry = known.get(module);
    if (file === undefined || entry === undefined) continue;
    const ofTheorems = theorems.map((theorem) => toResult(theorem, hashes)).toSorted((a, b) => a.line - b.line);
    entry.result = { ...entry.result, audit: { key, declaredAxioms, theorems: ofTheorems } };
    store.write(file, entry.result);
  }
  return { replayed, replayMs, auditMs: performance.now() - begunMs - replayMs };
}

function toResult({ meaning, ...theorem }: AuditedTheorem, hashes: ReadonlyMap<string, string>): TheoremResult {
  const lines = meaning.map((name) => `${name} ${hashes.get(name) ?? ''}\n`).toSorted();
  const sentence = toSentence(theorem.sentence);
  return { ...theorem, sentence, statementHash: sha256(lines.join('')), dependsOn: meaning.slice(1).toSorted() };
}

function axiomProblems(known: ReadonlyMap<string, Known>): readonly string[] {
  return [...known].flatMap(([module, { result }]) => [
    ...(result.audit?.declaredAxioms ?? []).map((name) => `${module}: "${name}" is an axiom of our own`),
    ...(result.audit?.theorems ?? []).flatMap(({ name, axioms }) =>
      axioms.filter((axiom) => !AXIOMS_ALLOWED.includes(axiom)).map((axiom) => `${module}: "${name}" rests on "${axiom}"`),
    ),
  ]);
}

async function exportClaims(key: string, engine: Engine, store: ResultStore): Promise<string> {
  const name = `claims-${key}.json`;
  const before = store.readText(name);
  if (before !== undefined) return before;
  const claims = await runAndRead(engine, store, (path) => `import Claims\n#export_claims "${path}"\n`);
  store.writeText(name, claims);
  return claims;
}

/** Runs a command that writes a file, and answers what it wrote. */
async function runAndRead(engine: Engine, store: ResultStore, command: (path: string) => string): Promise<string> {
  mkdirSync(store.oleanDir, { recursive: true });
  const dir = mkdtempSync(join(store.oleanDir, '.output-'));
  try {
    const path = join(dir, 'output.json');
    await engine.run(command(path));
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
