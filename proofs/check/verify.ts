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

/** Everything Lean has to say, as far as it was not said before about the same files. Several engines share the work. */
export async function verify(
  files: readonly LeanFile[],
  engines: readonly Engine[],
  store: ResultStore,
  report: (line: string) => void,
): Promise<Verification> {
  const keys = fileKeys(files, engines[0].toolchain);
  const keyOf = (module: string): string => keys.get(module) ?? '';
  const ordered = inDependencyOrder(files, LEDGER_FILES);
  const known = new Map<string, Known>();
  for (const file of ordered) {
    const before = store.read(file, keyOf(file.module));
    if (before !== undefined) known.set(file.module, { result: before, isFresh: false });
  }
  const problems = await checkAll(ordered, known, keyOf, engines, store, report);
  const nothing = { replayed: 0, replayMs: 0, auditMs: 0 };
  const auditKey = `${keyOf('Audit')} ${keyOf('Spec')}`;
  const audited = problems.length > 0 ? nothing : await audit(ordered, known, auditKey, engines, store, report);
  if (problems.length === 0) problems.push(...axiomProblems(known));
  const claims = problems.length > 0 ? '[]' : await exportClaims(keyOf('Claims'), engines[0], store);
  const checked = ordered.flatMap((file) => {
    const entry = known.get(file.module);
    return entry === undefined ? [] : [{ file, ...entry }];
  });
  return { problems, files: checked, claims, ...audited };
}

/** Each engine takes the next file whose imports are all checked, until there is none. */
async function checkAll(
  ordered: readonly LeanFile[],
  known: Map<string, Known>,
  keyOf: (module: string) => string,
  engines: readonly Engine[],
  store: ResultStore,
  report: (line: string) => void,
): Promise<string[]> {
  const problems: string[] = [];
  const waiting = ordered.filter(({ module }) => !known.has(module));
  const isFree = ({ imports }: LeanFile): boolean => imports.every((name) => known.has(name) || keyOf(name) === '');
  let running = 0;
  let settled = Promise.withResolvers<void>();
  const checkOne = async (engine: Engine, file: LeanFile): Promise<void> => {
    const { problems: found, importMs, elaborationMs } = await engine.check(file);
    problems.push(...found);
    report(`${found.length === 0 ? 'checked' : 'FAILED '} ${file.module} (${Math.round(elaborationMs)} ms)`);
    if (found.length > 0) return;
    const result = { key: keyOf(file.module), importMs, elaborationMs };
    store.write(file, result);
    known.set(file.module, { result, isFresh: true });
  };
  const work = async (engine: Engine): Promise<void> => {
    for (;;) {
      const at = waiting.findIndex(isFree);
      if (at === -1 && running === 0) return;
      if (at === -1) {
        await settled.promise;
        continue;
      }
      const [file] = waiting.splice(at, 1);
      running++;
      try {
        await checkOne(engine, file);
      } finally {
        running--;
        settled.resolve();
        settled = Promise.withResolvers<void>();
      }
    }
  };
  await Promise.all(engines.map(work));
  problems.push(...waiting.map(({ path }) => `${path}: not checked, because a file that it imports failed`));
  return problems;
}

/** Statements, axioms and replay of the files that were not audited with this audit yet. */
async function audit(
  ordered: readonly LeanFile[],
  known: Map<string, Known>,
  key: string,
  engines: readonly Engine[],
  store: ResultStore,
  report: (line: string) => void,
): Promise<Pick<Verification, 'replayed' | 'replayMs' | 'auditMs'>> {
  const stale = ordered.filter(({ module }) => PROVED.test(module) && known.get(module)?.result.audit?.key !== key);
  if (stale.length === 0) return { replayed: 0, replayMs: 0, auditMs: 0 };
  report(`auditing and replaying ${stale.length} files`);
  const begunMs = performance.now();
  // Neighbours stay together: a part replays on top of what it imports, which must not come back to the part itself.
  const each = Math.ceil(stale.length / engines.length);
  const parts = engines.map((engine, i) => ({ engine, part: stale.slice(i * each, (i + 1) * each) })).filter(({ part }) => part.length > 0);
  const outputs = await Promise.all(parts.map(({ engine, part }) => auditPart(part, engine, store)));
  for (const { modules, meanings } of outputs) {
    const hashes = new Map(Object.entries(meanings).map(([name, text]) => [name, sha256(text)]));
    for (const { module, declaredAxioms, theorems } of modules) {
      const entry = known.get(module);
      if (entry === undefined) continue;
      const ofTheorems = theorems.map((theorem) => toResult(theorem, hashes)).toSorted((a, b) => a.line - b.line);
      entry.result = { ...entry.result, audit: { key, declaredAxioms, theorems: ofTheorems } };
      store.write({ module }, entry.result);
    }
  }
  const replayMs = Math.max(...outputs.map((output) => output.replayMs));
  const replayed = outputs.reduce((sum, output) => sum + output.replayed, 0);
  return { replayed, replayMs, auditMs: performance.now() - begunMs - replayMs };
}

async function auditPart(part: readonly LeanFile[], engine: Engine, store: ResultStore): Promise<AuditFile> {
  const names = part.map(({ module }) => module).join(' ');
  // The audited files are imported by name as well: a model that no theorem speaks of is not in the root.
  const imports = part.map(({ module }) => `import ${module}\n`).join('');
  const command = (path: string): string => `import Audit\nimport Proofs\n${imports}#audit "${path}" ${names} replay ${names}\n`;
  return JSON.parse(await runAndRead(engine, store, command)) as AuditFile;
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
