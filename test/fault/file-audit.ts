import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { VersionAudit } from '../../src/versions/audit.ts';

export interface FileEntry {
  readonly action: string;
  readonly name: string;
  readonly outcome: 'attempted' | 'done' | 'refused' | 'failed';
  readonly attempt?: string;
  readonly recovered?: true;
  readonly code?: string;
}

/** A ledger for the store of versions that is one file: each entry is a line, durable when it is acknowledged. */
export class FileAudit implements VersionAudit {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async record(entry: Parameters<VersionAudit['record']>[0]): Promise<void> {
    const file = openSync(this.#path, 'a');
    try {
      writeSync(file, `${JSON.stringify(entry)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  entries(): FileEntry[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as FileEntry);
  }
}
