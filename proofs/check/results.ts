import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LeanFile } from './project.ts';

/** A theorem as reports name it. */
export interface TheoremResult {
  readonly name: string;
  readonly line: number;
  readonly statement: string;
  /** One English sentence; empty for a lemma that only helps others. */
  readonly sentence: string;
  readonly axioms: readonly string[];
  /** Over the statement and everything that its meaning depends on. */
  readonly statementHash: string;
  /** The project's own constants among those. */
  readonly dependsOn: readonly string[];
}

/** What is known of a file as long as its key stays. */
export interface StoredResult {
  readonly key: string;
  readonly importMs: number;
  readonly elaborationMs: number;
  /** Absent until the file was audited and replayed. */
  readonly audit?: { readonly key: string; readonly declaredAxioms: readonly string[]; readonly theorems: readonly TheoremResult[] };
}

/** Results of files without a fault, on disk. A killed run leaves whole results or none. */
export class ResultStore {
  readonly #dir: string;
  readonly oleanDir: string;

  constructor(cacheDir: string, toolchain: string) {
    this.#dir = join(cacheDir, 'results', toolchain);
    this.oleanDir = join(this.#dir, 'olean');
  }

  clear(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  read({ module }: Pick<LeanFile, 'module'>, key: string): StoredResult | undefined {
    if (!existsSync(join(this.oleanDir, `${module.replaceAll('.', '/')}.olean`))) return undefined;
    const stored = this.readText(`${module}.json`);
    if (stored === undefined) return undefined;
    const result = JSON.parse(stored) as StoredResult;
    return result.key === key ? result : undefined;
  }

  write({ module }: Pick<LeanFile, 'module'>, result: StoredResult): void {
    this.writeText(`${module}.json`, JSON.stringify(result));
  }

  readText(name: string): string | undefined {
    const path = join(this.#dir, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  writeText(name: string, text: string): void {
    const path = join(this.#dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}
