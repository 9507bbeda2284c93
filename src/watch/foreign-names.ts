import { join } from 'node:path';
import { listNames, lookAt } from './disk.ts';
import { isSettled, isUntouched, type FileStat } from './file-stat.ts';
import type { Finding } from './finding.ts';

/** Names that are remembered so that each is told once; beyond it nothing new is told. */
const NAMES_MAX = 1_000;

/** Looks for names in a folder that nobody announced. Lists it only when something was made, renamed or removed in it. */
export class ForeignNames {
  readonly #directory: string;
  readonly #told = new Set<string>();
  #stat: FileStat | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `isKnown` is asked after the folder was listed, so everything it shows has been announced by then. */
  look(isKnown: (name: string) => boolean): { readonly name: string; readonly finding: Finding }[] {
    const stat = lookAt(this.#directory);
    if (stat?.type !== 'directory' || (this.#stat !== undefined && isUntouched(this.#stat, stat))) return [];
    const names = listNames(this.#directory) ?? [];
    this.#stat = isSettled(stat, Date.now()) ? stat : undefined;
    return names
      .filter((name) => !this.#told.has(name) && !isKnown(name))
      .slice(0, NAMES_MAX - this.#told.size)
      .map((name) => {
        this.#told.add(name);
        const found = lookAt(join(this.#directory, name));
        const evidence = `nobody announced it; ${found === undefined ? 'gone again' : `${found.type} of ${found.size} bytes`}`;
        return { name, finding: { kind: 'foreign-file', bytes: null, seqs: null, evidence } };
      });
  }

  /** Not to be told: it has been, as something else. */
  ignore(name: string): void {
    this.#told.add(name);
  }

  /** The next look lists the folder in any case. */
  forget(): void {
    this.#stat = undefined;
  }
}
