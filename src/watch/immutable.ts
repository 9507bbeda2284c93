import { execFile } from 'node:child_process';

/** chattr of e2fsprogs answers in milliseconds; a hanging file system must not pile processes up. */
const CHATTR_MS_MAX = 5_000;

/** Sets and clears the immutable flag of ext4, XFS and btrfs. Whoever has our rights can clear it too: it stops accidents, and slows the rest. */
export class ImmutableFlag {
  #isPossible: boolean;
  readonly #onTrouble: (message: string) => void;

  constructor(isWanted: boolean, onTrouble: (message: string) => void) {
    this.#isPossible = isWanted;
    this.#onTrouble = onTrouble;
  }

  set(path: string): void {
    this.#run('+i', path);
  }

  /** Before retention removes the file: until this is done its attempts fail with EPERM, and it tries again. */
  clear(path: string): void {
    this.#run('-i', path);
  }

  #run(change: '+i' | '-i', path: string): void {
    if (!this.#isPossible) return;
    execFile('chattr', [change, '--', path], { timeout: CHATTR_MS_MAX }, (error) => {
      if (error === null || !this.#isPossible) return;
      this.#isPossible = change === '-i';
      this.#onTrouble(`sealed segments are not made immutable: ${error.message.trim()}`);
    });
  }
}
