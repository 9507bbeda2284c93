import type { LeanFile } from './project.ts';

/** What Lean said about one file. */
export interface FileResult {
  /** Errors, and warnings, which count as errors. */
  readonly problems: readonly string[];
  readonly importMs: number;
  readonly elaborationMs: number;
}

/** What `#audit` writes. */
export interface AuditFile {
  readonly modules: readonly {
    readonly module: string;
    readonly declaredAxioms: readonly string[];
    readonly theorems: readonly AuditedTheorem[];
  }[];
  /** Constants of the project as text; see Audit.lean. */
  readonly meanings: Readonly<Record<string, string>>;
  readonly replayed: number;
  readonly replayMs: number;
}

export interface AuditedTheorem {
  readonly name: string;
  readonly line: number;
  readonly statement: string;
  readonly sentence: string;
  readonly axioms: readonly string[];
  /** The theorem and all that its meaning depends on. */
  readonly meaning: readonly string[];
}

/** A Lean that checks files. Both kinds give the same answers to the same files, so everything else is written once. */
export interface Engine extends AsyncDisposable {
  readonly name: string;
  /** Names the exact Lean; another one proves everything anew. */
  readonly toolchain: string;
  /** 0 where Lean needs no start of its own. */
  readonly startMs: number;
  /** Elaborates one file whose imports were checked before it. */
  check(file: LeanFile): Promise<FileResult>;
  /** Elaborates a few lines that use the project, and throws when Lean says anything is wrong with them. */
  run(text: string): Promise<void>;
}
