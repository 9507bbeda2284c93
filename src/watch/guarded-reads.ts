import { isGone, isUnreadable } from './disk.ts';
import type { Finding } from './finding.ts';

/** Reads that may fail because of what somebody did to the file: that is a finding. A shortage of ours (descriptors, memory) is none and goes up. */
export class GuardedReads {
  readonly #tell: (name: string, finding: Finding) => void;
  /** Told already, and still so. */
  readonly #unreadable = new Set<string>();

  constructor(tell: (name: string, finding: Finding) => void) {
    this.#tell = tell;
  }

  /** Undefined when the file is gone (the next look tells) or cannot be read (told here, once). */
  attempt<T>(name: string, action: () => T): T | undefined {
    try {
      const result = action();
      this.#unreadable.delete(name);
      return result;
    } catch (error) {
      if (isGone(error)) return undefined;
      if (!isUnreadable(error)) throw error;
      if (this.#unreadable.has(name)) return undefined;
      this.#unreadable.add(name);
      const evidence = `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      this.#tell(name, { kind: 'metadata', bytes: null, seqs: null, evidence });
      return undefined;
    }
  }

  isUnreadable(name: string): boolean {
    return this.#unreadable.has(name);
  }
}
