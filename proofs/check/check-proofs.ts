import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Claim, claimFiles, CLAIMS_DIR } from './claims.ts';
import type { Engine } from './engine.ts';
import { LakeEngine, lakeToolchain, lakeVersion } from './lake-engine.ts';
import { mapProblems, type MappedTheorem, type Tie, writeMap } from './map.ts';
import { readProject, sourceHash } from './project.ts';
import { type ProofReport, toReport } from './report.ts';
import { ResultStore } from './results.ts';
import { lintRoot, lintText } from './text-lint.ts';
import { type Verification, verify } from './verify.ts';
import { WasmEngine, wasmToolchain } from './wasm-engine.ts';

/** Each takes up to 2 GiB, and starting a third costs more than it saves. */
const WASM_ENGINES_MAX = 2;

export interface CheckOptions {
  /** The Lean project. */
  readonly projectDir: string;
  /** The repository around it, where the exported claims live. */
  readonly rootDir: string;
  /** Forgets what was checked before. */
  readonly isFresh: boolean;
  /** Writes what is made from the proofs instead of comparing it. */
  readonly isWriting: boolean;
  readonly report: (line: string) => void;
  /** Asks Lean even where the text already says no: for the canaries, which show that each layer refuses by itself. */
  readonly skipsTextLint?: boolean;
  /** Only this kind of Lean, whatever else there is: who calls functions of the project needs it. */
  readonly engine?: 'wasm';
  /** Where the prepared Lean and the results are kept; below the project when absent. */
  readonly cacheDir?: string;
}

/** Text first, because it takes no time; then Lean; then what was made from the proofs. */
export async function checkProofs(options: CheckOptions): Promise<ProofReport> {
  const begunMs = performance.now();
  const { projectDir, isFresh } = options;
  // Before anything else: somebody may edit while Lean works, and the report is about what was read here.
  const hashBefore = sourceHash(projectDir);
  const files = readProject(projectDir);
  const textProblems = options.skipsTextLint === true ? [] : [...lintText(files), ...lintRoot(files)];
  const cacheDir = options.cacheDir ?? join(projectDir, '.cache');
  const version = options.engine === 'wasm' ? undefined : lakeVersion();
  const toolchain = version === undefined ? wasmToolchain() : lakeToolchain(version);
  const store = new ResultStore(cacheDir, toolchain);
  if (isFresh) store.clear();
  await using engines = new AsyncDisposableStack();
  const made = makeEngines(version, options, cacheDir, store.oleanDir).map((engine) => engines.use(engine));
  const nothing: Verification = { problems: textProblems, files: [], claims: '[]', replayed: 0, replayMs: 0, auditMs: 0 };
  const verification = textProblems.length > 0 ? nothing : await verify(files, made, store, options.report);
  const problems = [...verification.problems];
  if (problems.length === 0) problems.push(...settleFiles(verification, options));
  const totalMs = performance.now() - begunMs;
  const report = toReport(verification, problems, {
    sourceHash: hashBefore,
    lean: made[0].name,
    startMs: Math.max(...made.map(({ startMs }) => startMs)),
    totalMs,
  });
  if (options.isWriting && report.isProved) writeFileSync(join(projectDir, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  return report;
}

/** An official Lean where there is one, and otherwise the one from npm, on two cores if there are two. */
function makeEngines(
  version: string | undefined,
  { projectDir, report }: CheckOptions,
  cacheDir: string,
  oleanDir: string,
): readonly Engine[] {
  if (version !== undefined) return [new LakeEngine(version, projectDir, oleanDir)];
  const count = Math.min(WASM_ENGINES_MAX, availableParallelism());
  return Array.from({ length: count }, () => new WasmEngine({ cacheDir, oleanDir, report }));
}

/** Compares what is made from the proofs with the committed copies, or writes it. */
function settleFiles({ files, claims }: Verification, { projectDir, rootDir, isWriting }: CheckOptions): readonly string[] {
  const exported = JSON.parse(claims) as Claim[];
  const theorems = files.flatMap(({ file, result }): MappedTheorem[] =>
    (result.audit?.theorems ?? []).map((theorem) => ({ ...theorem, path: file.path })),
  );
  const mapPath = join(projectDir, 'MAP.md');
  const committed = readFileSync(mapPath, 'utf8');
  const ties = JSON.parse(readFileSync(join(projectDir, 'ties.json'), 'utf8')) as Tie[];
  const map = writeMap(committed, exported, theorems, ties);
  const made = claimFiles(exported);
  if (!isWriting) return [...mapProblems(committed, map), ...claimProblems(made, rootDir)];
  writeFileSync(mapPath, map);
  rmSync(join(rootDir, CLAIMS_DIR), { recursive: true, force: true });
  mkdirSync(join(rootDir, CLAIMS_DIR), { recursive: true });
  for (const [path, content] of made) writeFileSync(join(rootDir, path), content);
  return [];
}

function claimProblems(made: ReadonlyMap<string, string>, rootDir: string): readonly string[] {
  const dir = join(rootDir, CLAIMS_DIR);
  const committed = existsSync(dir) ? readdirSync(dir).map((name) => `${CLAIMS_DIR}/${name}`) : [];
  const paths = new Set([...committed, ...made.keys()]);
  return [...paths]
    .filter((path) => !existsSync(join(rootDir, path)) || readFileSync(join(rootDir, path), 'utf8') !== made.get(path))
    .map((path) => `${path} is not what Claims.lean says (npm run proofs -- --write)`);
}
